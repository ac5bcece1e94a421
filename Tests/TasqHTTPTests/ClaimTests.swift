import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The worker protocol for other languages.
@Suite(.medium)
struct ClaimTests {
    private static let worker = "019ab3c4-5d6e-7f80-9123-456789abcdef"
    /// One queue, named as often as no request may name any.
    private static let tooMany = Array(repeating: "a", count: 65).description

    @Test func `A claimed job is executing under the worker's own row, and success ends it`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"mail","payload":{ "a" : 1.50 }}"#)
            let claims = try await stack.claim(#"{"worker_id":"\#(Self.worker)","limit":5}"#)
            #expect(claims.status == 200)
            #expect(claims.text.contains(#""payload":{ "a" : 1.50 }"#), "\(claims.text)")
            #expect(member("id", of: claims.text) == id)
            #expect(
                try await database.execute(
                    "SELECT j.status, w.id, w.version, j.attempt FROM tasq.job j "
                        + "JOIN tasq.executing_job e ON e.job_id = j.id "
                        + "JOIN tasq.worker w ON w.id = e.worker_id")
                    == "executing|\(Self.worker)|claims/1|1")
            let token = try #require(member("token", of: claims.text))
            let beats = "SELECT heartbeat_seq FROM tasq.worker"
            let before = try #require(Int(try await database.execute(beats)))
            let renewed = try await stack.ask("POST", "/v1/claims/\(token)/heartbeat")
            #expect(renewed.status == 200 && member("lease", of: renewed.text) == "15s")
            #expect(try await database.execute(beats) == "\(before + 1)")
            for _ in 0..<2 {
                // The second is a repetition of one whose answer got lost.
                let done = try await stack.ask("POST", "/v1/claims/\(token)/success", "{}")
                #expect(done.status == 200 && member("status", of: done.text) == "success")
            }
            #expect(
                try await database.execute(
                    "SELECT status, (SELECT count(*) FROM tasq.executing_job) FROM tasq.job")
                    == "success|0")
            let late = try await stack.ask("POST", "/v1/claims/\(token)/heartbeat")
            #expect(late.status == 409 && late.text.contains("claim-lost"))
        }
    }

    @Test func `What is not JSON comes in base64, and JSON does too where that is asked for`()
        async throws
    {
        try await Stack.with { stack, _ in
            let body: [UInt8] = [0, 255, 254, 10]
            for (type, bytes) in [
                ("application/octet-stream", body), ("application/json", body),
                ("application/json", Array("{}".utf8)),
            ] {
                _ = try await stack.store.enqueue([
                    try NewJob(kind: Name("x"), payload: Payload(bytes, contentType: type))
                ])
            }
            let first = try await stack.claim(
                #"{"worker_id":"\#(Self.worker)","limit":2}"#)
            #expect(first.text.components(of: #""payload_base64":"AP/+Cg==""#) == 2)
            let second = try await stack.claim(
                #"{"worker_id":"\#(Self.worker)","encoding":"base64"}"#)
            #expect(second.text.contains(#""payload_base64":"e30=""#))
        }
    }

    @Test func `A job whose body is gone ends in error and is handed to nobody`() async throws {
        try await Stack.with { stack, database in
            let bare = try await stack.enqueue(#"{"kind":"mail"}"#)
            let whole = try await stack.enqueue(#"{"kind":"mail"}"#)
            try await database.execute("DELETE FROM tasq.payload WHERE id = '\(bare)'")
            let claims = try await stack.claim(#"{"worker_id":"\#(Self.worker)","limit":5}"#)
            #expect(claims.text.contains(whole) && !claims.text.contains(bare), "\(claims.text)")
            #expect(
                try await database.execute(
                    "SELECT status FROM tasq.job WHERE id = '\(bare)'") == "error")
            let attempts = try await stack.ask("GET", "/v1/jobs/\(bare)/attempts")
            #expect(attempts.text.contains("body is missing"), "\(attempts.text)")
        }
    }

    @Test func `Fail retries while attempts last and says when not, snooze costs none`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"mail","max_attempts":2}"#)
            let status =
                "SELECT status, attempt, reason FROM tasq.job LEFT JOIN LATERAL "
                + "(SELECT reason FROM tasq.attempt WHERE job_id = id ORDER BY ended_at DESC "
                + "LIMIT 1) a ON true WHERE id = '\(id)'"
            try await stack.end("snooze", #"{"delay":"0s"}"#)
            #expect(try await database.execute(status) == "queued|0|")
            try await stack.end("fail", #"{"error":"no\u0009luck","delay":0}"#)
            #expect(try await database.execute(status) == "queued|1|no\tluck")
            try await stack.end("fail", #"{"error":"again"}"#)
            #expect(try await database.execute(status) == "error|2|again")

            _ = try await stack.enqueue(#"{"kind":"mail","max_attempts":9}"#)
            try await stack.end("fail", #"{"error":"for good","retry":false}"#)
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'error'") == "2")
            _ = try await stack.enqueue(#"{"kind":"mail"}"#)
            try await stack.end("fail", "")
            #expect(
                try await database.execute(
                    "SELECT run_at > now() FROM tasq.job WHERE status = 'scheduled'") == "t")
        }
    }

    @Test func `A request that waits gets the job that is enqueued meanwhile`() async throws {
        try await Stack.with { stack, _ in
            async let claims = stack.claim(#"{"worker_id":"\#(Self.worker)","wait":"30s"}"#)
            try await eventually("the worker has entered") {
                try await stack.store.workers().count == 1
            }
            // A queue that is served is one, though nothing waits there.
            let queues = try await stack.ask("GET", "/v1/queues")
            #expect(
                queues.text.contains(#""name":"default","paused":false,"scheduled":0,"queued":0"#))
            let id = try await stack.enqueue(#"{"kind":"mail"}"#)
            #expect(try await member("id", of: claims.text) == id)
        }
    }

    @Test func `A job behind thousands that are queued for later is found by the next request`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"mail"}"#)
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'later', 'queued', 0, 3,
                    'infinity'
                FROM generate_series(1, \(2 * Sweep.reach))
                """)
            func claim(_ queues: String) async throws -> String {
                try await stack.claim(
                    #"{"worker_id":"\#(Self.worker)","queues":[\#(queues)]}"#
                ).text
            }
            let first = try await claim(#""default","other""#)
            #expect(first.contains(#""claims":[]"#), "\(first)")
            // In whatever order it names them.
            let second = try await claim(#""other","default""#)
            #expect(member("id", of: second) == id, "\(second)")
        }
    }

    @Test func `A claim that is not renewed is reaped though its worker claims more`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"mail"}"#)
            let lost = try await stack.claim(#"{"worker_id":"\#(Self.worker)","lease":"3s"}"#)
            let token = try #require(member("token", of: lost.text))
            // The worker never saw that answer: it asks again and again, and renews the claims of
            // other answers.
            try await eventually("the lost claim is taken back") {
                _ = try await stack.claim(
                    #"{"worker_id":"\#(Self.worker)","lease":"3s","queues":["other"]}"#)
                return try await database.execute(
                    "SELECT status, crashes FROM tasq.job WHERE id = '\(id)'") == "queued|1"
            }
            for end in ["heartbeat", "success", "fail"] {
                let late = try await stack.ask("POST", "/v1/claims/\(token)/\(end)")
                #expect(late.status == 409 && late.text.contains("claim-lost"), "\(end)")
            }
            // A suspect is handed out alone.
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            _ = try await stack.enqueue(#"{"kind":"mail"}"#)
            var alone: [Int] = []
            for _ in 0..<2 {
                let claims = try await stack.claim(
                    #"{"worker_id":"\#(WorkerID())","limit":10}"#)
                alone.append(claims.text.components(of: "\"token\""))
            }
            #expect(alone == [1, 1])
        }
    }

    @Test func `The worker of a claim is listed, field by field`() async throws {
        try await Stack.with { stack, _ in
            _ = try await stack.enqueue(#"{"kind":"mail","queue":"mails"}"#)
            let claims = try await stack.claim(
                #"{"worker_id":"\#(Self.worker)","queues":["mails","other"],"limit":5,"#
                    + #""lease":"6s","host":"box"}"#)
            let token = try #require(member("token", of: claims.text), "\(claims.text)")
            let listed = try await stack.ask("GET", "/v1/workers")
            #expect(listed.status == 200)
            let fields = [
                #"{"workers":[{"id":"\#(Self.worker)","#, #""host":"box","#, #""pid":0,"#,
                #""queues":["mails","other"],"#, #""concurrency":5,"#, #""executing":1,"#,
                #""version":"claims/1","#, #""heartbeat":"2s","#, #""lease":"6s","#,
            ]
            for field in fields { #expect(listed.text.contains(field), "\(listed.text)") }
            for name in ["started_at", "seen_at"] {
                let time = try #require(member(name, of: listed.text), "\(listed.text)")
                #expect(Timestamp(rfc3339: time) != nil, "\(time)")
            }
            _ = try await stack.ask("POST", "/v1/claims/\(token)/success")
            let idle = try await stack.ask("GET", "/v1/workers")
            #expect(idle.text.contains(#""executing":0,"#), "\(idle.text)")
        }
    }

    @Test func `A claim whose job is cancelled is lost at its next heartbeat`() async throws {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"mail"}"#)
            let claims = try await stack.claim(#"{"worker_id":"\#(Self.worker)"}"#)
            let token = try #require(member("token", of: claims.text), "\(claims.text)")
            let renewed = try await stack.ask("POST", "/v1/claims/\(token)/heartbeat")
            #expect(renewed.status == 200)
            let cancelled = try await stack.ask("POST", "/v1/jobs/\(id)/cancel")
            #expect(cancelled.status == 202, "\(cancelled.text)")
            for end in ["heartbeat", "success", "fail"] {
                let late = try await stack.ask("POST", "/v1/claims/\(token)/\(end)")
                #expect(late.status == 409 && late.text.contains("claim-lost"), "\(end)")
            }
            #expect(
                try await database.execute(
                    "SELECT status, (SELECT count(*) FROM tasq.executing_job) FROM tasq.job")
                    == "cancelled|0")
        }
    }

    @Test func `A server that shuts down answers whoever waits`() async throws {
        let answer = try await Stack.with { stack, _ in
            // The body returns while the request waits; the stack then shuts down.
            let claims = Task {
                try await stack.claim(#"{"worker_id":"\#(Self.worker)","wait":"30s"}"#)
            }
            try await eventually("the worker has entered") {
                try await stack.store.workers().count == 1
            }
            return claims
        }.value
        #expect(answer.status == 200 && answer.text.contains(#""claims":[]"#))
    }

    @Test(arguments: [
        ("", "worker_id must be a UUID"), ("[]", "body must be a JSON object"),
        (#"{"worker_id":"x"}"#, "worker_id must be a UUID"),
        (#"{"worker":"x"}"#, "no other fields"),
        (#"{"worker_id":"\#(worker)","limit":0}"#, "limit must be between 1 and 64"),
        (#"{"worker_id":"\#(worker)","limit":65}"#, "limit must be between 1 and 64"),
        (#"{"worker_id":"\#(worker)","limit":1e9}"#, "limit must be between 1 and 64"),
        (#"{"worker_id":"\#(worker)","limit":1.5}"#, "limit must be a whole number"),
        (#"{"worker_id":"\#(worker)","concurrency":0}"#, "concurrency must be between 1 and"),
        (#"{"worker_id":"\#(worker)","concurrency":10001}"#, "concurrency must be between 1 and"),
        (#"{"worker_id":"\#(worker)","wait":"31s"}"#, "wait must be at most 30s"),
        (#"{"worker_id":"\#(worker)","wait":-1}"#, "wait must be seconds"),
        (#"{"worker_id":"\#(worker)","lease":"1s"}"#, "lease must be between 3s and 1h"),
        (#"{"worker_id":"\#(worker)","queues":[]}"#, "queues must be 1 to 64 names"),
        (#"{"worker_id":"\#(worker)","queues":\#(tooMany)}"#, "queues must be 1 to 64 names"),
        (#"{"worker_id":"\#(worker)","queues":["a b"]}"#, "queues must be 1 to 100"),
        (#"{"worker_id":"\#(worker)","queues":"a"}"#, "queues must be an array"),
        (#"{"worker_id":"\#(worker)","host":""}"#, "host must be 1 to 255 bytes"),
        (#"{"worker_id":"\#(worker)","encoding":"hex"}"#, "encoding must be auto or base64"),
    ])
    func `What is wrong with a request is named`(body: String, rule: String) async throws {
        try await Stack.with { stack, database in
            let answer = try await stack.claim(body)
            #expect(answer.status == 400 && answer.text.contains(rule), "\(answer.text)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.worker") == "0")
        }
    }

    @Test func `A body over its limit is a 413, whatever it is for`() async throws {
        try await Stack.with { stack, database in
            let body = String(repeating: " ", count: 65_537)
            let token = "\(JobID()).\(ClaimToken())"
            let ends = ["heartbeat", "success", "fail", "snooze"].map { "/\(token)/\($0)" }
            for target in [""] + ends {
                let answer = try await stack.ask("POST", "/v1/claims\(target)", body)
                #expect(answer.status == 413, "\(target): \(answer.text)")
                #expect(answer.text.contains("at most 65536 bytes"), "\(answer.text)")
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.worker") == "0")
        }
    }

    @Test func `Tokens and outcomes that are none are refused, and reading does not suffice`()
        async throws
    {
        let tokens = [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
        ]
        try await Stack.with(tokens: tokens) { stack, _ in
            let may = ["Authorization: Bearer operator"]
            let token = "\(JobID()).\(ClaimToken())"
            for (target, body, status) in [
                ("x/success", "", 400), ("\(token)x/success", "", 400),
                ("\(token)/success", "", 409), ("\(token)/snooze", "", 400),
                ("\(token)/snooze", #"{"delay":"1s"}"#, 409), ("\(token)/fail", "7", 400),
                ("\(token)/fail", #"{"retry":0}"#, 400), ("\(token)/fail", "{}", 409),
                ("\(token)/fail", #"{"retry":false,"delay":1}"#, 400),
                ("\(token)/heartbeat", "", 409), ("\(token)/nothing", "", 404),
            ] {
                let answer = try await stack.ask("POST", "/v1/claims/\(target)", body, headers: may)
                #expect(answer.status == status, "\(target) \(body): \(answer.text)")
            }
            let reader = try await stack.ask(
                "POST", "/v1/claims", "{}", headers: ["Authorization: Bearer reader"])
            #expect(reader.status == 403)
        }
    }
}

extension Stack {
    /// Enqueues one job and returns its id.
    func enqueue(_ job: String) async throws -> String {
        let answer = try await ask("POST", "/v1/jobs", job)
        return try #require(member("id", of: answer.text), "\(answer.text)")
    }

    func claim(_ body: String) async throws -> RawAnswer {
        try await ask("POST", "/v1/claims", body)
    }

    /// Claims one job and ends the claim.
    func end(_ word: String, _ body: String) async throws {
        let claims = try await claim(#"{"worker_id":"\#(WorkerID())"}"#)
        let token = try #require(member("token", of: claims.text), "\(claims.text)")
        let answer = try await ask("POST", "/v1/claims/\(token)/\(word)", body)
        #expect(answer.status == 200, "\(answer.text)")
    }
}
