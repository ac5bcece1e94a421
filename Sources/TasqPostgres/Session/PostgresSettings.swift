public import Tasq

/// Where PostgreSQL is and how to talk to it.
///
/// Printing it shows host, port and database, never the password.
public struct PostgresSettings: Sendable {
    /// A libpq URI or `key=value` string; several hosts, `sslmode` and `target_session_attrs` work.
    /// It may hold a password: do not print it.
    public let url: String
    /// The schema that holds every table; lower-case letters, digits and `_`.
    public let schema: String
    /// What `pg_stat_activity` shows for these connections.
    public var applicationName = "tasq"
    /// The most connections one pool opens.
    public var poolSize = 10
    /// How long a caller waits for a free connection before it is told that there is none.
    public var patience: Duration = .seconds(2)
    /// How long one address may take to answer a connection attempt; 2 seconds or more.
    public var connectTimeout: Duration = .seconds(3)
    /// How long a statement may run; on direct connections the server ends it.
    public var statementTimeout: Duration = .seconds(10)
    /// How long a statement waits for a lock; behind a pooler only enqueues, events, replays and retries.
    public var lockTimeout: Duration = .seconds(2)
    /// How long a transaction may stand idle; direct connections only.
    public var idleInTransactionTimeout: Duration = .seconds(10)
    /// Treats every connection as pooled, for a pooler that hides itself.
    public var assumesPooler = false

    /// Throws `StoreError.misconfigured(_:)` for a url libpq cannot read, which is never echoed,
    /// or a schema name that would need quoting.
    ///
    /// Behind a transaction pooler nothing is set on the session: give the role its
    /// `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` instead.
    public init(url: String, schema: String = "tasq") throws(StoreError) {
        guard !url.isEmpty, let parts = ConnectionString(url) else {
            throw .misconfigured(
                "DATABASE_URL is not a PostgreSQL URL: write postgres://user:password@host/database"
            )
        }
        // libpq would take the rest of the password for a host and show it in its errors.
        guard parts["host"]?.contains("@") != true else {
            throw .misconfigured(
                "DATABASE_URL has an @ in its user or password: percent-encode it as %40")
        }
        guard Self.isPlainIdentifier(schema) else {
            throw .misconfigured(
                "schema must be 1 to 63 of the characters a-z 0-9 _ and not start with a digit")
        }
        self.url = url
        self.schema = schema
    }

    /// `host:port/database`, several hosts separated by commas; no user, no password.
    public var safeDescription: String {
        ConnectionString(url)?.safeDescription ?? "unreadable url"
    }

    /// Whether the text can stand unquoted in SQL as a name.
    static func isPlainIdentifier(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count), let first = text.utf8.first else { return false }
        let isDigit = { (byte: UInt8) in (48...57).contains(byte) }
        return !isDigit(first)
            && text.utf8.allSatisfy { (97...122).contains($0) || isDigit($0) || $0 == 95 }
    }
}

extension PostgresSettings: CustomStringConvertible, CustomReflectable {
    /// The same, as in a message: `postgres host:port/database`.
    public var description: String { "postgres \(safeDescription)" }

    /// Keeps `dump` and debuggers from showing the password.
    public var customMirror: Mirror { Mirror(self, children: ["at": safeDescription]) }
}

extension PostgresSettings {
    /// Connection parameters. Keepalives and `tcp_user_timeout` turn a cut cable from a matter of
    /// many minutes into one of seconds; the user's own values win.
    func target(
        connectTimeout: Duration? = nil, userTimeout: Duration = .seconds(10)
    ) throws(StoreError) -> ConnectionTarget {
        // libpq takes whole seconds and no fewer than two.
        let seconds = max(2, (connectTimeout ?? self.connectTimeout).components.seconds)
        let target = ConnectionTarget(
            url: url,
            defaults: [
                ("connect_timeout", "\(seconds)"),
                ("keepalives", "1"),
                ("keepalives_idle", "5"),
                ("keepalives_interval", "2"),
                ("keepalives_count", "3"),
                ("tcp_user_timeout", "\(max(1, userTimeout.inMilliseconds))"),
                ("application_name", applicationName),
            ],
            overrides: [("client_encoding", "UTF8")])
        guard let target else { throw .misconfigured("DATABASE_URL is not a PostgreSQL URL") }
        return target
    }
}

extension Duration {
    /// The length in whole milliseconds, saturating.
    var inMilliseconds: Int64 { inMicroseconds / 1000 }
}
