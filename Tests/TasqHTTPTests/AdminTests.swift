import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.medium)
struct AdminTests {
    @Test func `An enqueued job is in the table as it was asked for, its payload byte for byte`()
        async throws
    {
        try await Stack.with { stack, database in
            let payload = #"{ "b": 1.50, "a":"\u00e9\/", "a" : [ ]}"#
            let answer = try await stack.ask(
                "POST", "/v1/jobs",
                """
                { "kind": "mail", "payload" : \(payload) , "queue":"slow", "priority":0,
                  "key":"k \\"1\\"", "unique_key":"u", "max_attempts":3, "delay":"5m" }
                """)
            #expect(answer.status == 201)
            let id = try #require(member("id", of: answer.text).flatMap { JobID($0) })
            let job = try #require(try await stack.store.job(id))
            #expect(job.kind.description == "mail" && job.queue.description == "slow")
            #expect(job.priority.level == 0 && job.maxAttempts == 3)
            #expect(job.key == "k \"1\"" && job.uniqueKey == "u")
            #expect(job.status == .scheduled)
            #expect(
                try await database.execute(
                    "SELECT run_at - enqueued_at FROM tasq.job WHERE id = '\(id)'") == "00:05:00")
            let stored = try #require(try await stack.store.payload(of: id))
            #expect(String(decoding: stored.body, as: UTF8.self) == payload)
            let again = try await stack.ask(
                "POST", "/v1/jobs", #"{"kind":"mail","unique_key":"u"}"#)
            #expect(again.text == answer.text)
        }
    }

    @Test func `An array is one transaction, answered with its ids in order`() async throws {
        try await Stack.with { stack, database in
            let jobs = (0..<1000).map { #"{"kind":"noop","payload":\#($0)}"# }
            let answer = try await stack.ask(
                "POST", "/v1/jobs", "[\(jobs.joined(separator: ","))]")
            #expect(answer.status == 201)
            let ids = answer.text.split(separator: "\"").compactMap { JobID($0) }
            #expect(ids.count == 1000)
            #expect(
                try await stack.store.payload(of: #require(ids.last))?.body == Array("999".utf8))
            let tooMany = try await stack.ask(
                "POST", "/v1/jobs", "[\((jobs + jobs).joined(separator: ","))]")
            #expect(tooMany.status == 400)
            let oneBad = try await stack.ask(
                "POST", "/v1/jobs", #"[{"kind":"noop"},{"kind":"a b"}]"#)
            #expect(oneBad.status == 400)
            #expect(oneBad.text.contains("[1].kind must be"))
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "1000")
        }
    }

    @Test func `What is wrong with a job is named, and nothing is stored`() async throws {
        let cases: [(String, String)] = [
            (#"{}"#, "kind must be given"), ("[]", "body must have 1 to 1000 jobs"),
            ("", "body must be JSON"), ("{", "body must be JSON"),
            ("7", "job must be a JSON object"),
            (#"{"kind":7}"#, "kind must be a string"),
            (#"{"kind":"noop","nope":1}"#, #"\"nope\" is not a field of a job"#),
            (#"{"kind":"noop","a\u0022\n<b>":1}"#, "is not a field of a job"),
            (#"{"kind":"noop","kind":"x"}"#, "kind must not be given twice"),
            (#"{"kind":"noop","priority":4}"#, "priority must be between 0 and 3"),
            (#"{"kind":"noop","priority":1.5}"#, "priority must be a whole number"),
            (
                #"{"kind":"noop","priority":99999999999999999999}"#,
                "priority must be a whole number"
            ),
            (#"{"kind":"noop","max_attempts":0}"#, "max_attempts must be between 1 and 1000"),
            (#"{"kind":"noop","delay":"5 minutes"}"#, "delay must be a whole number and a unit"),
            (#"{"kind":"noop","delay":-1}"#, "delay must be seconds"),
            (#"{"kind":"noop","delay":1e300}"#, "delay must be at most 36500d"),
            (#"{"kind":"noop","delay":"99999999999999999999d"}"#, "delay must be at most 36500d"),
            (#"{"kind":"noop","run_at":"tomorrow"}"#, "run_at must be a time"),
            (
                #"{"kind":"noop","delay":1,"run_at":"2026-11-23T19:20:00Z"}"#,
                "delay must not be given together"
            ),
            (#"{"kind":"noop","queue":"a b"}"#, "queue must be 1 to 100"),
            (#"{"kind":"noop","key":""}"#, "key must be 1 to 200 bytes"),
            (
                #"{"kind":"noop","payload":\#(String(repeating: "[", count: 60_000))"#,
                "nests deeper"
            ),
        ]
        try await Stack.with { stack, database in
            for (body, rule) in cases {
                let answer = try await stack.ask("POST", "/v1/jobs", body)
                #expect(answer.status == 400, "\(body.prefix(80))")
                #expect(answer["content-type"] == "application/problem+json")
                #expect(answer.text.contains(rule), "\(body.prefix(80)): \(answer.text)")
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
        }
    }

    @Test func `The same Idempotency-Key makes no second job, and none for another request`()
        async throws
    {
        try await Stack.with { stack, database in
            let key = ["Idempotency-Key: order-42"]
            let body = #"[{"kind":"a"},{"kind":"b"}]"#
            let first = try await stack.ask("POST", "/v1/jobs", body, headers: key)
            let second = try await stack.ask("POST", "/v1/jobs", body, headers: key)
            #expect(first.status == 201 && second.status == 201)
            #expect(first.text == second.text)
            let other = try await stack.ask(
                "POST", "/v1/jobs", #"{"kind":"c"}"#, headers: key)
            #expect(other.status == 422)
            #expect(other.text.contains("idempotency-key-reused"))
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "2")
            for bad in ["", "order 42", "order-\u{e9}"] {
                let answer = try await stack.ask(
                    "POST", "/v1/jobs", body, headers: ["Idempotency-Key: \(bad)"])
                #expect(answer.status == 400, "\(bad)")
            }
        }
    }

    @Test func `Jobs of an Idempotency-Key stand in the list where they were enqueued`()
        async throws
    {
        try await Stack.with { stack, database in
            for number in 0..<9 {
                let answer = try await stack.ask(
                    "POST", "/v1/jobs", #"{"kind":"k\#(number)"}"#,
                    headers: number % 3 == 0 ? [] : ["Idempotency-Key: order-\(number)"])
                #expect(answer.status == 201)
                // Ids that grow with time tell it to the millisecond.
                try await eventually("the next one begins in another millisecond") {
                    try await database.execute(
                        "SELECT clock_timestamp() - max(enqueued_at) > '2 ms' FROM tasq.job") == "t"
                }
            }
            var kinds: [String] = []
            var cursor = ""
            repeat {
                let page = try await stack.ask("GET", "/v1/jobs?limit=2\(cursor)", "")
                kinds += page.text.components(separatedBy: #""kind":""#).dropFirst().map {
                    String($0.prefix(2))
                }
                let next = page.text.components(separatedBy: #""next_cursor":""#).dropFirst().first
                cursor = next.map { "&cursor=" + $0.prefix { $0 != "\"" } } ?? ""
            } while !cursor.isEmpty
            #expect(kinds == (0..<9).reversed().map { "k\($0)" })
        }
    }

    @Test func `A kind's defaults count where the request does not say`() async throws {
        let queue = try Name("ci")
        try await Stack.with(
            defaults: { kind, payload in
                kind.description == "github"
                    ? JobOptions(queue: queue, maxAttempts: 3, key: "\(payload.count)")
                    : JobOptions()
            }
        ) { stack, _ in
            let answer = try await stack.ask(
                "POST", "/v1/jobs", #"{"kind":"github","payload":[1]}"#)
            let id = try #require(member("id", of: answer.text).flatMap { JobID($0) })
            let job = try #require(try await stack.store.job(id))
            #expect(job.queue == queue && job.maxAttempts == 3 && job.key == "3")
        }
    }

    @Test func `Jobs are listed by filter and page, and shown by id`() async throws {
        try await Stack.with { stack, _ in
            var ids: [String] = []
            for number in 0..<5 {
                let answer = try await stack.ask(
                    "POST", "/v1/jobs",
                    #"{"kind":"k\#(number % 2)","key":"a b\#(number % 2)","queue":"q"}"#)
                ids.append(try #require(member("id", of: answer.text)))
            }
            let all = try await stack.ask("GET", "/v1/jobs")
            #expect(all.status == 200)
            #expect(listed(all.text) == ids.reversed())
            #expect(all.text.hasSuffix(#""next_cursor":null}"#))
            let first = try await stack.ask("GET", "/v1/jobs?limit=2&queue=q")
            #expect(listed(first.text) == [ids[4], ids[3]])
            let cursor = try #require(member("next_cursor", of: first.text))
            let second = try await stack.ask("GET", "/v1/jobs?limit=2&cursor=\(cursor)")
            #expect(listed(second.text) == [ids[2], ids[1]])
            for filter in ["kind=k1", "key=a+b1", "key=a%20b1", "status=queued&kind=k1"] {
                let answer = try await stack.ask("GET", "/v1/jobs?\(filter)")
                #expect(listed(answer.text) == [ids[3], ids[1]], "\(filter)")
            }
            for filter in ["queue=other", "status=error", "until=2026-01-01T00:00:00+02:00"] {
                let answer = try await stack.ask("GET", "/v1/jobs?\(filter)")
                #expect(answer.text == #"{"jobs":[],"next_cursor":null}"#, "\(filter)")
            }
            let one = try await stack.ask("GET", "/v1/jobs/\(ids[0])")
            #expect(one.status == 200)
            #expect(one.text.hasPrefix(#"{"id":"\#(ids[0])","kind":"k0","queue":"q","#))
            #expect(member("enqueued_at", of: one.text).flatMap { Timestamp(rfc3339: $0) } != nil)
            let attempts = try await stack.ask("GET", "/v1/jobs/\(ids[0])/attempts")
            #expect(attempts.text == #"{"attempts":[]}"#)
            let queues = try await stack.ask("GET", "/v1/queues")
            #expect(queues.text.contains(#""name":"q","paused":false,"scheduled":0,"queued":5"#))
            #expect(try await stack.ask("GET", "/v1/workers").text == #"{"workers":[]}"#)
        }
    }

    @Test func `What is wrong with a query is named`() async throws {
        try await Stack.with { stack, _ in
            for (query, rule) in [
                ("limit=0", "limit must be"), ("limit=1000000000", "limit must be"),
                ("limit=x", "limit must be"), ("status=done", "status must be one of"),
                ("queue=a%20b", "queue must be"), ("since=soon", "since must be a time"),
                ("cursor=7", "cursor must be"), ("kind=%ff", "kind is not percent-encoded"),
                ("key=a%00", "key is not percent-encoded UTF-8 without NUL"),
                ("kind=a&kind=b", "kind must not be given twice"),
                ("nope=1", "unknown parameter"), ("token=x", "unknown parameter"),
            ] {
                let answer = try await stack.ask("GET", "/v1/jobs?\(query)")
                #expect(answer.status == 400, "\(query)")
                #expect(answer.text.contains(rule), "\(query): \(answer.text)")
            }
            #expect(try await stack.ask("GET", "/v1/jobs/7").status == 400)
            #expect(try await stack.ask("GET", "/v1/jobs/\(JobID())").status == 404)
            #expect(try await stack.ask("GET", "/v1/jobs/\(JobID())/attempts").status == 404)
            let nothing = try await stack.ask("GET", "/v1/nothing")
            #expect(nothing.status == 404 && member("code", of: nothing.text) == "not-found")
            #expect(try await stack.ask("GET", "/in/github").status == 404)
            let method = try await stack.ask("DELETE", "/v1/jobs")
            #expect(method.status == 405)
            #expect(member("code", of: method.text) == "method-not-allowed")
            #expect(method["allow"] == "POST, GET, HEAD")
            let head = try await stack.ask("HEAD", "/v1/jobs")
            #expect(head.status == 200)
        }
    }

    @Test func `A token opens what its role allows and nothing opens without one`() async throws {
        let tokens = [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
        ]
        try await Stack.with(tokens: tokens) { stack, _ in
            func status(_ method: String, _ path: String, _ header: String...) async throws -> Int {
                try await stack.ask(method, path, #"{"kind":"noop"}"#, headers: header).status
            }
            #expect(try await status("GET", "/v1/jobs") == 401)
            #expect(try await status("GET", "/v1/nothing") == 401)
            #expect(try await status("GET", "/metrics") == 401)
            #expect(try await status("GET", "/v1/jobs?token=operator") == 401)
            for header in [
                "Bearer wrong", "Bearer ", "Bearer", "Basic operator", "operator",
                "Bearer operator ,x",
            ] {
                #expect(try await status("GET", "/v1/jobs", "Authorization: \(header)") == 401)
            }
            #expect(
                try await status(
                    "GET", "/v1/jobs", "Authorization: Bearer reader",
                    "Authorization: Bearer operator") == 401)
            #expect(try await status("GET", "/v1/jobs", "Authorization: Bearer reader") == 200)
            #expect(try await status("GET", "/metrics", "Authorization: bearer reader") == 200)
            #expect(try await status("POST", "/v1/jobs", "Authorization: Bearer reader") == 403)
            #expect(try await status("POST", "/v1/jobs", "Authorization: Bearer operator") == 201)
            #expect(try await status("GET", "/healthz") == 200)
            #expect(try await status("GET", "/readyz") == 200)
            let refused = try await stack.ask("GET", "/v1/jobs")
            #expect(refused["www-authenticate"] == "Bearer realm=\"tasq\"")
        }
    }

    @Test func `A web page elsewhere cannot use the listener of its visitor`() async throws {
        try await Stack.with { stack, database in
            let body = #"{"kind":"noop"}"#
            let foreign = try await stack.ask(
                "POST", "/v1/jobs", body, headers: ["Origin: https://evil.example"])
            #expect(foreign.status == 403)
            let rebound = try await RawConnection.open(to: stack.admin) { connection in
                try await connection.send(
                    "POST /v1/jobs HTTP/1.1\r\nHost: evil.example:8081\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return try await connection.answer()
            }
            #expect(rebound?.status == 403)
            #expect(rebound?.text.contains("the Host header must be localhost") == true)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
            let own = try await stack.ask(
                "POST", "/v1/jobs", body, headers: ["Origin: http://\(stack.admin)"])
            #expect(own.status == 201)
        }
    }

    @Test func `Redis down is told by readyz and changes nothing`() async throws {
        try await Stack.with(redis: .down) { stack, _ in
            let ready = try await stack.ask("GET", "/readyz")
            #expect(ready.status == 200)
            #expect(ready.text == #"{"status":"ready","postgres":"up","redis":"down"}"#)
        }
    }

    @Test func `Metrics tell what was accepted, refused and waits`() async throws {
        try await Stack.with { stack, _ in
            _ = try await stack.deliver(Array("1".utf8), delivery: "a")
            _ = try await stack.deliver(Array("1".utf8), delivery: "a")
            _ = try await stack.deliver(Array("1".utf8), signature: "sha256=00")
            _ = try await stack.ask("POST", "/v1/jobs", #"{"kind":"noop"}"#)
            let answer = try await stack.ask("GET", "/metrics")
            #expect(answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(answer.text.split(separator: "\n").map(String.init))
            for line in [
                "# TYPE tasq_source_accepted_total counter",
                #"tasq_source_accepted_total{source="github"} 1"#,
                #"tasq_source_duplicate_total{source="github"} 1"#, "tasq_http_enqueued_total 1",
                #"tasq_http_rejected_total{reason="verification-failed"} 1"#,
                "tasq_http_commit_duration_seconds_count 3",
                #"tasq_http_commit_duration_seconds_bucket{le="+Inf"} 3"#, "tasq_postgres_up 1",
                #"tasq_queue_jobs{queue="hooks",status="queued"} 1"#, "tasq_workers 0",
                "tasq_more 1",
            ] { #expect(lines.contains(line), "\(line)") }
        }
    }
}

/// The ids of a list of jobs, in its order.
private func listed(_ json: String) -> [String] {
    json.split(separator: #"{"id":""#).dropFirst().map { String($0.prefix(36)) }
}
