import FoundationEssentials
import Tasq
import TasqPostgres
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Everything `tasq dev` starts: a private PostgreSQL and Redis, one server, two workers.
///
/// Each is a process of its own that cannot outlive this one, however this one ends.
struct DevServers: Sendable {
    static let workerCount = 2
    static let database = "tasq"

    let postgres: PrivatePostgres
    let redis: PrivateRedis
    let serve: ChildProcess
    let workers: [ChildProcess]
    /// As `serve` printed them.
    let ingestURL: String
    let adminURL: String
    /// Where the workers tell their numbers, as they printed it.
    let metricsURLs: [String]

    var databaseURL: String { postgres.url(database: Self.database) }

    /// What to start and where.
    struct Plan: Sendable {
        /// Where data and logs live; data is temporary when `isKept` is false.
        var directory: String
        var isKept: Bool
        /// The configuration file of server and workers; `nil`: as any command finds it.
        var configuration: String?
        /// Whether that is the one that `tasq dev` writes where there is no other.
        var isSample = false
        /// The schema of the tables, as server and workers are told it.
        var schema = Configuration().schema
        /// The ports of the listeners; 0 takes any free ones.
        var ingestPort: Int
        var adminPort: Int
        /// Given to server and workers.
        var flags: [String] = []
        /// Added to the children's environment.
        var environment: [String: String] = [:]
    }

    /// Starts everything in order of dependency.
    ///
    /// Throws `TestingError` when a server cannot be started, ``StoreError`` when the schema
    /// cannot be made.
    static func start(_ plan: Plan, say: @Sendable (String) -> Void) async throws -> DevServers {
        say("starting postgres and redis")
        async let startingRedis = PrivateRedis.start(
            in: plan.isKept ? plan.directory + "/redis" : nil)
        let postgres = try await PrivatePostgres.start(
            in: plan.isKept ? plan.directory + "/postgres" : nil)
        let redis = try await startingRedis
        let found = try await postgres.execute(
            "SELECT 1 FROM pg_database WHERE datname = '\(database)'")
        if found.isEmpty { try await postgres.createDatabase(database) }
        let url = postgres.url(database: database)
        say("bringing the schema up to date")
        let store = PostgresStore(
            try PostgresSettings(url: url, schema: plan.schema), logger: .silent)
        do {
            try await store.migrate()
        } catch {
            await store.close()
            throw error
        }
        await store.close()
        say("starting server and workers")
        let children = Children(plan: plan, databaseURL: url, redisURL: redis.url)
        let serve = try await children.start("serve", name: "serve")
        var workers: [ChildProcess] = []
        for number in 1...workerCount {
            workers.append(
                try await children.start("work", name: "work-\(number)"))
        }
        var metricsURLs: [String] = []
        for (index, worker) in workers.enumerated() {
            metricsURLs.append(
                try await children.address("metrics", of: worker, name: "work-\(index + 1)"))
        }
        return DevServers(
            postgres: postgres, redis: redis, serve: serve, workers: workers,
            ingestURL: try await children.address("ingest", of: serve, name: "serve"),
            adminURL: try await children.address("admin", of: serve, name: "serve"),
            metricsURLs: metricsURLs)
    }

    /// The processes of ours that have ended by themselves, which none should.
    var ended: [String] {
        var ended: [String] = []
        if let exit = serve.exit { ended.append("serve (\(exit))") }
        for (index, worker) in workers.enumerated() {
            if let exit = worker.exit { ended.append("work-\(index + 1) (\(exit))") }
        }
        if !postgres.isRunning { ended.append("postgres") }
        if !redis.isRunning { ended.append("redis") }
        return ended
    }

    /// Stops everything in reverse order, each in its own good way.
    func stop() async {
        for process in workers + [serve] { process.signal(SIGTERM) }
        for process in workers + [serve] {
            do {
                _ = try await process.wait(within: .seconds(30))
            } catch {
                process.signal(SIGKILL)
            }
        }
        await redis.stop()
        await postgres.stop(.fast)
    }
}

/// Starts processes of this very program.
private struct Children {
    let plan: DevServers.Plan
    let databaseURL: String
    let redisURL: String

    func start(
        _ command: String, name: String
    ) async throws -> ChildProcess {
        var words = [try Self.program(), command]
        words += ["--database-url", databaseURL, "--redis-url", redisURL] + plan.flags
        if let file = plan.configuration { words += ["--config", file] }
        let log = plan.directory + "/log/\(name).log"
        var environment = plan.environment
        environment["TASQ_HTTP_INGEST"] = "127.0.0.1:\(plan.ingestPort)"
        environment["TASQ_HTTP_ADMIN"] = "127.0.0.1:\(plan.adminPort)"
        environment["TASQ_WORKER_LISTEN"] = "127.0.0.1:0"
        for listener in ["INGEST", "ADMIN"] {
            environment["TASQ_HTTP_\(listener)_CERTIFICATE"] = ""
            environment["TASQ_HTTP_\(listener)_KEY"] = ""
        }
        // The shell only leads the log into its file and then becomes the program.
        return try await ChildProcess.start(
            "/bin/sh", ["-c", "log=$1; shift; exec \"$@\" 2>>\"$log\"", "sh", log] + words,
            environment: environment)
    }

    /// The address a listener printed; an error ends with what the log says.
    func address(
        _ listener: String, of process: ChildProcess, name: String
    ) async throws -> String {
        do {
            let line = try await process.waitForLine(containing: listener + " http://")
            return String(line.dropFirst(listener.count + 1))
        } catch {
            let log = plan.directory + "/log/\(name).log"
            let text = FileManager.default.contents(atPath: log) ?? Data()
            let last =
                String(decoding: text.suffix(2000), as: UTF8.self)
                .split(separator: "\n").last ?? ""
            let why = last.trimmingPrefix("tasq: ")
            throw Failure(.unavailable, "\(name) did not start: \(why)")
        }
    }

    private static func program() throws -> String {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            return CommandLine.arguments[0]
        }
    }
}
