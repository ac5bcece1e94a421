import Logging
import Tasq
import TasqPostgres
import TasqRedis

/// The two stores as a configuration names them.
struct Connections: Sendable {
    let store: PostgresStore
    let announcer: any Announcer
    let logger: Logger
    /// Where jobs are put in. A short command says itself what is refused.
    let queue: Queue

    /// Connects to nothing yet. Throws ``InvalidInput`` or ``StoreError`` for a URL that is none.
    ///
    /// A short command waits for the answer to its announcement as long as for PostgreSQL's.
    init(_ configuration: Configuration, logger: Logger, isShort: Bool = false) throws {
        self.logger = logger
        let postgres = try PostgresSettings(
            url: configuration.databaseURL ?? "", schema: configuration.schema)
        var own = logger
        // What PostgreSQL does to a short command is its own last line.
        if isShort, own.logLevel > .debug { own.logLevel = .error }
        store = PostgresStore(postgres, logger: own)
        if let url = configuration.redisURL, !url.isEmpty {
            var redis = try RedisSettings(url: url, prefix: configuration.redisPrefix)
            if isShort { redis.announceTime = postgres.statementTimeout }
            announcer = RedisAnnouncer(redis, logger: logger)
        } else {
            announcer = NoAnnouncer()
        }
        queue = Queue(store: store, announcer: announcer, logger: own)
    }

    var gate: SchemaGate { SchemaGate(store: store, logger: logger) }

    func close() async {
        await announcer.close()
        await store.close()
    }

    /// Lends the connections to a short command and closes them afterwards.
    static func with<Result>(
        _ configuration: Configuration, logger: Logger? = nil,
        _ body: (Connections) async throws -> Result
    ) async throws -> Result {
        let connections = try Connections(
            configuration, logger: logger ?? configuration.logger(), isShort: true)
        do {
            let result = try await body(connections)
            await connections.close()
            connections.tellOfSilence()
            return result
        } catch {
            await connections.close()
            throw connections.judged(error)
        }
    }

    /// Says what it means that Redis was not told of what is committed.
    private func tellOfSilence() {
        guard let redis = announcer as? RedisAnnouncer else { return }
        let failures = redis.counts.announceFailures
        guard failures > 0 else { return }
        StandardError.line(
            "tasq: \(failures == 1 ? "a job is" : "\(failures) jobs are") stored but not announced:"
                + " workers find what is due in the table, a moment later")
    }

    /// An error of Redis that a person must mend as the failure it is; any other as it came.
    private func judged(_ error: any Error) -> any Error {
        guard let told = error as? AnnouncerError, let redis = announcer as? RedisAnnouncer else {
            return error
        }
        switch redis.hindrance(behind: told) {
        case .denied?: return Failure(.denied, told.description)
        case .misconfigured?: return Failure(.misconfigured, told.description)
        case nil: return told
        }
    }
}
