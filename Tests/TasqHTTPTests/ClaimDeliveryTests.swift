import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Answers that carry claims: whether they arrived, and the rows the claims stand under.
@Suite(.medium)
struct ClaimDeliveryTests {
    private static let worker = "019ab3c4-5d6e-7f80-9123-456789abcdef"

    @Test func `An outcome whose job's row stays locked is to be told again later`() async throws {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"mail"}"#)
            let claims = try await stack.claim(#"{"worker_id":"\#(Self.worker)"}"#)
            let token = try #require(member("token", of: claims.text), "\(claims.text)")
            let holder = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await holder.script("BEGIN; SELECT FROM tasq.job WHERE id = '\(id)' FOR UPDATE")
            let refused = try await stack.ask("POST", "/v1/claims/\(token)/success")
            #expect(refused.status == 503, "\(refused.text)")
            let pause = try #require(refused["retry-after"].flatMap { Int($0) })
            #expect((1...10).contains(pause))
            let renewed = try await stack.ask("POST", "/v1/claims/\(token)/heartbeat")
            #expect(renewed.status == 200, "\(renewed.text)")
            try await holder.script("COMMIT")
            await holder.close()
            let done = try await stack.ask("POST", "/v1/claims/\(token)/success")
            #expect(done.status == 200 && member("status", of: done.text) == "success")
        }
    }

    /// Twenty times without an attempt, so that a job whose answer nobody can take comes to an end.
    @Test(arguments: [(0, "queued|0|0|1"), (19, "queued|0|0|20"), (20, "error|1|0|20")])
    func `Jobs claimed for a client that has gone are handed back`(
        before: Int, then: String
    ) async throws {
        try await Stack.with { stack, database in
            try await database.execute(
                """
                CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
                CREATE TRIGGER gate BEFORE INSERT ON tasq.executing_job
                    FOR EACH ROW EXECUTE FUNCTION gate()
                """)
            let gate = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            let id = try await stack.enqueue(#"{"kind":"mail","max_attempts":1}"#)
            try await database.execute("UPDATE tasq.job SET handbacks = \(before)")
            let body = #"{"worker_id":"\#(Self.worker)"}"#
            try await RawConnection.open(to: stack.admin) { connection in
                try await connection.send(
                    "POST /v1/claims HTTP/1.1\r\nHost: \(stack.admin)\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                try await eventually("the claim is under way") {
                    try await database.execute(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' "
                            + "AND datname = current_database()") == "1"
                }
            }
            // Each thread of the server's has answered another client since: it knows of the end.
            for _ in 0..<(4 * ProcessInfo.processInfo.activeProcessorCount) {
                #expect(try await stack.ask("GET", "/healthz").status == 200)
            }
            await gate.close()
            try await eventually("the job was claimed and handed back") {
                try await database.execute(
                    "SELECT status, attempt, crashes, handbacks FROM tasq.job WHERE id = '\(id)' "
                        + "AND EXISTS (SELECT FROM tasq.attempt WHERE outcome = 'handedback')")
                    == then
            }
        }
    }

    /// Nobody knows which of them it was: the next answer has one.
    @Test func `Jobs whose answer could not be sent whole are given back uncounted`() async throws {
        try await Stack.with { stack, database in
            let text = String(repeating: "x", count: 65_000)
            for _ in 0..<64 {
                _ = try await stack.enqueue(#"{"kind":"mail","payload":"\#(text)"}"#)
            }
            let body = #"{"worker_id":"\#(Self.worker)","limit":64,"encoding":"base64"}"#
            try await RawConnection.open(to: stack.admin, receiving: 65_536) { connection in
                try await connection.send(
                    "POST /v1/claims HTTP/1.1\r\nHost: \(stack.admin)\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                // The answer has begun: nobody reads on.
                _ = try await connection.text(until: "\r\n\r\n")
                #expect(
                    try await database.execute(
                        "SELECT count(*) FROM tasq.job WHERE status = 'executing'") == "64")
            }
            try await eventually("all are back") {
                try await database.execute(
                    "SELECT DISTINCT status, attempt, crashes, handbacks FROM tasq.job")
                    == "queued|0|0|0"
            }
            for count in [1, 63] {
                #expect(try await stack.claim(body).text.components(of: #""token":"#) == count)
            }
        }
    }

    /// That passes, and until then happens to a job as often as anybody asks.
    @Test func `Jobs whose answer finds no room here are given back as if never claimed`()
        async throws
    {
        var limits = AdminServer.defaultLimits
        limits.bufferedBytes = 1000
        try await Stack.with(limits: limits) { stack, database in
            let body = [UInt8](repeating: 0x78, count: HTTPLimits.freeBodyBytes)
            let job = try NewJob(kind: Name("mail"), payload: Payload(body))
            _ = try await stack.store.enqueue([job])
            for _ in 0..<2 {
                let answer = try await stack.claim(
                    #"{"worker_id":"\#(Self.worker)","encoding":"base64"}"#)
                #expect(answer.status == 503, "\(answer.text.prefix(900))")
                #expect(
                    try await database.execute(
                        "SELECT status, attempt, crashes, handbacks, last_claim IS NOT NULL "
                            + "FROM tasq.job") == "queued|0|0|0|t")
            }
        }
    }

    @Test func `Requests of one worker at a time have a row each`() async throws {
        try await Stack.with { stack, database in
            let claim = #"{"worker_id":"\#(Self.worker)","wait":"30s"}"#
            async let first = stack.claim(claim)
            async let second = stack.claim(claim)
            let rows = "SELECT count(*) FROM tasq.worker"
            try await eventually("both wait") { try await database.execute(rows) == "2" }
            for _ in 0..<2 { _ = try await stack.enqueue(#"{"kind":"mail"}"#) }
            let answers = try await [first, second]
            #expect(answers.map { $0.text.components(of: "\"token\"") } == [1, 1])
            #expect(
                try await database.execute(
                    "SELECT count(*), count(DISTINCT worker_id) FROM tasq.executing_job") == "2|2")
            // Once they are free they serve the next requests, in whatever crowd those come.
            for answer in answers {
                let token = try #require(member("token", of: answer.text))
                _ = try await stack.ask("POST", "/v1/claims/\(token)/success")
            }
            for _ in 0..<3 {
                async let one = stack.claim(#"{"worker_id":"\#(Self.worker)"}"#)
                async let other = stack.claim(#"{"worker_id":"\#(Self.worker)"}"#)
                _ = try await (one, other)
            }
            #expect(try await database.execute(rows) == "2")
            // Also while the worker's own one holds a claim.
            _ = try await stack.enqueue(#"{"kind":"mail"}"#)
            let held = try await stack.claim(#"{"worker_id":"\#(Self.worker)"}"#)
            for _ in 0..<5 {
                let empty = try await stack.claim(#"{"worker_id":"\#(Self.worker)"}"#)
                #expect(empty.text.contains(#""claims":[]"#))
            }
            #expect(try await database.execute(rows) == "2")
            let token = try #require(member("token", of: held.text))
            _ = try await stack.ask("POST", "/v1/claims/\(token)/success")
            // A row that another server has made is that server's.
            let other = WorkerID()
            try await database.execute(
                """
                INSERT INTO tasq.worker
                    (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us)
                VALUES ('\(other)', 'h', 0, '{default}', 1, 'claims/1', 1000000, 3600000000)
                """)
            _ = try await stack.enqueue(#"{"kind":"mail"}"#)
            let third = try await stack.claim(#"{"worker_id":"\#(other)"}"#)
            #expect(third.text.components(of: "\"token\"") == 1)
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM tasq.executing_job WHERE worker_id = '\(other)'") == "0")
        }
    }

    @Test func `A worker is one in every list and gauge, whatever it claims`() async throws {
        try await Stack.with { stack, database in
            for _ in 0..<5 { _ = try await stack.enqueue(#"{"kind":"mail"}"#) }
            for limit in [2, 1, 2] {
                let claims = try await stack.claim(
                    #"{"worker_id":"\#(Self.worker)","limit":\#(limit),"concurrency":8}"#)
                #expect(claims.text.components(of: "\"token\"") == limit, "\(claims.text)")
            }
            #expect(
                try await database.execute(
                    "SELECT count(*), sum(concurrency) FROM tasq.worker") == "3|24")
            let list = try await stack.ask("GET", "/v1/workers")
            #expect(list.text.components(of: "\"host\"") == 1, "\(list.text)")
            #expect(member("id", of: list.text) == Self.worker)
            #expect(list.text.contains(#""concurrency":8,"executing":5"#), "\(list.text)")
            let stats = try await stack.ask("GET", "/v1/stats")
            #expect(stats.text.contains(#""workers":1,"slots":8"#), "\(stats.text)")
            let metrics = try await stack.ask("GET", "/metrics")
            #expect(metrics.text.contains("\ntasq_workers 1\n"))
            #expect(metrics.text.contains("\ntasq_worker_slots 8\n"))
            let page = try await stack.ask("GET", "/workers")
            #expect(page.text.components(of: "5 / 8") == 1, "\(page.text)")
            // Whichever of its rows has a job.
            let jobs = try await stack.ask("GET", "/jobs")
            #expect(jobs.text.components(of: "</time> on remote 0</td>") == 5, "\(jobs.text)")
        }
    }
}
