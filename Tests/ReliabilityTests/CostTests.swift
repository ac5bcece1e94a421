import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// What the hot path costs, in exact counts. A change that makes it dearer fails here; one that
/// makes it cheaper should lower the limits.
@Suite(.large) struct CostTests {
    /// Jobs, and how many go into one statement on their way in and out.
    private static let jobs = 1000
    private static let batch = 100

    @Test func `A thousand jobs cost so many statements, commands and bytes of log`() async throws {
        let postgres = try await PrivatePostgres.start(
            settings: [
                "shared_preload_libraries": "pg_stat_statements", "autovacuum": "off",
                "full_page_writes": "off",
            ], durable: false)
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = PostgresStore(
            try PostgresSettings(url: postgres.url(database: "postgres")), logger: quiet)
        try await store.migrate()
        try await postgres.execute("CREATE EXTENSION pg_stat_statements")
        let announcer = RedisAnnouncer(try RedisSettings(url: redis.url), logger: quiet)
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [.defaultQueue], concurrency: Self.batch,
            version: "test", heartbeat: .seconds(2), lease: .seconds(15))
        try await store.register(worker)

        // Connections, prepared statements and the tables' first pages come once.
        try await run(store, announcer, worker.id, count: Self.batch) {}
        try await postgres.execute("SELECT pg_stat_statements_reset()")
        _ = try await redis.command("config", "resetstat")
        var positions: [Int] = [try await position(in: postgres)]
        try await run(store, announcer, worker.id, count: Self.jobs) {
            positions.append(try await position(in: postgres))
        }

        let statements = try await postgres.execute(
            "SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE '%tasq.%'")
        #expect(statements == "30")
        let commands = try await redis.command("info", "commandstats")
        #expect(commands.contains("cmdstat_lpush:calls=10,"))
        #expect(commands.contains("cmdstat_blmpop:calls=10,"))
        let bytes = zip(positions, positions.dropFirst()).map { ($1 - $0) / Self.jobs }
        print("WAL bytes a job: enqueue \(bytes[0]), claim \(bytes[1]), settle \(bytes[2])")
        #expect(bytes[0] <= 1530, "1506 when this was written")
        #expect(bytes[1] <= 600, "585")
        #expect(bytes[2] <= 395, "388")

        await announcer.close()
        await store.close()
        await redis.stop()
        await postgres.stop(.immediate)
    }

    /// Enqueues and announces, takes and claims, settles; calls `mark` after each of the three.
    private func run(
        _ store: PostgresStore, _ announcer: RedisAnnouncer, _ worker: WorkerID, count: Int,
        _ mark: () async throws -> Void
    ) async throws {
        let payload = Payload([UInt8](repeating: UInt8(ascii: "x"), count: 1000))
        for _ in 0..<(count / Self.batch) {
            let jobs = try (0..<Self.batch).map { _ in
                try NewJob(kind: Name("noop"), payload: payload)
            }
            _ = try await store.enqueue(jobs)
            await announcer.announce(
                jobs.map { Announcement(id: $0.id, queue: $0.queue, priority: $0.priority) })
        }
        try await mark()
        var claimed: [[ClaimedJob]] = []
        for _ in 0..<(count / Self.batch) {
            let ids = try await announcer.take(
                upTo: Self.batch, from: [.defaultQueue], wait: .seconds(10))
            claimed.append(try await store.claim(ids, for: worker, from: [.defaultQueue]))
        }
        #expect(claimed.map(\.count).reduce(0, +) == count)
        try await mark()
        for batch in claimed {
            let answer = try await store.settle(
                batch.map { Settlement(job: $0.id, claim: $0.claim, verdict: .success) })
            #expect(answer.settled.count == batch.count)
        }
        try await mark()
    }

    private func position(in postgres: PrivatePostgres) async throws -> Int {
        let text = try await postgres.execute(
            "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return try #require(Int(text))
    }
}
