import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Script in whatever somebody else may write, on every page that may show it.
@Suite(.medium)
struct DashboardStrangerTests {
    /// A text that would end an attribute and an element, and run; the name tells where it was put.
    private static func script(_ name: String) -> String {
        "\"'><script>alert(\(name))</script><img src=x onerror=alert(1)>"
    }

    /// The same as a string of JSON, and as one of SQL.
    private static func json(_ name: String) -> String {
        "\"\(script(name).replacing("\"", with: "\\\""))\""
    }
    private static func sql(_ name: String) -> String {
        "'\(script(name).replacing("'", with: "''"))'"
    }

    /// What stands on some page of what was put in.
    private static let shown = [
        "key", "body", "error", "retry", "host", "delivery", "type", "subject", "header", "event",
        "called", "problem", "later",
    ]

    @Test func `Script in every field that a stranger can write is text on every page`()
        async throws
    {
        try await Stack.with { stack, database in
            let paths = try await fill(stack, database)
            var all = ""
            for path in paths {
                let page = try await stack.ask("GET", path)
                #expect([200, 400, 404, 409].contains(page.status), "\(path): \(page.text)")
                #expect(page["content-type"] == "text/html; charset=utf-8", "\(path)")
                #expect(!page.text.contains("<script>") && !page.text.contains("<img"), "\(path)")
                #expect(PageTags(page.text).barriers == [], "\(path): \(page.text)")
                all += page.text
            }
            // Else nothing of it might have come so far.
            for name in Self.shown {
                #expect(all.contains("&lt;script&gt;alert(\(name))"), "\(name) stands nowhere")
            }
        }
    }

    /// Puts it everywhere; the paths of the pages.
    private func fill(_ stack: Stack, _ database: TestDatabase) async throws -> [String] {
        var jobs: [String] = []
        let texts = "\"key\":\(Self.json("key")),\"payload\":{\"a\":\(Self.json("body"))}"
        for (name, end) in [("error", "\"retry\":false"), ("retry", "\"delay\":\"1h\"")] {
            let id = try await stack.enqueue(
                "{\"kind\":\"mail\",\(texts),\"unique_key\":\(Self.json(name))}")
            try await stack.end("fail", "{\"error\":\(Self.json(name)),\(end)}")
            jobs.append(id)
        }
        // One that runs at a worker of such a name.
        jobs.append(try await stack.enqueue(#"{"kind":"mail"}"#))
        let claim = try await stack.claim(
            "{\"worker_id\":\"\(WorkerID())\",\"host\":\(Self.json("host"))}")
        #expect(member("token", of: claim.text) != nil, "\(claim.text)")

        let delivered = try await stack.deliver(
            Array("{\"a\":\(Self.json("event"))}".utf8), delivery: Self.script("delivery"))
        let event = try #require(member("id", of: delivered.text), "\(delivered.text)")
        jobs.append(
            try await database.execute("SELECT id FROM tasq.job WHERE payload_id = '\(event)'"))
        let schedule = try await stack.ask(
            "PUT", "/v1/schedules/nightly",
            "{\"cron\":\"@daily\",\"kind\":\"report\",\(texts)}")
        #expect(schedule.status == 200, "\(schedule.text)")
        try await database.putOff(1, for: Self.script("later"))
        let bulk = BulkID()
        // What no sender can be had to write here: other senders, other servers. Paused and of
        // another version, the schedule is planned by nobody, who would find that it is well.
        try await database.execute(
            """
            UPDATE tasq.payload SET content_type = \(Self.sql("type")),
                headers = convert_to(
                    'x-github-event: ' || \(Self.sql("subject")) || E'\\n'
                        || 'x-what: ' || \(Self.sql("header")), 'UTF8')
            WHERE id = '\(event)';
            UPDATE tasq.schedule SET problem = \(Self.sql("problem")), paused = true,
                version = version + 1;
            INSERT INTO tasq.bulk (id, action, key, dry_run, state, reason, finished_at)
            VALUES ('\(bulk)', 'cancel', \(Self.sql("key")), false, 'failed',
                \(Self.sql("called")), now())
            """)
        let asked = Self.script("asked").utf8.map { "%" + hex([$0]) }.joined()
        return [
            "/", "/jobs", "/jobs?status=error", "/jobs?retrying=true", "/jobs?key=\(asked)",
            "/jobs?reason=\(asked)", "/jobs?cursor=\(asked)", "/jobs?queue=\(asked)",
            "/jobs?\(asked)=1", "/find?id=\(asked)", "/jobs?done=\(asked)", "/queues", "/held-back",
            "/workers", "/schedules", "/schedules/edit?schedule=nightly",
            "/schedules/edit?schedule=nightly&cron=\(asked)&zone=\(asked)",
            "/schedules/edit?schedule=\(asked)", "/queues/pause?queue=\(asked)", "/events",
            "/events?source=\(asked)", "/events/\(event)", "/events/\(event)/replay",
            "/bulk/\(bulk)", "/bulk?action=cancel&key=\(asked)", "/bulk?action=\(asked)",
        ] + jobs.flatMap { ["/jobs/\($0)", "/jobs/\($0)/cancel"] }
    }
}
