import Foundation
import Synchronization

/// A fresh database of a test's own, cloned from a migrated template, and a key prefix of its own.
///
/// The template is made once per process and name. Cloning takes tens of milliseconds, so every
/// test can have one. A few tests for each core have theirs at a time, the others wait.
public struct TestDatabase: Sendable {
    /// The database's name.
    public let name: String
    /// The server it is in.
    public let server: any PostgresServer

    /// The connection URI.
    public var url: String { server.url(database: name) }

    /// The connection URI past a pooler, for what asks for a session of its own.
    public var directURL: String { server.directURL(database: name) }

    /// A prefix for Redis keys that no other test uses.
    public var keyPrefix: String { name }

    /// Runs the body with a fresh database and drops it afterwards, whatever happens.
    ///
    /// - Parameters:
    ///   - template: A name for what `migrate` makes. The first use of a name in this process runs
    ///     `migrate`, later ones clone the result.
    ///   - migrate: Gets the URI of an empty database and brings it to where tests begin. It must
    ///     have closed its connections when it returns.
    ///   - body: The test.
    public static func with<Result>(
        template: String = "tasq", migrate: @concurrent @Sendable (String) async throws -> Void,
        _ body: (TestDatabase) async throws -> Result
    ) async throws -> Result {
        try await Turnstile.forTests.pass {
            let database = try await make(template: template, migrate: migrate)
            do {
                let result = try await body(database)
                try await database.drop()
                return result
            } catch {
                try await database.drop()
                throw error
            }
        }
    }

    // @concurrent, here and where the library takes a handler: what a function is in packages that are
    // built without NonisolatedNonsendingByDefault, so that one may be given by its name.

    /// Makes a fresh database; the caller drops it. See `with(template:migrate:_:)`.
    public static func make(
        template: String = "tasq", migrate: @concurrent @Sendable (String) async throws -> Void
    ) async throws -> TestDatabase {
        try Turnstile.check("a database")
        let server = try await TestServers.postgres()
        let source = try await Templates.name(of: template, in: server, migrate: migrate)
        let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(16)
        try await server.createDatabase(name, template: source)
        return TestDatabase(name: name, server: server)
    }

    /// Runs SQL in it through `psql` and returns the rows, one a line, columns divided by `|`.
    @discardableResult
    public func execute(_ sql: String) async throws(TestingError) -> String {
        try await server.execute(sql, in: name)
    }

    /// Drops it, with whoever is still connected.
    public func drop() async throws(TestingError) {
        try await server.dropDatabase(name)
    }
}

/// The migrated databases that tests clone.
private enum Templates {
    private static let made = Mutex<[String: Once<String>]>([:])

    static func name(
        of label: String, in server: any PostgresServer,
        migrate: @concurrent @Sendable (String) async throws -> Void
    ) async throws -> String {
        let once = made.withLock { made in
            if let known = made[label] { return known }
            let new = Once<String>()
            made[label] = new
            return new
        }
        return try await once.value {
            let name = "tasq_template_\(label)_\(ProcessInfo.processInfo.processIdentifier)"
            try await server.dropDatabase(name)
            try await server.createDatabase(name)
            try await migrate(server.directURL(database: name))
            // From here on nobody, not even autovacuum's launcher, keeps a copy from being made.
            try await server.execute("ALTER DATABASE \"\(name)\" ALLOW_CONNECTIONS false")
            return name
        }
    }
}
