import Foundation
import Logging
import Synchronization
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// Real servers, real `tasq` processes, and a log of every run, for one test.
struct Fleet: Sendable {
    private let server: any PostgresServer
    private let database: String
    /// Where the store and the processes find PostgreSQL; through a pooler if this run has one.
    let databaseURL: String
    let redis: PrivateRedis
    let store: PostgresStore
    let queue: Queue
    let announcer: RedisAnnouncer
    let log: RunLog
    let configuration: String
    /// Every process started so far.
    private let processes = Processes()

    private init(
        server: any PostgresServer, database: String, databaseURL: String, redis: PrivateRedis,
        store: PostgresStore, announcer: RedisAnnouncer, log: RunLog, configuration: String
    ) {
        self.server = server
        self.database = database
        self.databaseURL = databaseURL
        self.redis = redis
        self.store = store
        self.announcer = announcer
        queue = Queue(store: store, announcer: announcer)
        self.log = log
        self.configuration = configuration
    }

    /// Where PostgreSQL is, past a pooler.
    var directURL: String { server.directURL(database: database) }

    /// Heartbeats and leases short enough for a test, and long enough for a slow machine.
    static let environment = [
        "TASQ_WORKER_HEARTBEAT": milliseconds(500), "TASQ_WORKER_LEASE": milliseconds(5000),
        "TASQ_WORKER_GRACE": milliseconds(5000),
        "TASQ_LOG_LEVEL": "info", "GITHUB_SECRET": "a-secret-to-everybody",
    ]

    private static func milliseconds(_ number: Double) -> String {
        "\(Int(number * Slowness.factor))ms"
    }

    /// Over a database of its own.
    static func with(
        redisRuns: Bool = true, _ body: (Fleet) async throws -> Void
    ) async throws {
        try await TestDatabase.with(migrate: migrated) { database in
            try await run(
                on: database.server, database.name, database.url, redisRuns: redisRuns, body)
        }
    }

    /// Over a PostgreSQL of its own, which the body may stop.
    static func withServer(
        _ body: (Fleet, PrivatePostgres) async throws -> Void
    ) async throws {
        let postgres = try await PrivatePostgres.start(durable: false)
        let pooler = try await TestServers.pooler(before: postgres)
        try await migrated(url: postgres.url)
        try await run(on: postgres, "postgres", pooler?.url(database: "postgres") ?? postgres.url) {
            try await body($0, postgres)
        }
        await postgres.stop(.immediate)
        await pooler?.stop()
    }

    private static func run(
        on server: any PostgresServer, _ database: String, _ databaseURL: String,
        redisRuns: Bool = true, _ body: (Fleet) async throws -> Void
    ) async throws {
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        if !redisRuns { await redis.stop() }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = PostgresStore(
            try PostgresSettings(url: databaseURL).patient, logger: logger)
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
                        server: server, database: database, databaseURL: databaseURL, redis: redis,
                        store: store, announcer: announcer, log: log, configuration: file.path))
            }
        } catch {
            await announcer.close()
            await store.close()
            throw error
        }
        await announcer.close()
        await store.close()
        await redis.stop()
    }

    private static func configurationText(port: Int) -> String {
        """
        sources:
          github: { verify: github, secrets: [env:GITHUB_SECRET], kind: run }
        handlers:
          "run*":
            http:
              { url: "http://127.0.0.1:\(port)/run", allow: [127.0.0.1], timeout: 120s, breaker: off }
            retry: { base: 200ms, cap: 1s }
          "pill": { command: [/bin/sh, -c, "kill -9 $PPID"] }
          "noop*": { noop: {} }
          "timed": { noop: {}, timeout: 600s }
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
        environment["DATABASE_URL"] = databaseURL
        environment["REDIS_URL"] = redis.url
        environment["TASQ_CONFIG"] = configuration
        environment.merge(more) { $1 }
        let process = try await ChildProcess.start(
            ChildProcess.built("tasq"), arguments, environment: environment)
        processes.all.withLock { $0.append(process) }
        return process
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

    /// Resident memory of a process, in kB.
    func memory(of process: ChildProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        return try #require(status.firstMatch(of: /VmRSS:\s*(\d+)/).flatMap { Int($0.1) })
    }

    func sql(_ text: String) async throws -> String {
        try await server.execute(text, in: database)
    }

    func number(_ text: String) async throws -> Int {
        Int(try await sql(text)) ?? -1
    }

    func count(_ status: JobStatus) async throws -> Int {
        try await number("SELECT count(*) FROM tasq.job WHERE status = '\(status.rawValue)'")
    }

    /// Waits until this many jobs have the status; fails with how things stand.
    func reaches(
        _ count: Int, _ status: JobStatus, within limit: Duration = .seconds(120).onThisMachine
    )
        async throws
    {
        do {
            try await eventually(within: limit, "\(count) jobs are \(status.rawValue)") {
                try await self.count(status) >= count
            }
        } catch {
            throw TestingError.late("\(error)\n\(await state())")
        }
    }

    /// The jobs by status, attempts and crashes, and the last lines of every process.
    private func state() async -> String {
        let jobs =
            (try? await sql(
                """
                SELECT status, kind, attempt, crashes, count(*) FROM tasq.job
                GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
                """)) ?? "postgres does not answer"
        return processes.all.withLock { processes in
            processes.reduce(jobs) { text, process in
                let exit = process.exit.map { "\($0)" } ?? "runs"
                let lines = process.lines.suffix(20).joined(separator: "\n")
                return "\(text)\nprocess \(process.pid): \(exit)\n\(lines)"
            }
        }
    }

    private final class Processes: Sendable {
        let all = Mutex<[ChildProcess]>([])
    }

    /// Ends workers as a supervisor would, and waits for them.
    func stop(_ workers: [ChildProcess]) async throws {
        for worker in workers { worker.signal(SIGTERM) }
        for worker in workers { _ = try await worker.wait() }
    }
}
