import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// Lists beside more jobs than one look takes.
@Suite(.medium) struct ListTests {
    /// Jobs that succeeded, one in a thousand of the kind `rare`, one in a hundred with an id that tells
    /// no time; more than two walks look at.
    private func history(_ count: Int, _ status: String = "success") -> String {
        """
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, run_at, enqueued_at,
            finished_at)
        SELECT CASE WHEN n % 100 = 0 THEN gen_random_uuid()
                ELSE (lpad(to_hex(t.ms), 12, '0') || '7000'
                    || substr(md5(n::text), 1, 16))::uuid END,
            gen_random_uuid(), 'default', CASE WHEN n % 1000 IN (0, 1) THEN 'rare' ELSE 'noop' END,
            '\(status)', 1, 3, now(), to_timestamp(t.ms / 1000.0), now()
        FROM generate_series(1, \(count)) AS n,
            LATERAL (
                SELECT (extract(epoch FROM now()) * 1000)::bigint - (\(count) - n) * 10 AS ms
            ) AS t
        """
    }

    /// Every page to the end, and what was seen on them; `between` runs after each.
    private func walk(
        _ store: PostgresStore, _ filter: JobFilter, limit: Int,
        between: () async throws -> Void = {}
    ) async throws -> (pages: [JobPage], ids: [String]) {
        var pages: [JobPage] = []
        repeat {
            pages.append(
                try await store.jobs(matching: filter, after: pages.last?.next, limit: limit))
            try await between()
        } while pages.last?.next != nil && pages.count < 1000
        return (pages, pages.flatMap { $0.jobs.map(\.id.description) })
    }

    private func ids(
        _ condition: String, in database: TestDatabase
    ) async throws -> Set<String> {
        Set(
            try await database.execute("SELECT id FROM tasq.job WHERE \(condition)")
                .split(separator: "\n").map(String.init))
    }

    @Test(arguments: [30, 1000])
    func `A rare kind is met once each over short pages, while jobs are added`(limit: Int)
        async throws
    {
        try await withStore { store, database in
            let rows = PostgresStore.walkLimit * 5 / 2
            try await database.execute(history(rows))
            let rare = try await ids("kind = 'rare'", in: database)
            #expect(rare.count == rows / 500)
            let (pages, found) = try await walk(
                store, JobFilter(kind: Name("rare")), limit: limit
            ) { _ = try await store.job("rare") }
            #expect(found.count == rare.count && Set(found) == rare)
            let times = pages.flatMap(\.jobs).map { JobCursor($0) }
            #expect(times == times.sorted(by: >))
            #expect(pages.contains { $0.jobs.count < limit && $0.next != nil })
            let none = try await walk(store, JobFilter(key: "nope"), limit: limit)
            #expect(none.ids.isEmpty && none.pages.count == 3)
        }
    }

    @Test func `What failed long ago is on the first page, beside a long history`() async throws {
        try await withStore { store, database in
            try await database.execute(history(PostgresStore.walkLimit * 3 / 2))
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'error' WHERE id IN (
                    SELECT id FROM tasq.job ORDER BY enqueued_at LIMIT 250);
                UPDATE tasq.job SET status = 'cancelled' WHERE id IN (
                    SELECT id FROM tasq.job WHERE status = 'success' ORDER BY enqueued_at LIMIT 3);
                UPDATE tasq.job SET status = 'queued', finished_at = NULL WHERE id IN (
                    SELECT id FROM tasq.job WHERE status = 'success' ORDER BY enqueued_at LIMIT 4);
                UPDATE tasq.job SET status = 'scheduled', finished_at = NULL WHERE id IN (
                    SELECT id FROM tasq.job WHERE status = 'success' ORDER BY enqueued_at LIMIT 5)
                """)
            for (status, count) in [
                (JobStatus.error, 250), (.cancelled, 3), (.queued, 4), (.scheduled, 5),
            ] {
                let (pages, found) = try await walk(
                    store, JobFilter(status: status), limit: 100)
                #expect(pages.count == count / 100 + 1, "\(status)")
                let all = try await ids("status = '\(status.rawValue)'", in: database)
                #expect(found.count == count && Set(found) == all, "\(status)")
                let times = pages.flatMap(\.jobs).map { JobCursor($0) }
                #expect(times == times.sorted(by: >), "\(status)")
            }
        }
    }

    @Test func `Thousands of failures are walked by themselves`() async throws {
        try await withStore { store, database in
            let failures = PostgresStore.fewLimit + 1000
            try await database.execute(history(failures, "error"))
            try await database.execute(history(PostgresStore.walkLimit * 3 / 2))
            let (pages, found) = try await walk(store, JobFilter(status: .error), limit: 1000)
            #expect(
                try await Set(found) == ids("status = 'error'", in: database)
                    && found.count == failures)
            #expect(pages.count <= failures / 1000 + 1)
        }
    }

    @Test func `Events of a rare source are met once each over short pages`() async throws {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, source, content_type, body)
                SELECT tasq.uuid_v7(), CASE n % \(PostgresStore.walkLimit / 2) WHEN 1 THEN 'rare' ELSE 's' END,
                    'text/plain', ''
                FROM generate_series(1, \(PostgresStore.walkLimit * 5 / 2)) AS n
                """)
            let filter = EventFilter(source: try Name("rare"))
            var pages: [EventPage] = []
            repeat {
                pages.append(
                    try await store.events(matching: filter, after: pages.last?.next, limit: 50))
            } while pages.last?.next != nil && pages.count < 100
            #expect(pages.count == 3)
            let found = pages.flatMap { $0.events.map(\.id) }
            #expect(found.count == 5 && Set(found).count == 5)
        }
    }

    @Test func `A long backlog is counted to a bound, and says so; a short one beside it is exact`()
        async throws
    {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), CASE WHEN n <= 20 THEN 'a' ELSE 'b' END, 'noop',
                    'queued', 1, 3, now() - interval '1 minute'
                FROM generate_series(1, \(Glance.countLimit + 25)) AS n
                """)
            let queues = try await store.queues()
            #expect(queues.map(\.name.description) == ["a", "b"])
            #expect(queues.map(\.queuedText) == ["20", "\(Glance.countLimit)+"])
            #expect(queues.allSatisfy { $0.oldestWait ?? .zero >= .seconds(60) })
            try await database.execute("DELETE FROM tasq.job WHERE queue = 'b' AND random() < 0.5")
            let left = try await database.execute("SELECT count(*) FROM tasq.job WHERE queue = 'b'")
            #expect(try await store.queues().last?.queuedText == left)
        }
    }
}
