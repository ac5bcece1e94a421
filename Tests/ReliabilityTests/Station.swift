import Logging
import Synchronization
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting

/// One worker of eight slots with a queue, over servers of its own.
final class Station: Sendable {
    private let server: any PostgresServer
    private let database: String
    let redis: PrivateRedis
    let store: PostgresStore
    let announcer: RedisAnnouncer
    let queue: Queue
    /// Opens for the handlers that listen to nothing else.
    let gate = Signal()
    private let started: Counter
    private let worker: Worker
    private let running = Mutex<Task<Void, any Error>?>(nil)

    /// Over a database of its own.
    static func with(_ body: (Station) async throws -> Void) async throws {
        try await TestDatabase.with(migrate: migrated) { database in
            try await run(on: database.server, database.name, body)
        }
    }

    /// Over a PostgreSQL of its own, which the body may stop.
    static func withServer(
        _ body: (Station, PrivatePostgres) async throws -> Void
    ) async throws {
        let postgres = try await PrivatePostgres.start(durable: false)
        try await migrated(url: postgres.url)
        try await run(on: postgres, "postgres") { try await body($0, postgres) }
        await postgres.stop(.immediate)
    }

    private static func run(
        on server: any PostgresServer, _ database: String, _ body: (Station) async throws -> Void
    ) async throws {
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        let station = try Station(server, database, redis)
        var failure: (any Error)?
        do {
            // The first look at an empty Redis counts as one that forgot.
            _ = try await station.page { $0["tasq_reconciles_total", ["reason": "forgot"]] == 1 }
            try await body(station)
        } catch {
            failure = error
        }
        station.gate.raise()
        await station.end()
        await station.announcer.close()
        await station.store.close()
        await redis.stop()
        if let failure { throw failure }
    }

    private init(
        _ server: any PostgresServer, _ database: String, _ redis: PrivateRedis
    ) throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.server = server
        self.database = database
        self.redis = redis
        store = PostgresStore(
            try PostgresSettings(url: server.directURL(database: database)), logger: logger)
        announcer = RedisAnnouncer(try RedisSettings(url: redis.url), logger: logger)
        queue = Queue(store: store, announcer: announcer)
        var handlers = HandlerTable()
        let gate = gate
        let started = Counter()
        try handlers.add("ok", Handler { _ in started.add() })
        try handlers.add("again", Handler { _ in throw Outcome.retry(after: .seconds(3600), "") })
        try handlers.add("later", Handler { _ in throw Outcome.snooze(for: .seconds(3600)) })
        try handlers.add("off", Handler { _ in throw Outcome.cancel("") })
        try handlers.add("bad", Handler { _ in throw Outcome.fail("") })
        let deaf: @Sendable (JobContext) async throws -> Void = { _ in
            started.add()
            await Task { await gate.wait() }.value
        }
        try handlers.add("deaf", Handler(run: deaf))
        try handlers.add("slow", Handler(timeout: .milliseconds(50), run: deaf))
        try handlers.add(
            "nap",
            Handler { _ in
                started.add()
                await Signal().wait()
                try Task.checkCancellation()
            })
        self.started = started
        worker = Worker(
            of: queue, handlers: handlers,
            settings: try WorkerSettings(
                concurrency: 8, heartbeat: .milliseconds(200), lease: .seconds(2), grace: .zero),
            logger: logger)
        let worker = worker
        running.withLock { $0 = Task { try await worker.run() } }
    }

    @discardableResult
    func enqueue(_ kind: String, _ count: Int, start: Start = .now) async throws -> [JobID] {
        try await queue.enqueue(
            (0..<count).map { _ in
                try NewJob(kind: Name(kind), start: start, payload: Payload(Array("{}".utf8)))
            }
        ).map(\.id)
    }

    /// Waits until this many handlers that say so have started.
    func runs(_ count: Int) async throws {
        try await eventually("\(count) handlers have started") { self.started.value >= count }
    }

    /// What the worker tells, once it tells this.
    func page(until condition: @Sendable (Exposition) -> Bool) async throws -> Exposition {
        try await Self.page(until: condition) { self.worker.metrics }
    }

    func page() throws -> Exposition {
        try Exposition(PrometheusText.page(of: worker.metrics))
    }

    static func page(
        until condition: @Sendable (Exposition) -> Bool,
        _ metrics: @Sendable () async -> [Metric]
    ) async throws -> Exposition {
        let last = Mutex("")
        do {
            try await eventually("the numbers are what was done") {
                let text = PrometheusText.page(of: await metrics())
                last.withLock { $0 = text }
                return condition(try Exposition(text))
            }
        } catch {
            throw TestingError.late("\(error)\n\(last.withLock { $0 })")
        }
        return try Exposition(last.withLock { $0 })
    }

    func sql(_ text: String) async throws -> String {
        try await server.execute(text, in: database)
    }

    /// Ends the worker as a cancelled task does, and waits for it.
    func end() async {
        let task = running.withLock { task in
            defer { task = nil }
            return task
        }
        task?.cancel()
        _ = await task?.result
    }
}
