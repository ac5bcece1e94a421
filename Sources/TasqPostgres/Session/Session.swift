package import Logging
import Synchronization
package import Tasq

/// One connection to PostgreSQL, on a thread of its own.
///
/// The actor's executor is that thread, so whatever libpq waits for blocks nobody else. It
/// connects on first use, and anew after the connection was lost or had to be discarded: one that
/// died while idle costs its next user nothing but the time of a reconnect. Nothing is left in
/// the session that a transaction pooler would break.
package actor Session {
    /// How much longer than the statement timeout an answer may take before the server counts as
    /// gone; the server's own timeout comes first wherever it still works.
    private static let answerGrace: Duration = .seconds(5)

    /// Bytes of parameters behind which a connection is closed: libpq keeps the buffer of its largest
    /// statement for as long as it is connected.
    private static let keptBytes = 8_388_608

    private let settings: PostgresSettings
    private let logger: Logger
    /// The thread of this session; see `unownedExecutor`.
    nonisolated let executor: ThreadExecutor
    private let hasConnection = Atomic(false)
    private var isClosed = false
    private var connection: Connection? {
        didSet { hasConnection.store(connection != nil, ordering: .relaxed) }
    }

    /// Connects to nothing yet.
    package init(settings: PostgresSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        executor = ThreadExecutor(name: "tasq-postgres")
    }

    deinit {
        executor.stop()
    }

    /// Whether there is a connection, as far as this side knows.
    package nonisolated var isConnected: Bool { hasConnection.load(ordering: .relaxed) }

    /// Whether a pooler stands between; known once connected.
    package var isPooled: Bool { connection?.isPooled ?? settings.assumesPooler }

    /// Runs one statement in a transaction of its own.
    ///
    /// A connection that dies while the statement is under way makes the outcome
    /// ``StoreError/unknown(_:)``, whatever the statement was.
    package func run(
        _ statement: Statement, _ parameters: Parameters
    ) throws(StoreError) -> Rows {
        let connection = try standingConnection()
        let wasPrepared = connection.prepared.contains(statement.name)
        defer { if parameters.bytes.count > Self.keptBytes { self.connection = nil } }
        do throws(Connection.Failure) {
            return try connection.run(
                statement, parameters, prepares: !connection.isPooled,
                until: .now + settings.statementTimeout + Self.answerGrace)
        } catch {
            // A plan made before a migration may not fit any more; a new session plans anew.
            if wasPrepared, case .refused(let refusal) = error, refusal.sqlState == "0A000" {
                self.connection = nil
                throw .unavailable("postgres \(settings.safeDescription): \(refusal.message)")
            }
            throw conclude(error)
        }
    }

    /// Runs several statements given as one text; for migrations, which have no time limit.
    @discardableResult
    package func script(_ sql: String) throws(StoreError) -> Rows {
        let connection = try standingConnection()
        do throws(Connection.Failure) {
            return try connection.script(sql, until: nil)
        } catch {
            throw conclude(error)
        }
    }

    /// Connects unless there is a connection that stands.
    package func connect() throws(StoreError) {
        _ = try standingConnection()
    }

    /// Closes the connection if a transaction was left open on it.
    package func tidyUp() {
        if let connection, !connection.isIdle { self.connection = nil }
    }

    /// Closes the connection and ends the thread; every later call is refused.
    package func close() {
        isClosed = true
        connection = nil
        executor.stop()
    }

    private func standingConnection() throws(StoreError) -> Connection {
        if let connection, connection.stillStands() { return connection }
        connection = nil
        guard !isClosed else { throw .unavailable("the connection to PostgreSQL is closed") }
        let opened = try Connection.open(
            to: settings.target(), timeout: settings.connectTimeout, limits: settings.limits,
            assumesPooler: settings.assumesPooler)
        logger.debug("connected to postgres \(settings.safeDescription)")
        connection = opened
        return opened
    }

    private func conclude(_ failure: Connection.Failure) -> StoreError {
        if !failure.keepsConnection { connection = nil }
        return .from(failure, at: settings.safeDescription)
    }
}
