import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// Limits as they stand in the table, and the levels that are read beside them.
@Suite(.medium) struct LimitTests {
    @Test func `A limit stands as it was set, until it is cleared`() async throws {
        try await withStore { store, database in
            let queue = Name.defaultQueue
            try await store.limit(depth: 5)
            let first = try #require(try await store.limit(of: queue))
            let limit = try FlowLimit(queue: queue, maxDepth: 5)
            #expect(first.limit == limit)
            #expect(!first.isConfigured && first.level == 0 && first.oldestWait == nil)
            let role = try await database.execute("SELECT current_user")
            #expect(first.updatedBy == role)
            try await store.limit(depth: 5)
            #expect(try await store.limit(of: queue) == first, "nothing has changed")
            try await store.limit(age: .seconds(90))
            let second = try #require(try await store.limit(of: queue))
            #expect(second.updatedAt > first.updatedAt)
            #expect(
                try await database.execute(
                    "SELECT queue, max_depth, max_age_us, configured FROM tasq.flow_limit")
                    == "default||90000000|f")
            #expect(try await store.clearLimit(of: queue))
            #expect(try await store.clearLimit(of: queue) == false)
            #expect(try await store.limit(of: queue) == nil)
        }
    }

    @Test func `A configuration takes away the limits it does not name any more, and no others`()
        async throws
    {
        try await withStore { store, _ in
            func names() async throws -> [String] {
                try await store.limits(after: nil, upTo: 10, levelsOf: []).map {
                    "\($0.limit.queue) \($0.limit.maxDepth ?? 0)"
                }
            }
            func configure(_ limits: [(String, Int)]) async throws {
                try await store.put(
                    limits: limits.map { try FlowLimit(queue: Name($0.0), maxDepth: $0.1) },
                    isConfiguration: true)
            }
            try await store.limit("own", depth: 1)
            try await store.limit("a", depth: 1)
            try await configure([("a", 2), ("b", 2)])
            #expect(try await names() == ["a 2", "b 2", "own 1"], "its word counts")
            try await store.limit("b", depth: 3)
            #expect(try await names() == ["a 2", "b 3", "own 1"], "until another is set")
            try await configure([("b", 4)])
            #expect(try await names() == ["b 4", "own 1"])
            try await configure([])
            #expect(try await names() == ["own 1"])
        }
    }

    @Test func `A list comes in pages by queue`() async throws {
        try await withStore { store, _ in
            for queue in ["c", "a", "b"] { try await store.limit(queue, depth: 1) }
            func page(after queue: String?, upTo limit: Int) async throws -> [String] {
                try await store.limits(
                    after: queue.map { try Name($0) }, upTo: limit, levelsOf: nil
                ).map(\.limit.queue.description)
            }
            #expect(try await page(after: nil, upTo: 2) == ["a", "b"])
            #expect(try await page(after: "b", upTo: 2) == ["c"])
            #expect(try await page(after: "c", upTo: 2) == [])
        }
    }

    @Test func `A level is counted as far as its limit, and only where it is asked for`()
        async throws
    {
        try await withStore { store, _ in
            for queue in ["a", "b", "c"] { try await store.limit(queue, depth: 3) }
            for (queue, count) in [("a", 5), ("b", 2), ("d", 9)] {
                _ = try await store.enqueue(newJobs(count, on: queue))
            }
            _ = try await store.enqueue(newJobs(4, on: "b", start: .after(.seconds(3600))))
            func levels(of queues: [Name]?) async throws -> [Int?] {
                try await store.limits(after: nil, upTo: 10, levelsOf: queues).map(\.level)
            }
            #expect(try await levels(of: nil) == [3, 2, 0], "jobs of later do not wait yet")
            #expect(try await levels(of: [Name("b")]) == [nil, 2, nil])
            #expect(
                try await store.limits(after: nil, upTo: 10, levelsOf: nil).map(\.isRefusing)
                    == [true, false, false])
        }
    }

    @Test func `The oldest job is that of any priority`() async throws {
        try await withStore { store, database in
            try await store.limit("b", age: .seconds(60))
            for (queue, count) in [("a", 1), ("b", 2), ("c", 1)] {
                _ = try await store.enqueue(newJobs(count, on: queue))
            }
            try await database.execute(
                """
                UPDATE tasq.job SET run_at = now() - interval '1 hour' WHERE queue <> 'b';
                UPDATE tasq.job SET priority = 3, run_at = now() - interval '2 minutes'
                WHERE id = (SELECT min(id::text)::uuid FROM tasq.job WHERE queue = 'b')
                """)
            let standing = try #require(try await store.limit(of: Name("b")))
            let oldest = try #require(standing.oldestWait)
            #expect(oldest >= .seconds(120) && oldest < .seconds(3600) && standing.isRefusing)
            #expect(standing.level == nil, "it has no depth")
        }
    }

    @Test(arguments: [
        "('q', NULL, NULL)", "('q', 0, NULL)", "('q', -1, NULL)", "('q', 1000001, NULL)",
        "('q', NULL, 0)", "('q', NULL, 3155760000000000)", "('a b', 1, NULL)", "('', 1, NULL)",
    ])
    func `The table takes nothing that is no limit`(row: String) async throws {
        try await withStore { _, database in
            await #expect(throws: TestingError.self) { () async throws in
                try await database.execute(
                    "INSERT INTO tasq.flow_limit (queue, max_depth, max_age_us) VALUES \(row)")
            }
            let rows = try await database.execute("SELECT count(*) FROM tasq.flow_limit")
            #expect(rows == "0")
        }
    }

    @Test func `A job's explanation tells what its queue may hold`() async throws {
        try await withStore { store, _ in
            let id = try await store.job()
            func facts() async throws -> [String: String] {
                guard let found = try await store.circumstances(of: id) else { return [:] }
                return Dictionary(
                    Explanation(found).facts.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            }
            #expect(try await facts()["queue_refuses"] == nil)
            try await store.limit(depth: 1, age: .seconds(90))
            let told = try await facts()
            #expect(told["queue_max_depth"] == "1" && told["queue_max_age"] == "90s")
            #expect(told["queue_refuses"] == "true")
        }
    }
}
