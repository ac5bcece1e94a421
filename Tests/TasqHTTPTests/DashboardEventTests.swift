import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The pages of stored webhooks.
@Suite(.medium)
struct DashboardEventTests {
    @Test func `The list of events tells what each is about and what became of its jobs`()
        async throws
    {
        try await Stack.with { stack, database in
            let delivered = try await stack.deliver(Array("{}".utf8), delivery: "d-1")
            let event = try #require(member("id", of: delivered.text))
            let fresh = try await stack.ask("GET", "/events").text
            #expect(fresh.contains("data-label=\"Type\">push</td>"), "\(fresh)")
            #expect(fresh.contains("data-label=\"Source\"><a href=\"/events?source=github\">"))
            #expect(fresh.contains(">1 queued</span>"), "\(fresh)")
            for _ in 0..<2 {
                let replayed = try await stack.ask("POST", "/v1/events/\(event)/replay")
                #expect(replayed.status == 202)
            }
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'error', finished_at = now()
                WHERE id IN (SELECT id FROM tasq.job ORDER BY id LIMIT 2)
                """)
            let failed = try await stack.ask("GET", "/events?source=github").text
            #expect(failed.contains("class=\"outcome error\">2 error</span>"), "\(failed)")
            #expect(failed.contains(">1 queued</span>"))
            try await database.execute("DELETE FROM tasq.job")
            let left = try await stack.ask("GET", "/events").text
            #expect(left.contains("data-label=\"Jobs\">none left</td>"), "\(left)")
        }
    }

    @Test func `A form that replays is taken once, and a fresh one again`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let delivered = try await stack.deliver(Array("{}".utf8), delivery: "d-1")
            let event = try #require(member("id", of: delivered.text))
            func jobs() async throws -> String {
                try await database.execute("SELECT count(*) FROM tasq.job")
            }
            let asked = try await browser.get("/events/\(event)/replay")
            #expect(asked.text.contains("Each replay makes new ones."), "\(asked.text)")
            #expect(try await browser.send(asked).status == 303)
            #expect(try await jobs() == "2")
            let again = try await browser.send(asked)
            #expect(again.status == 409, "\(again.text)")
            #expect(again.text.contains("it may have been replayed already"), "\(again.text)")
            #expect(try await jobs() == "2")
            let fresh = try await browser.send(browser.get("/events/\(event)/replay"))
            #expect(fresh.status == 303, "\(fresh.text)")
            #expect(try await jobs() == "3")
        }
    }

    @Test func `What a webhook says of itself is shown as text`() async throws {
        try await Stack.with { stack, database in
            let script = "<script>alert(1)</script>"
            let long = String(repeating: "e", count: 1000)
            let body = Array(#"{"a":"\#(script)"}"#.utf8)
            let delivered = try await stack.deliver(body, delivery: script)
            let event = try #require(member("id", of: delivered.text))
            try await database.execute(
                """
                UPDATE tasq.payload SET content_type = '\(script)',
                    headers = 'x-github-event: \(script)'::bytea
                """)
            for path in ["/events", "/events/\(event)"] {
                let page = try await stack.ask("GET", path).text
                #expect(page.contains("&lt;script&gt;alert(1)"), "\(path): \(page)")
                #expect(!page.contains(script), "\(path): \(page)")
            }
            let page = try await stack.ask("GET", "/events/\(event)").text
            #expect(page.contains("href=\"/v1/events/\(event)/body\""), "\(page)")
            // What speaks of credentials says nothing, and nothing widens the list without end.
            try await database.execute(
                """
                UPDATE tasq.payload
                SET headers = E'x-token-event: hunter2\\nx-other-event: \(long)'::bytea
                """)
            let list = try await stack.ask("GET", "/events").text
            #expect(list.contains(">\(long.prefix(100))</td>"), "\(list)")
            #expect(!list.contains("hunter2"), "\(list)")
        }
    }
}
