public import Tasq

/// What a server's settings, its connections and its statistics mean for a queue.
package struct Checkup: Sendable {
    /// As in 150020.
    package let version: Int
    package let isStandby: Bool
    package let clock: Timestamp
    package let maxConnections: Int
    /// Of those, for superusers only.
    package let reservedConnections: Int
    package let usedConnections: Int
    package let fsync: String
    package let synchronousCommit: String
    package let autovacuum: String
    /// Whether sessions of other users show what they hold back.
    package let seesAllSessions: Bool
    package let workers: Int
    /// Of those, silent for longer than their lease.
    package let silentWorkers: Int
    /// How long ago PostgreSQL last took statistics of the jobs; `nil` for never.
    package let sinceAnalyze: Duration?
    /// Rows of jobs written since then.
    package let changedSinceAnalyze: Int
    /// With which isolation this user's transactions in this database begin.
    package let isolation: String
}

/// Whoever keeps vacuum from removing dead rows.
package struct VacuumHolder: Sendable {
    /// `session`, `prepared transaction` or `replication slot`.
    package let what: String
    package let name: String
    package let processID: Int?
    package let state: String?
    package let since: Timestamp?
    package let queryStart: Timestamp?
    /// How old its transaction is; `nil` for a slot, which has no age.
    package let age: Duration?
    /// How its query begins, up to the first literal.
    package let query: String?

    package init(
        what: String, name: String, processID: Int?, state: String?, since: Timestamp?,
        queryStart: Timestamp?, age: Duration?, query: String?
    ) {
        self.what = what
        self.name = name
        self.processID = processID
        self.state = state
        self.since = since
        self.queryStart = queryStart
        self.age = age
        self.query = query
    }
}

extension PostgresStore {
    /// Where the server is, without secrets.
    package var place: String { settings.safeDescription }

    /// The size of this program's pool, beside which a worker has two connections of its own.
    package var poolSize: Int { settings.poolSize }

    /// One row of settings and counts.
    package func checkup() async throws(StoreError) -> Checkup {
        let rows = try await pool.run(statements.checkup, Parameters())
        guard let row = rows.first else { throw .unavailable("postgres told nothing of itself") }
        return Checkup(
            version: Int(row.int(0)), isStandby: row.bool(1), clock: row.time(2),
            maxConnections: Int(row.int(3)), reservedConnections: Int(row.int(4)),
            usedConnections: Int(row.int(5)), fsync: row.text(6), synchronousCommit: row.text(7),
            autovacuum: row.text(8), seesAllSessions: row.bool(9), workers: Int(row.int(10)),
            silentWorkers: Int(row.int(11)), sinceAnalyze: row.optionalInt(12).map { .seconds($0) },
            changedSinceAnalyze: Int(row.optionalInt(13) ?? 0),
            isolation: row.optionalText(14) ?? "read committed")
    }

    /// One statement that locks nothing.
    public func unknownKinds() async throws(StoreError) -> [UnknownKind] {
        try await pool.run(statements.unknownKinds, Parameters()).map { row in
            UnknownKind(
                queue: Name(unchecked: row.text(0)), kind: Name(unchecked: row.text(1)),
                jobs: Int(row.int(2)))
        }
    }

    /// One statement over the system's own tables.
    public func tableSizes() async throws(StoreError) -> [TableSize] {
        try await pool.run(statements.tableSizes, Parameters()).map { row in
            TableSize(table: row.text(0), bytes: row.int(1))
        }
    }

    /// The oldest first, at most ten.
    package func vacuumHolders() async throws(StoreError) -> [VacuumHolder] {
        try await pool.run(statements.vacuumHolders, Parameters()).map { row in
            VacuumHolder(
                what: row.text(0), name: row.text(1), processID: row.optionalInt(2).map { Int($0) },
                state: row.optionalText(3), since: row.optionalTime(4),
                queryStart: row.optionalTime(5), age: row.optionalInt(6).map { .seconds($0) },
                query: row.optionalText(7))
        }
    }
}
