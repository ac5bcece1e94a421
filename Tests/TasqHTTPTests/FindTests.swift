import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Jobs and events found by what an operator knows of them.
@Suite(.medium)
struct FindTests {
    private func listed(_ query: String, on stack: Stack) async throws -> [String] {
        let answer = try await stack.ask("GET", query)
        #expect(answer.status == 200, "\(query): \(answer.text)")
        return answer.text.ranges(of: #"{"id":""#).map { range in
            String(answer.text[range.upperBound...].prefix(36))
        }
    }

    @Test func `Jobs are listed by payload, reason and running time`() async throws {
        try await Stack.with { stack, database in
            let failed = try await stack.enqueue(#"{"kind":"a","payload":{"order":{"id":"é 1"}}}"#)
            try await stack.end("fail", #"{"error":"Connection refused\nat line 7","delay":"1h"}"#)
            let well = try await stack.enqueue(#"{"kind":"a"}"#)
            try await stack.end("fail", #"{"error":"connection refused","delay":"0s"}"#)
            try await stack.end("success", "")
            let runs = try await stack.enqueue(#"{"kind":"b"}"#)
            _ = try await stack.claim(#"{"worker_id":"\#(WorkerID())"}"#)
            try await database.execute(
                """
                UPDATE tasq.executing_job SET claimed_at = now() - interval '2 hours';
                UPDATE tasq.job SET claimed_at = now() - interval '2 hours'
                WHERE status = 'executing'
                """)
            for (query, ids) in [
                ("payload=/order/id=%C3%A9%201", [failed]),
                ("payload=%2Forder%2Fid%3D%C3%A9+1&kind=a", [failed]),
                ("payload=/order/id=2", []), ("payload=/order/id=%C3%A9%201&kind=b", []),
                ("reason=CONNECTION+refused", [failed]), ("reason=%25", []),
                ("reason=connection%20refused&status=success", []),
                ("running_longer_than=1h", [runs]), ("running_longer_than=3h", []),
                ("running_longer_than=0s&kind=b&status=executing", [runs]),
                ("since=yesterday", [runs, well, failed]), ("since=1d&kind=b", [runs]),
                ("until=yesterday", []), ("since=2024-02-29", [runs, well, failed]),
            ] as [(String, [String])] {
                #expect(try await listed("/v1/jobs?\(query)", on: stack) == ids, "\(query)")
            }
            // What a success failed with before is no reason of it.
            let shown = try await stack.ask("GET", "/v1/jobs/\(well)")
            #expect(shown.text.contains(#""status":"success""#), "\(shown.text)")
            #expect(shown.text.contains(#""reason":null"#), "\(shown.text)")
            let whole = try await stack.ask("GET", "/v1/jobs/\(failed)")
            #expect(whole.text.contains(#""reason":"Connection refused\u000aat line 7""#))
        }
    }

    @Test func `A look through payloads ends with its bodies, and its cursor goes on`()
        async throws
    {
        try await Stack.with { stack, database in
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, content_type, body)
                SELECT tasq.uuid_v7(), 'application/json',
                    convert_to('{"n":' || n || ',"x":"' || repeat('x', 900000) || '"}', 'UTF8')
                FROM generate_series(1, 12) AS n;
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT p.id, p.id, 'default', 'noop', 'queued', 1, 3, now() FROM tasq.payload AS p
                """)
            let oldest = try await database.execute(
                "SELECT id FROM tasq.payload WHERE position('{\"n\":1,'::bytea IN body) = 1")
            var found: [String] = []
            var cursor = ""
            var pages = 0
            repeat {
                let answer = try await stack.ask("GET", "/v1/jobs?payload=/n=1\(cursor)")
                #expect(answer.status == 200, "\(answer.text)")
                found += answer.text.ranges(of: #"{"id":""#).map { range in
                    String(answer.text[range.upperBound...].prefix(36))
                }
                cursor = member("next_cursor", of: answer.text).map { "&cursor=\($0)" } ?? ""
                pages += 1
            } while !cursor.isEmpty && pages < 10
            #expect(found == [oldest])
            // 8 MiB hold nine of them.
            #expect(pages == 2)
        }
    }

    @Test(arguments: [
        ("payload=order=1", "payload must be a JSON pointer"),
        ("payload=/order", "payload must be a JSON pointer, = and a value"),
        ("payload=/a~=1", "payload must write ~ as ~0"),
        ("payload=", "payload must be a JSON pointer"), ("reason=", "reason must be 1 to 2000"),
        ("reason=a%00", "reason is not percent-encoded UTF-8 without NUL"),
        ("running_longer_than=soon", "running_longer_than must be a whole number"),
        ("running_longer_than=1h&status=error", "running_longer_than goes with the status"),
        ("running_longer_than=1h&retrying=true", "running_longer_than goes with the status"),
        ("since=36501d", "since must be a time in RFC 3339, a date, today, yesterday, or how"),
        ("until=2026-02-29", "until must be a time"), ("payload=/a=1&payload=/b=1", "given twice"),
    ])
    func `What is wrong with a filter is named`(query: String, rule: String) async throws {
        try await Stack.with { stack, _ in
            let answer = try await stack.ask("GET", "/v1/jobs?\(query)")
            #expect(answer.status == 400 && answer.text.contains(rule), "\(answer.text)")
        }
    }

    @Test func `Events are listed by time words and by what became of their jobs`() async throws {
        try await Stack.with { stack, database in
            var ids: [String] = []
            for number in 0..<3 {
                let answer = try await stack.deliver(Array("{}".utf8), delivery: "\(number)")
                ids.append(try #require(member("id", of: answer.text)))
            }
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'error', finished_at = now()
                WHERE payload_id = '\(ids[1])'
                """)
            for (query, found) in [
                ("status=error", [ids[1]]), ("status=queued", [ids[2], ids[0]]),
                ("status=error&source=paddle", []), ("status=queued&limit=1", [ids[2]]),
                ("since=yesterday", ids.reversed()), ("since=1d&status=error", [ids[1]]),
                ("until=2024-02-29", []), ("until=1h", []),
            ] as [(String, [String])] {
                #expect(try await listed("/v1/events?\(query)", on: stack) == found, "\(query)")
            }
            for query in ["status=done", "since=tomorrow", "running_longer_than=1h"] {
                let refused = try await stack.ask("GET", "/v1/events?\(query)")
                #expect(refused.status == 400, "\(query)")
            }
        }
    }

    @Test func `Times that leave out no job are no filter for an action`() async throws {
        try await Stack.with { stack, database in
            for _ in 0..<2 { _ = try await stack.enqueue(#"{"kind":"a"}"#) }
            for filter in [#"{"since":"36500d"}"#, #"{"until":"0s"}"#] {
                let refused = try await stack.ask(
                    "POST", "/v1/bulk", #"{"action":"cancel","filter":\#(filter)}"#)
                #expect(refused.status == 409, "\(refused.text)")
                #expect(member("code", of: refused.text) == "takes-all")
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "0")
            for (filter, isDry) in [
                (#"{"since":"36500d"}"#, true), (#"{"since":"1d","kind":"a"}"#, false),
                (#"{"all":true}"#, false), (#"{"until":"1h"}"#, false),
            ] {
                let taken = try await stack.ask(
                    "POST", "/v1/bulk",
                    #"{"action":"cancel","filter":\#(filter),"dry_run":\#(isDry)}"#)
                #expect(taken.status == 202, "\(filter): \(taken.text)")
            }
        }
    }

    @Test func `A pause of a queue that nobody knows says so`() async throws {
        try await Stack.with { stack, _ in
            _ = try await stack.enqueue(#"{"kind":"a","queue":"emails"}"#)
            for (target, known) in [
                ("emails/pause", true), ("emails/resume", true), ("email/pause", false),
                ("email/pause", false), ("email/resume", true), ("mails/resume", false),
            ] {
                let answer = try await stack.ask("POST", "/v1/queues/\(target)")
                #expect(answer.status == 200)
                #expect(answer.text.contains(#""known":\#(known)"#), "\(target): \(answer.text)")
            }
        }
    }

    @Test func `A page lists by reason, tells its last line, and acts on all that have it`()
        async throws
    {
        try await Stack.with { stack, _ in
            let failed = try await stack.enqueue(#"{"kind":"a"}"#)
            try await stack.end(
                "fail", #"{"error":"exit 1: Traceback\nKeyError: 42","retry":false}"#)
            let other = try await stack.enqueue(#"{"kind":"a"}"#)
            let all = try await stack.ask("GET", "/jobs").text
            #expect(all.contains(failed) && all.contains(other) && all.contains("All that match:"))
            #expect(all.contains("KeyError: 42</td>") && !all.contains("Traceback"), "\(all)")
            let found = try await stack.ask("GET", "/jobs?reason=keyerror").text
            #expect(found.contains(failed) && !found.contains(other), "\(found)")
            #expect(found.contains("<input name=\"reason\" value=\"keyerror\">"), "\(found)")
            #expect(found.contains("/bulk?action=retry&amp;reason=keyerror"), "\(found)")
            // For how long a job has run is no filter of an action.
            _ = try await stack.claim(#"{"worker_id":"\#(WorkerID())"}"#)
            let longer = try await stack.ask("GET", "/jobs?running_longer_than=0s").text
            #expect(longer.contains(other), "\(longer)")
            #expect(!longer.contains("All that match:") && !longer.contains("/bulk?"), "\(longer)")
            let page = try await stack.ask("GET", "/jobs/\(failed)").text
            #expect(page.contains("Traceback\nKeyError: 42"), "\(page)")
            // How long ago becomes a time before it is counted.
            let asked = try await stack.ask("GET", "/bulk?action=cancel&since=1d&kind=a").text
            #expect(asked.contains("1 job matches now."), "\(asked)")
            #expect(!asked.contains("value=\"1d\""), "\(asked)")
        }
    }
}
