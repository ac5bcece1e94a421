import Logging
import Synchronization
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting

/// Private servers and what is measured on them.
struct Bench: Sendable {
    struct Latency: Sendable {
        let samples: Int
        let median: Duration
        let p99: Duration
    }

    struct Drain: Sendable {
        let jobs: Int
        let time: Duration

        var perSecond: Int { Int(Double(jobs) / max(time.inSeconds, 1e-9)) }
    }

    private let postgres: PrivatePostgres
    private let redis: PrivateRedis
    private let store: PostgresStore
    private let announcer: RedisAnnouncer
    private let queue: Queue
    private let concurrency: Int

    static func start(concurrency: Int) async throws -> Bench {
        let postgres = try await PrivatePostgres.start(durable: true)
        let redis = try await PrivateRedis.start()
        let logger = Logger.silent
        let store = PostgresStore(
            try PostgresSettings(url: postgres.url(database: "postgres")), logger: logger)
        try await store.migrate()
        let announcer = RedisAnnouncer(try RedisSettings(url: redis.url), logger: logger)
        return Bench(
            postgres: postgres, redis: redis, store: store, announcer: announcer,
            queue: Queue(store: store, announcer: announcer), concurrency: concurrency)
    }

    func stop() async {
        await announcer.close()
        await store.close()
        await redis.stop()
        await postgres.stop(.immediate)
    }

    /// From the enqueue's return, which is its commit, to the handler's first line, while nothing
    /// else happens.
    func idlePickup(samples: Int) async throws -> Latency {
        let (entries, entered) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        return try await withWorker { _ in
            entered.yield(.now)
        } _: {
            var entries = entries.makeAsyncIterator()
            var waits: [Duration] = []
            for sample in 0..<(samples + 20) {
                _ = try await queue.enqueue(job())
                let committed = ContinuousClock.now
                let start = await entries.next() ?? committed
                // The first few open connections and prepare statements.
                if sample >= 20 { waits.append(max(.zero, start - committed)) }
            }
            waits.sort()
            return Latency(
                samples: samples, median: waits[waits.count / 2],
                p99: waits[min(waits.count - 1, waits.count * 99 / 100)])
        }
    }

    /// From a worker's start, with all jobs waiting, to the last outcome's commit.
    func drain(_ count: Int) async throws -> Drain {
        var left = count
        while left > 0 {
            let batch = try (0..<min(left, 500)).map { _ in try job() }
            _ = try await queue.enqueue(batch)
            left -= batch.count
        }
        await queue.flush()
        let start = ContinuousClock.now
        let done = Counter()
        let finished = Signal()
        return try await withWorker { _ in
            done.add()
            if done.value >= count { finished.raise() }
        } _: {
            await finished.wait()
            // Handlers have run; the last outcomes are being written.
            while try await store.queues().contains(where: { $0.executing > 0 }) {
                await Task.yield()
            }
            return Drain(jobs: count, time: .now - start)
        }
    }

    private func withWorker<Result: Sendable>(
        _ handler: @escaping @Sendable (JobContext) async throws -> Void,
        _ body: () async throws -> Result
    ) async throws -> Result {
        var handlers = HandlerTable()
        try handlers.add("bench", Handler(run: handler))
        let worker = Worker(
            store: store, announcer: announcer, handlers: handlers,
            settings: try WorkerSettings(concurrency: concurrency), logger: .silent)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            let result = try await body()
            group.cancelAll()
            try await group.waitForAll()
            return result
        }
    }

    private func job() throws -> NewJob {
        try NewJob(
            kind: Name("bench"),
            payload: Payload(
                [UInt8](repeating: UInt8(ascii: "x"), count: 1000),
                contentType: "application/octet-stream"))
    }
}
