import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting

/// Real servers, real `tasq` processes, and a log of every run, for one test.
struct Fleet: Sendable {
    let postgres: PrivatePostgres
    let redis: PrivateRedis
    let store: PostgresStore
    let queue: Queue
    let announcer: RedisAnnouncer
    let log: RunLog
    let configuration: String

    /// Heartbeats and leases short enough for a test, in the proportion of the defaults.
    static let environment = [
        "TASQ_WORKER_HEARTBEAT": "500ms", "TASQ_WORKER_LEASE": "3s", "TASQ_WORKER_GRACE": "5s",
        "TASQ_LOG_LEVEL": "info", "GITHUB_SECRET": "a-secret-to-everybody",
    ]

    static func with(
        redisRuns: Bool = true, _ body: (Fleet) async throws -> Void
    ) async throws {
        let postgres = try await PrivatePostgres.start(durable: false)
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        if !redisRuns { await redis.stop() }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = PostgresStore(
            try PostgresSettings(url: postgres.url(database: "postgres")), logger: logger)
        try await store.migrate()
        let announcer = RedisAnnouncer(try RedisSettings(url: redis.url), logger: logger)
        let log = RunLog()
        do {
            try await log.served { port in
                let file = FileManager.default.temporaryDirectory
                    .appendingPathComponent("tasq-test-\(UUID().uuidString).yaml")
                try configurationText(port: port)
                    .write(to: file, atomically: true, encoding: .utf8)
                defer { try? FileManager.default.removeItem(at: file) }
                try await body(
                    Fleet(
                        postgres: postgres, redis: redis, store: store,
                        queue: Queue(store: store, announcer: announcer), announcer: announcer,
                        log: log, configuration: file.path))
            }
        } catch {
            await announcer.close()
            await store.close()
            throw error
        }
        await announcer.close()
        await store.close()
        await redis.stop()
        await postgres.stop(.immediate)
    }

    private static func configurationText(port: Int) -> String {
        """
        sources:
          github: { verify: github, secrets: [env:GITHUB_SECRET], kind: run }
        handlers:
          "run*":
            http: { url: "http://127.0.0.1:\(port)/run", allow: [127.0.0.1], timeout: 120s }
            retry: { base: 200ms, cap: 1s }
          "pill": { command: [/bin/sh, -c, "kill -9 $PPID"] }
          "noop*": { noop: {} }
        """
    }

    /// Starts a worker process and waits until it has registered.
    func worker(
        slots: Int = 8, _ more: [String: String] = [:]
    ) async throws -> ChildProcess {
        let worker = try await tasq(["work", "--concurrency", "\(slots)"], more)
        _ = try await worker.waitForLine(containing: "worker registered")
        return worker
    }

    func tasq(
        _ arguments: [String], _ more: [String: String] = [:]
    ) async throws -> ChildProcess {
        var environment = Self.environment
        environment["DATABASE_URL"] = postgres.url(database: "postgres")
        environment["REDIS_URL"] = redis.url
        environment["TASQ_CONFIG"] = configuration
        environment.merge(more) { $1 }
        return try await ChildProcess.start(
            ChildProcess.built("tasq"), arguments, environment: environment)
    }

    @discardableResult
    func enqueue(_ count: Int, kind: String = "run") async throws -> [JobID] {
        var ids: [JobID] = []
        while ids.count < count {
            let jobs = try (0..<min(500, count - ids.count)).map { _ in
                try NewJob(kind: Name(kind), payload: Payload(Array("{}".utf8)))
            }
            ids += try await queue.enqueue(jobs).map(\.id)
        }
        return ids
    }

    func sql(_ text: String) async throws -> String {
        try await postgres.execute(text)
    }

    func number(_ text: String) async throws -> Int {
        Int(try await sql(text)) ?? -1
    }

    func count(_ status: JobStatus) async throws -> Int {
        try await number("SELECT count(*) FROM tasq.job WHERE status = '\(status.rawValue)'")
    }

    /// Waits until this many jobs have the status.
    func reaches(_ count: Int, _ status: JobStatus, within limit: Duration = .seconds(120))
        async throws
    {
        try await eventually(within: limit, "\(count) jobs are \(status.rawValue)") {
            try await self.count(status) >= count
        }
    }

    /// Ends workers as a supervisor would, and waits for them.
    func stop(_ workers: [ChildProcess]) async throws {
        for worker in workers { worker.signal(SIGTERM) }
        for worker in workers { _ = try await worker.wait() }
    }
}
