import Foundation

/// Servers shared by one test run: started once per process, or given by their URLs.
///
/// `TASQ_TEST_POSTGRES` and `TASQ_TEST_REDIS` name servers to be used instead of private ones. The
/// PostgreSQL user must be a superuser there, for it makes databases and drops them. Private ones
/// end with the process. With `TASQ_TEST_POOLER` a private PostgreSQL has a pgbouncer before it.
public enum TestServers {
    private static let sharedPostgres = Once<any PostgresServer>()
    private static let sharedRedis = Once<any RedisServer>()

    /// The PostgreSQL of this run, for many tests at once; each makes a `TestDatabase` in it.
    public static func postgres() async throws(TestingError) -> any PostgresServer {
        try await sharedPostgres.value { () async throws(TestingError) in
            if let url = ProcessInfo.processInfo.environment["TASQ_TEST_POSTGRES"] {
                return try GivenPostgres(url: url)
            }
            let server = try await PrivatePostgres.start(durable: false)
            guard let pooler = try await pooler(before: server) else { return server }
            return PooledPostgres(server: server, pooler: pooler)
        }
    }

    /// Starts a pgbouncer before a private PostgreSQL if this run is to have one.
    package static func pooler(
        before server: PrivatePostgres
    ) async throws(TestingError) -> PrivatePooler? {
        guard ProcessInfo.processInfo.environment["TASQ_TEST_POOLER"] != nil else { return nil }
        return try await PrivatePooler.start(before: server, poolSize: 20, users: ["hand"])
    }

    /// The Redis of this run, for many tests at once: flush nothing, use your own key prefix.
    public static func redis() async throws(TestingError) -> any RedisServer {
        try await sharedRedis.value { () async throws(TestingError) in
            if let url = ProcessInfo.processInfo.environment["TASQ_TEST_REDIS"] {
                return GivenRedis(url: url)
            }
            return try await PrivateRedis.start()
        }
    }
}

/// A private PostgreSQL that is reached through a pgbouncer.
private struct PooledPostgres: PostgresServer {
    let server: PrivatePostgres
    let pooler: PrivatePooler

    func url(database: String) -> String { pooler.url(database: database) }
    func directURL(database: String) -> String { server.url(database: database) }
}

/// A PostgreSQL somebody else runs.
private struct GivenPostgres: PostgresServer {
    private let components: URLComponents

    init(url: String) throws(TestingError) {
        guard let components = URLComponents(string: url), components.host != nil else {
            throw .failed("TASQ_TEST_POSTGRES is not a URL like postgres://user@host:5432/postgres")
        }
        self.components = components
    }

    func url(database: String) -> String {
        var components = components
        components.path = "/" + database
        return components.string ?? ""
    }
}

/// A Redis somebody else runs.
private struct GivenRedis: RedisServer {
    let url: String
}
