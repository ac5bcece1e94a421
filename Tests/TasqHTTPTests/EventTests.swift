import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Stored webhooks.
@Suite(.medium)
struct EventTests {
    @Test func `Events are listed newest first, page by page, by source and time`() async throws {
        try await Stack.with { stack, _ in
            var ids: [String] = []
            for number in 0..<5 {
                let answer = try await stack.deliver(
                    Array("{\"n\":\(number)}".utf8), to: number == 2 ? "paddle" : "github",
                    delivery: "d-\(number)")
                ids.append(try #require(member("id", of: answer.text)))
            }
            // A job's body is no event.
            _ = try await stack.ask("POST", "/v1/jobs", #"{"kind":"noop"}"#)
            func page(_ query: String) async throws -> (ids: [String], cursor: String?) {
                let answer = try await stack.ask("GET", "/v1/events?\(query)")
                #expect(answer.status == 200, "\(answer.text)")
                let listed = answer.text.ranges(of: #"{"id":""#).map { range in
                    String(answer.text[range.upperBound...].prefix(36))
                }
                return (listed, member("next_cursor", of: answer.text))
            }
            let first = try await page("limit=3")
            #expect(first.ids == Array(ids.reversed().prefix(3)))
            let second = try await page("limit=3&cursor=\(try #require(first.cursor))")
            #expect(second.ids == Array(ids.reversed().suffix(2)))
            #expect(second.cursor == nil)
            #expect(try await page("source=paddle").ids == [ids[2]])
            #expect(try await page("since=2100-01-01T00:00:00Z").ids == [])
            #expect(try await page("until=2100-01-01T00:00:00Z").ids.count == 5)
            for query in ["limit=0", "cursor=x", "source=a%20b", "since=now", "kind=x"] {
                #expect(try await stack.ask("GET", "/v1/events?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test func `An event shows its jobs and headers, and its body byte for byte but harmless`()
        async throws
    {
        try await Stack.with { stack, database in
            let body = Array("<script>alert(1)</script>\u{0}".utf8) + [0xFF]
            let answer = try await stack.deliver(body, delivery: "abc")
            let id = try #require(member("id", of: answer.text))
            try await database.execute(
                """
                UPDATE tasq.payload SET content_type = 'text/html',
                    headers = headers || 'x-api-token: hunter2'::bytea
                """)
            let shown = try await stack.ask("GET", "/v1/events/\(id)")
            #expect(shown.status == 200)
            for part in [
                #""source":"github""#, #""event_id":"abc""#, #"["x-github-event","push"]"#,
                #"["x-api-token","***"]"#, #""bytes":\#(body.count)"#, #""kind":"push""#,
                #""payload_id":"\#(id)""#,
            ] {
                #expect(shown.text.contains(part), "\(part): \(shown.text)")
            }
            #expect(!shown.text.contains("hunter2"))
            let raw = try await stack.ask("GET", "/v1/events/\(id)/body")
            #expect(raw.body == body)
            #expect(raw["content-type"] == "text/html")
            #expect(raw["content-disposition"]?.hasPrefix("attachment") == true)
            #expect(raw["content-security-policy"]?.contains("sandbox") == true)
            #expect(raw["x-content-type-options"] == "nosniff")

            let job = try await stack.enqueue(#"{"kind":"noop"}"#)
            for target in [job, "\(job)/body", "\(PayloadID())"] {
                #expect(try await stack.ask("GET", "/v1/events/\(target)").status == 404)
            }
            #expect(try await stack.ask("GET", "/v1/events/x").status == 400)
        }
    }

    @Test
    func `A replay beside the deletion of the event's last job leaves no job without its body`()
        async throws
    {
        try await Stack.with { stack, database in
            var seen: [String: Int] = [:]
            for round in 0..<150 {
                let event = try await stack.deliver(Array("{}".utf8), delivery: "\(round)")
                let id = try #require(member("id", of: event.text))
                let job = event.text.suffix(39).prefix(36)
                async let first = stack.ask("POST", "/v1/events/\(id)/replay")
                async let deleted = stack.ask("DELETE", "/v1/jobs/\(job)")
                async let second = stack.ask("POST", "/v1/events/\(id)/replay")
                let statuses = try await [first.status, second.status]
                #expect(Set(statuses).isSubset(of: [202, 404, 409]), "\(statuses)")
                let gone = try await deleted
                #expect(gone.status == 204, "\(job): \(gone.text)")
                seen["\(statuses.sorted())", default: 0] += 1
            }
            let bare = try await database.execute(
                """
                SELECT count(*) FROM tasq.job j
                WHERE NOT EXISTS (SELECT FROM tasq.payload p WHERE p.id = j.payload_id)
                """)
            #expect(bare == "0", "\(seen)")
            // Both orders were met, or it was no race.
            #expect(seen.keys.contains { $0.contains("202") })
            #expect(seen.keys.contains { $0.contains("404") || $0.contains("409") }, "\(seen)")
            let deadlocks = try await database.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            #expect(deadlocks == "0")
        }
    }

    @Test func `A replay makes the event's jobs anew, but none beside one of its unique key`()
        async throws
    {
        try await Stack.with { stack, database in
            let answer = try await stack.deliver(Array(#"{"n":1}"#.utf8))
            let id = try #require(member("id", of: answer.text))
            for count in [2, 3] {
                let replayed = try await stack.ask("POST", "/v1/events/\(id)/replay")
                #expect(replayed.status == 202, "\(replayed.text)")
                #expect(
                    try await database.execute(
                        """
                        SELECT count(*) FROM tasq.job WHERE payload_id = '\(id)'
                            AND status = 'queued' AND queue = 'hooks' AND max_attempts = 7
                        """) == "\(count)")
            }
            let claims = try await stack.claim(
                #"{"worker_id":"\#(WorkerID())","queues":["hooks"],"limit":9}"#)
            #expect(claims.text.components(of: #""payload":{"n":1}"#) == 3)

            try await database.execute("UPDATE tasq.job SET unique_key = 'only'")
            let first = try await stack.ask("POST", "/v1/events/\(id)/replay")
            let again = try await stack.ask("POST", "/v1/events/\(id)/replay")
            #expect(first.status == 202 && first.text == again.text)

            try await database.execute("DELETE FROM tasq.job")
            let nothing = try await stack.ask("POST", "/v1/events/\(id)/replay")
            #expect(nothing.status == 409 && nothing.text.contains("nothing-to-replay"))
            #expect(
                try await stack.ask("POST", "/v1/events/\(PayloadID())/replay").status == 404)
        }
    }
}
