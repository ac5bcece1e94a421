import Tasq

extension Connection {
    /// The oldest server this program's SQL runs on.
    private static let oldestVersion = 140_000
    /// How long the questions right after connecting may take.
    private static let greetingTimeout: Duration = .seconds(5)

    /// What a session is told once, where it belongs to us alone.
    struct Limits {
        var statement: Duration
        var lock: Duration
        var idleInTransaction: Duration
    }

    /// Connects, finds out whether a pooler stands between, and sets `limits` where none does.
    static func open(
        to target: ConnectionTarget, timeout: Duration, limits: Limits, assumesPooler: Bool,
        interrupt: Interrupt? = nil
    ) throws(StoreError) -> Connection {
        let place = target.safeDescription
        let connection: Connection
        do {
            connection = try Connection(to: target, timeout: timeout, interrupt: interrupt)
        } catch {
            throw .connecting(error, at: place, forbidsTLS: target.forbidsTLS)
        }
        guard connection.serverVersion >= oldestVersion else {
            throw .misconfigured(
                "postgres \(place): the server is version \(connection.serverVersion / 10_000); "
                    + "14 or newer is needed")
        }
        guard ["UTF8", ""].contains(connection.databaseEncoding) else {
            throw .misconfigured(
                "postgres \(place): the database's encoding is \(connection.databaseEncoding), and "
                    + "tasq needs UTF8: make one WITH ENCODING 'UTF8' TEMPLATE template0")
        }
        do throws(Failure) {
            connection.isPooled = try connection.greet() || assumesPooler
            guard !connection.isPooled else { return connection }
            _ = try connection.script(limits.sql, until: .now + greetingTimeout)
            connection.saysIsolation = false
            return connection
        } catch {
            switch error {
            case .refused(let error): throw .connecting(error, at: place)
            case .lostBefore(let reason), .lostAfter(let reason):
                throw .unavailable("postgres \(place): \(reason)")
            }
        }
    }

    /// Says whether a pooler stands between, which announces a process of its own making where the
    /// server knows its real one, and learns what isolation transactions begin with.
    private func greet() throws(Failure) -> Bool {
        let question = Statement(
            name: "",
            text: "SELECT pg_backend_pid(), current_setting('default_transaction_isolation')")
        let rows = try run(
            question, Parameters(), prepares: false, until: .now + Self.greetingTimeout)
        let isolation = try? rows.first?.at(1, as: String.self)
        let process = try? rows.first?.at(0, as: Int64.self)
        saysIsolation = isolation != "read committed"
        return process != Int64(announcedProcess)
    }
}

extension Connection.Limits {
    /// The claim relies on READ COMMITTED, whatever the role's default is, and a session that listens
    /// or waits for work is idle for as long as there is none. Plans are kept for the
    /// length of a session, and one made while `executing_job` was small would go on reading all of
    /// it while it bloats: 100 settlements then cost a walk over every dead claim. Without sequential
    /// scans the primary keys are used from the first row on; just-in-time compilation is off because
    /// the planner's penalty for a scan that cannot be avoided would set it off.
    fileprivate var sql: String {
        """
        SET statement_timeout = \(max(1, statement.inMilliseconds));
        SET lock_timeout = \(max(1, lock.inMilliseconds));
        SET idle_in_transaction_session_timeout = \(max(1, idleInTransaction.inMilliseconds));
        SET idle_session_timeout = 0;
        SET default_transaction_isolation = 'read committed';
        SET enable_seqscan = off;
        SET jit = off;
        \(Connection.planning(isAnew: false))
        """
    }
}

extension PostgresSettings {
    /// The limits of an ordinary session.
    var limits: Connection.Limits {
        Connection.Limits(
            statement: statementTimeout, lock: lockTimeout,
            idleInTransaction: idleInTransactionTimeout)
    }
}

extension StoreError {
    /// What a statement's failure means to the caller.
    static func from(_ failure: Connection.Failure, at place: String) -> StoreError {
        switch failure {
        case .refused(let error): .from(error, at: place)
        case .lostBefore(let reason): .unavailable("postgres \(place): \(reason)")
        case .lostAfter(let reason): .unknown("postgres \(place): \(reason)")
        }
    }
}

extension Connection.Failure {
    /// Whether the connection may be used again.
    var keepsConnection: Bool {
        switch self {
        case .refused(let error): !error.discardsConnection
        case .lostBefore, .lostAfter: false
        }
    }
}
