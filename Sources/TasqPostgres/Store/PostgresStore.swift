import FoundationEssentials
public import Logging
public import Tasq

/// The truth: jobs, claims and workers in PostgreSQL.
///
/// One object serves a whole process: its pool opens connections as they are needed and discards
/// broken ones. Every write is idempotent by ids made outside, so a write whose answer got lost is
/// simply repeated. Close it when the last user is done.
public final class PostgresStore: JobStore, Catalog {
    let statements: Statements
    let settings: PostgresSettings
    let pool: SessionPool
    let logger: Logger

    /// Connects to nothing yet: the first call does.
    public convenience init(_ settings: PostgresSettings, logger: Logger) {
        self.init(settings, logger: logger, editing: { $0 })
    }

    /// With other statements than those of the files: for tests that put a known mistake back.
    package init(
        _ settings: PostgresSettings, logger: Logger, editing edit: (Statement) -> Statement
    ) {
        self.settings = settings
        self.logger = logger
        statements = Statements(schema: settings.schema, editing: edit)
        pool = SessionPool(settings: settings, size: settings.poolSize, logger: logger)
    }

    /// A store where `DATABASE_URL` says, in the schema `TASQ_SCHEMA` or `tasq`.
    ///
    /// - Throws: `StoreError.misconfigured(_:)` when the variable is missing or no such URL.
    public static func fromEnvironment(
        logger: Logger = Logger(label: "tasq")
    ) throws(StoreError) -> PostgresStore {
        let environment = ProcessInfo.processInfo.environment
        let settings = try PostgresSettings(
            url: environment["DATABASE_URL"] ?? "", schema: environment["TASQ_SCHEMA"] ?? "tasq")
        return PostgresStore(settings, logger: logger)
    }

    /// What the pool has done since it was made, and its state.
    public var metrics: [Metric] { pool.metrics }

    /// Whether the pool has said so.
    public var isAway: Bool { pool.isOut }

    /// Closes every connection of the pool.
    public func close() async {
        await pool.close()
    }

    /// One statement without a table.
    public func ping() async throws(StoreError) {
        _ = try await pool.run(statements.ping, Parameters())
    }

    /// Brings the schema up to date and returns the names of the migrations that were applied.
    ///
    /// Safe to call from several processes at once: one applies, the others find nothing to do. So
    /// does a program on a newer schema that breaks nothing it knows.
    ///
    /// A migration that does not get a lock at once lets others pass, warns and is tried again. One that has
    /// not got it within `patience` throws `StoreError.contended(_:)`, and nothing of it is done.
    @discardableResult
    public func migrate(patience: Duration = .seconds(600)) async throws(StoreError) -> [String] {
        try await migrate(patience: patience) { logger.warning("\($0)") }
    }

    /// The same, with each warning given to `tell`.
    package func migrate(
        patience: Duration, telling tell: (String) -> Void
    ) async throws(StoreError) -> [String] {
        let applied = try await migrator.migrate(patience: patience, telling: tell).map(\.name)
        try await renewGrants()
        return applied
    }

    /// Throws `StoreError.misconfigured(_:)` unless the schema is the one this program knows, or a
    /// newer one that breaks nothing of it.
    public func requireCurrentSchema() async throws(StoreError) {
        try await migrator.requireCurrent()
    }

    package var migrator: Migrator {
        Migrator(
            settings: settings, migrations: Migration.all(schema: settings.schema), logger: logger)
    }
}
