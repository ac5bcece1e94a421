import Logging
import Tasq
import TasqPostgres
import TasqRedis

/// The two stores as a configuration names them.
struct Connections: Sendable {
    let store: PostgresStore
    let announcer: any Announcer
    let logger: Logger

    /// Connects to nothing yet. Throws ``InvalidInput`` or ``StoreError`` for a URL that is none.
    init(_ configuration: Configuration, logger: Logger) throws {
        self.logger = logger
        store = PostgresStore(
            try PostgresSettings(
                url: configuration.databaseURL ?? "", schema: configuration.schema), logger: logger)
        if let url = configuration.redisURL, !url.isEmpty {
            announcer = RedisAnnouncer(
                try RedisSettings(url: url, prefix: configuration.redisPrefix), logger: logger)
        } else {
            announcer = NoAnnouncer()
        }
    }

    var gate: SchemaGate { SchemaGate(store: store, logger: logger) }

    func close() async {
        await announcer.close()
        await store.close()
    }

    /// Lends the connections to a short command and closes them afterwards.
    static func with<Result>(
        _ configuration: Configuration, _ body: (Connections) async throws -> Result
    ) async throws -> Result {
        let connections = try Connections(configuration, logger: configuration.logger())
        do {
            let result = try await body(connections)
            await connections.close()
            return result
        } catch {
            await connections.close()
            throw error
        }
    }
}
