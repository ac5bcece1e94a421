import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqHTTP

/// Events that become several jobs, or jobs of a kind with their type in it.
@Suite(.medium)
struct RoutedEventTests {
    private static let push = Array(#"{"ref":"refs/heads/main","repo":"a/b","id":7}"#.utf8)
    /// What ``push`` becomes by ``routes()``.
    private static let jobs = [
        "audit|hooks|-|2|20", "audit|hooks|7|1|20", "audit|hooks|a/b|1|20", "ci.push|ci|-|0|3",
    ]

    @Test func `An event and the jobs of all its routes are stored in one transaction`()
        async throws
    {
        try await Stack.with(more: [source(routes(), .all)]) { stack, database in
            let answer = try await stack.deliver(Self.push, to: "routed", delivery: "d-1")
            #expect(answer.status == 202)
            let id = try #require(member("id", of: answer.text))
            #expect(try await jobs(of: database) == Self.jobs.map { $0 + "|1" })
            let ids = try await database.execute(
                "SELECT id FROM tasq.job WHERE payload_id = '\(id)' ORDER BY id")
            for job in ids.split(separator: "\n") { #expect(answer.text.contains(job)) }
            let transactions = try await database.execute(
                """
                SELECT count(DISTINCT x), count(*) FROM (
                    SELECT xmin::text AS x FROM tasq.job
                    UNION ALL SELECT xmin::text FROM tasq.payload) AS t
                """)
            #expect(transactions == "1|5")
            let waiting = try await database.execute(
                """
                SELECT kind FROM tasq.job
                WHERE status = 'scheduled' AND run_at > now() + interval '59 minutes'
                """)
            #expect(waiting == "ci.push")
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'queued' AND run_at <= now()")
                    == "3")
        }
    }

    @Test func `Where one of its jobs cannot be stored, neither is the event`() async throws {
        try await Stack.with(more: [source(routes(), .all)]) { stack, database in
            try await database.execute(
                "ALTER TABLE tasq.job ADD CONSTRAINT none CHECK (kind <> 'ci.push')")
            let refused = try await stack.deliver(Self.push, to: "routed", delivery: "d-1")
            #expect(refused.status == 422, "\(refused.text)")
            #expect(
                try await database.execute(
                    "SELECT (SELECT count(*) FROM tasq.payload), (SELECT count(*) FROM tasq.job)")
                    == "0|0")
            try await database.execute("ALTER TABLE tasq.job DROP CONSTRAINT none")
            let taken = try await stack.deliver(Self.push, to: "routed", delivery: "d-1")
            #expect(taken.status == 202)
            #expect(try await jobs(of: database) == Self.jobs.map { $0 + "|1" })
        }
    }

    @Test func `A repetition makes none of its jobs again, many at once neither`() async throws {
        try await Stack.with(more: [source(routes(), .all)]) { stack, database in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<30 {
                    group.addTask {
                        try await stack.deliver(Self.push, to: "routed", delivery: "d-1").status
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [202: 1, 200: 29])
            #expect(try await jobs(of: database) == Self.jobs.map { $0 + "|1" })
        }
    }

    @Test func `A replay makes the same jobs again, each time, and at once`() async throws {
        try await Stack.with(more: [source(routes(), .all)]) { stack, database in
            let answer = try await stack.deliver(Self.push, to: "routed", delivery: "d-1")
            let id = try #require(member("id", of: answer.text))
            for count in 2...4 {
                let replayed = try await stack.ask("POST", "/v1/events/\(id)/replay")
                #expect(replayed.status == 202, "\(replayed.text)")
                #expect(try await jobs(of: database) == Self.jobs.map { "\($0)|\(count)" })
            }
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'scheduled'") == "1")
            // What is left of each is enough, of the first ones or of later ones.
            try await database.execute(
                """
                DELETE FROM tasq.job WHERE id IN (
                    SELECT id FROM tasq.job WHERE kind = 'ci.push' ORDER BY id LIMIT 3)
                """)
            let replayed = try await stack.ask("POST", "/v1/events/\(id)/replay")
            #expect(replayed.status == 202, "\(replayed.text)")
            #expect(
                try await jobs(of: database)
                    == Self.jobs.map { $0 + ($0.hasPrefix("ci") ? "|2" : "|5") })
        }
    }

    @Test func `An event that is to run again becomes all its jobs again, with their delay`()
        async throws
    {
        let again = try source(routes(), .all, redeliver: .run)
        try await Stack.with(more: [again]) { stack, database in
            func deliver() async throws -> RawAnswer {
                try await stack.deliver(Self.push, to: "routed", delivery: "d-1")
            }
            #expect(try await deliver().status == 202)
            let early = try await deliver()
            #expect(early.status == 200 && !early.text.contains("\"jobs\""), "\(early.text)")
            #expect(try await jobs(of: database) == Self.jobs.map { $0 + "|1" })
            try await database.execute(
                "UPDATE tasq.job SET status = 'success', finished_at = now()")
            let late = try await deliver()
            #expect(late.status == 200 && late.text.contains("\"jobs\":["), "\(late.text)")
            #expect(try await jobs(of: database) == Self.jobs.map { $0 + "|2" })
            #expect(
                try await database.execute(
                    """
                    SELECT kind, run_at > now() + interval '59 minutes' FROM tasq.job
                    WHERE status = 'scheduled'
                    """) == "ci.push|t")
        }
    }

    @Test func `The first route that an event can take is the only one, and none is the source's`()
        async throws
    {
        let all = try routes()
        try await Stack.with(more: [source([all[0], all[4]], .first)]) { stack, database in
            let push = try await stack.deliver(Self.push, to: "routed")
            #expect(push.status == 202)
            #expect(try await jobs(of: database) == ["ci.push|ci|-|0|3|1"])
            let other = Array(#"{"ref":"refs/tags/1"}"#.utf8)
            #expect(try await stack.deliver(other, to: "routed").status == 202)
            #expect(
                try await jobs(of: database)
                    == ["ci.push|ci|-|0|3|1", "hook.push|hooks|-|1|20|1"])
        }
    }

    @Test(arguments: [
        ("orders/create", "hook.orders_create"), ("Push Hook", "hook.Push_Hook"),
        ("a.b:c-d_E", "hook.a.b:c-d_E"), ("\u{E9}", "hook.__"), ("*", "hook._"),
        ("{type}", "hook._type_"), (String(repeating: "x", count: 96), "hook.other"),
        (String(repeating: "x", count: 250), "hook.other"), ("", "hook.other"),
        ("a\r\nX-Type: b", "hook.other"),
    ])
    func `Whatever type an event has, it is taken, and its kind is one`(
        type: String, kind: String
    ) async throws {
        let source = try source([], .first, type: Location("header:X-Type", field: "type"))
        try await Stack.with(more: [source]) { stack, database in
            let answer = try await stack.deliver(
                Self.push, to: "routed", headers: ["X-Type: \(type)"])
            #expect(answer.status == 202, "\(answer.text)")
            #expect(try await database.execute("SELECT kind FROM tasq.job") == kind)
        }
    }

    /// The jobs by kind, queue, key, priority and attempts, with their number.
    private func jobs(of database: TestDatabase) async throws -> [String] {
        try await database.execute(
            """
            SELECT kind, queue, coalesce(key, '-'), priority, max_attempts, count(*)
            FROM tasq.job GROUP BY 1, 2, 3, 4, 5
            """
        ).split(separator: "\n").map(String.init).sorted()
    }

    private func routes() throws -> [WebhookRoute] {
        let main = WebhookRoute.Condition(
            try Location("body:/ref", field: "where"), ["refs/heads/*"])
        let audit = try KindTemplate("audit")
        return [
            try WebhookRoute(
                types: ["push"], where: [main], kind: KindTemplate("ci.{type}"),
                queue: Name("ci"), priority: Priority(0), maxAttempts: 3, delay: .seconds(3600)),
            // Of one kind and queue, and of different keys.
            try WebhookRoute(
                where: [main], kind: audit, key: Location("body:/repo", field: "key")),
            try WebhookRoute(where: [main], kind: audit, key: Location("body:/id", field: "key")),
            try WebhookRoute(where: [main], kind: audit, priority: Priority(2)),
            try WebhookRoute(types: ["ping"], kind: KindTemplate("ping")),
        ]
    }

    private func source(
        _ routes: [WebhookRoute], _ match: WebhookRouting.Match, type: Location? = nil,
        redeliver: WebhookSource.Redelivery = .failed
    ) throws -> WebhookSource {
        let hooks = try Name("hooks")
        let routing = WebhookRouting(
            kind: try KindTemplate("hook.{type}"), routes: routes, match: match
        ) { kind in
            var job = JobTemplate(of: kind)
            job.queue = hooks
            return job
        }
        return try WebhookSource(
            name: Name("routed"), scheme: .github, secrets: [Stack.secret], type: type,
            routing: routing, redeliver: redeliver)
    }
}
