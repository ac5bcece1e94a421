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
        let checkups = try await pool.run(statements.checkup, Parameters()).read {
            row throws(StoreError) in
            try Checkup(
                version: row.next(), isStandby: row.next(), clock: row.next(),
                maxConnections: row.next(), reservedConnections: row.next(),
                usedConnections: row.next(), fsync: row.next(), synchronousCommit: row.next(),
                autovacuum: row.next(), seesAllSessions: row.next(), workers: row.next(),
                silentWorkers: row.next(),
                sinceAnalyze: row.next(Int64?.self).map { .seconds($0) },
                changedSinceAnalyze: row.next(Int?.self) ?? 0,
                isolation: row.next(String?.self) ?? "read committed")
        }
        guard let checkup = checkups.first else {
            throw .unavailable("postgres told nothing of itself")
        }
        return checkup
    }

    /// One statement that locks nothing.
    public func unknownKinds() async throws(StoreError) -> [UnknownKind] {
        try await pool.run(statements.unknownKinds, Parameters()).read { row throws(StoreError) in
            try UnknownKind(queue: row.next(), kind: row.next(), jobs: row.next())
        }
    }

    /// One statement over the system's own tables.
    public func tableSizes() async throws(StoreError) -> [TableSize] {
        try await pool.run(statements.tableSizes, Parameters()).read { row throws(StoreError) in
            try TableSize(table: row.next(), bytes: row.next())
        }
    }

    /// The oldest first, at most ten.
    package func vacuumHolders() async throws(StoreError) -> [VacuumHolder] {
        try await pool.run(statements.vacuumHolders, Parameters()).read { row throws(StoreError) in
            try VacuumHolder(
                what: row.next(), name: row.next(), processID: row.next(), state: row.next(),
                since: row.next(), queryStart: row.next(),
                age: row.next(Int64?.self).map { .seconds($0) }, query: row.next())
        }
    }
}
