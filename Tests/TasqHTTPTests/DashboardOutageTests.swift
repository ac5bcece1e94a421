import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The pages for people while something is away.
@Suite(.medium)
struct DashboardOutageTests {
    @Test(arguments: [DependencyState.down, .up, .none])
    func `A banner on every page tells that Redis does not answer`(redis: DependencyState)
        async throws
    {
        try await Stack.with(redis: redis) { stack, _ in
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            for path in [
                "/", "/jobs", "/jobs/\(id)", "/jobs/\(id)/cancel", "/queues", "/held-back",
                "/workers", "/schedules", "/events",
            ] {
                let page = try await stack.ask("GET", path)
                #expect(page.status == 200, "\(path)")
                let isSaid = page.text.contains("Redis does not answer.")
                #expect(isSaid == (redis == .down), "\(path): \(page.text)")
            }
        }
    }

    @Test func `Without PostgreSQL each page is one of ours that says so, and comes back`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        try await Stack.migrate(url)
        try await Stack.with(url: url) { stack in
            let browser = Browser(stack)
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            let asked = try await browser.get("/jobs/\(id)/cancel")
            await server.stop(.immediate)
            for path in [
                "/", "/jobs", "/jobs/\(id)", "/queues", "/held-back", "/workers", "/schedules",
                "/events",
            ] {
                let page = try await browser.get(path)
                #expect(page.status == 503 && page["retry-after"] != nil, "\(path)")
                #expect(page["content-type"] == "text/html; charset=utf-8", "\(path)")
                #expect(page["refresh"] == "5", "\(path)")
                #expect(page.text.contains("PostgreSQL does not answer."), "\(path): \(page.text)")
                #expect(PageTags(page.text).barriers == [], "\(path): \(page.text)")
            }
            let refused = try await browser.send(asked)
            #expect(refused.status == 503 && refused["refresh"] == nil)
            #expect(refused.text.contains("PostgreSQL does not answer."), "\(refused.text)")
            #expect(!refused.text.contains("Redis does not answer."))
            try await server.restart()
            try await eventually("the pages come back") {
                try await browser.get("/jobs/\(id)").status == 200
            }
            let back = try await browser.get("/jobs/\(id)").text
            #expect(!back.contains("does not answer") && back.contains("queued"))
        }
        await server.stop()
    }
}
