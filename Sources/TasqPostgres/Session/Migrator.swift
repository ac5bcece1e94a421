package import Logging
package import Tasq

/// One step of the schema's history: the text of one file `SQL/migrations/NNNN_name.sql`.
package struct Migration: Sendable, Hashable {
    /// Counted from 1, without gaps.
    package let number: Int
    package let name: String
    /// Any number of statements; they run in one transaction of the migrator's.
    package let text: String
    /// The oldest program that works on what this leaves, by the newest migration it knows. Older
    /// ones refuse to.
    package let oldest: Int

    package init(number: Int, name: String, text: String, oldest: Int) {
        self.number = number
        self.name = name
        self.text = text
        self.oldest = oldest
    }
}

/// Brings the schema up to date, forward only, one transaction for each migration.
///
/// Any number of processes may migrate at once. Each takes the same transaction-level advisory
/// lock, which a pooler cannot break, and looks at the version again once it has it: the first one
/// applies, the others find nothing to do.
package struct Migrator: Sendable {
    private let settings: PostgresSettings
    private let migrations: [Migration]
    private let logger: Logger

    /// `migrations` in order: 1, 2, 3, …
    package init(settings: PostgresSettings, migrations: [Migration], logger: Logger) {
        precondition(
            migrations.map(\.number) == Array(1..<(migrations.count + 1)),
            "migrations are numbered from 1 without gaps")
        self.settings = settings
        self.migrations = migrations
        self.logger = logger
    }

    /// The database's version, 0 without a schema; this program's; what is still to do; and the
    /// version of the oldest program that may work on the schema.
    package func status() async throws(StoreError) -> (
        current: Int, newest: Int, pending: [Migration], oldest: Int
    ) {
        let versions = try await withSession { session async throws(StoreError) -> [Int] in
            [try await self.version(session), try await self.oldest(session)]
        }
        let newest = migrations.count
        return (versions[0], newest, Array(migrations.dropFirst(versions[0])), versions[1])
    }

    /// Applies what is missing and returns what this call applied, in order: nothing to a newer
    /// schema, which must be one that this program may work on.
    package func migrate() async throws(StoreError) -> [Migration] {
        try await withSession { session async throws(StoreError) in
            var applied: [Migration] = []
            while true {
                let current = try await self.version(session)
                guard current < self.migrations.count else {
                    let oldest = try await self.oldest(session)
                    if oldest > self.migrations.count { throw self.tooNew(current) }
                    return applied
                }
                let next = self.migrations[current]
                guard try await self.apply(next, session) else { continue }
                self.logger.info("applied migration \(next.label)")
                applied.append(next)
            }
        }
    }

    /// Throws ``StoreError/misconfigured(_:)`` unless the database has this program's version, or a
    /// newer one that breaks nothing this program knows.
    package func requireCurrent() async throws(StoreError) {
        let (current, newest, _, oldest) = try await status()
        if oldest > newest { throw tooNew(current) }
        guard current >= newest else {
            throw .misconfigured(
                "postgres \(settings.safeDescription): schema is at version \(current), "
                    + "this program needs \(newest): run `tasq migrate`")
        }
    }

    /// Applies one migration in a transaction; `false` when somebody else was faster.
    private func apply(
        _ migration: Migration, _ session: Session
    ) async throws(StoreError) -> Bool {
        do throws(StoreError) {
            // Waiting for the others must not count as a lock that takes too long.
            try await session.script(
                """
                BEGIN ISOLATION LEVEL READ COMMITTED;
                SET LOCAL lock_timeout = 0;
                SET LOCAL statement_timeout = 0;
                SET LOCAL idle_in_transaction_session_timeout = 0;
                SELECT pg_advisory_xact_lock(\(lockKey))
                """)
            guard try await version(session) == migration.number - 1 else {
                try await session.script("ROLLBACK")
                return false
            }
            if migration.number == 1 {
                if try await !has(findSchema, session) {
                    try await session.script("CREATE SCHEMA \(settings.schema)")
                }
                try await session.script(createVersionTable)
            }
            try await session.script(migration.text)
            var parameters = Parameters()
            parameters.append(Int64(migration.number))
            parameters.append(migration.name)
            if try await has(findOldest, session) {
                parameters.append(Int64(migration.oldest))
                _ = try await session.run(recordOldest, parameters)
            } else {
                _ = try await session.run(recordVersion, parameters)
            }
            try await session.script("COMMIT")
            return true
        } catch {
            throw error.during("migration \(migration.label)")
        }
    }

    private func version(_ session: Session) async throws(StoreError) -> Int {
        guard try await has(findVersionTable, session) else { return 0 }
        return try await session.run(readVersion, Parameters())[0].at(0)
    }

    /// Before migrations said it, each program worked on its own version alone.
    private func oldest(_ session: Session) async throws(StoreError) -> Int {
        guard try await has(findOldest, session) else { return try await version(session) }
        return try await session.run(readOldest, Parameters())[0].at(0)
    }

    private func has(
        _ question: Statement, _ session: Session
    ) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(settings.schema)
        return try await session.run(question, parameters).count > 0
    }

    // These read the catalogue's tables, not `to_regclass` and its kind: those may answer from a
    // cache that has not heard of what others committed while this transaction waited.

    private var findSchema: Statement {
        Statement(
            name: "tasq_schema_find",
            text: "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::text")
    }

    private var findVersionTable: Statement {
        Statement(
            name: "tasq_schema_find_version",
            text: """
                SELECT 1 FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = $1::text AND c.relname = 'schema_version'
                """)
    }

    private var findOldest: Statement {
        Statement(
            name: "tasq_schema_find_oldest",
            text: """
                SELECT 1 FROM pg_catalog.pg_attribute AS a
                JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = $1::text AND c.relname = 'schema_version'
                    AND a.attname = 'oldest' AND NOT a.attisdropped
                """)
    }

    private var createVersionTable: String {
        """
        CREATE TABLE IF NOT EXISTS \(settings.schema).schema_version (
            number integer PRIMARY KEY,
            name text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    }

    private var readVersion: Statement {
        Statement(
            name: "tasq_schema_version",
            text: "SELECT coalesce(max(number), 0) FROM \(settings.schema).schema_version")
    }

    private var recordVersion: Statement {
        Statement(
            name: "tasq_schema_record",
            text: "INSERT INTO \(settings.schema).schema_version (number, name) "
                + "VALUES ($1::bigint, $2::text)")
    }

    private var readOldest: Statement {
        Statement(
            name: "tasq_schema_oldest",
            text: "SELECT coalesce(max(coalesce(oldest, number)), 0) "
                + "FROM \(settings.schema).schema_version")
    }

    private var recordOldest: Statement {
        Statement(
            name: "tasq_schema_record_oldest",
            text: "INSERT INTO \(settings.schema).schema_version (number, name, oldest) "
                + "VALUES ($1::bigint, $2::text, $3::bigint)")
    }

    /// The same for every process that migrates this schema: FNV-1a of its name.
    private var lockKey: Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in ("tasq migrates " + settings.schema).utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return Int64(bitPattern: hash)
    }

    private func tooNew(_ current: Int) -> StoreError {
        .misconfigured(
            "postgres \(settings.safeDescription): schema is at version \(current), "
                + "this program knows \(migrations.count): run a newer tasq")
    }

    private func withSession<Result: Sendable>(
        _ body: (Session) async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let session = Session(settings: settings, logger: logger)
        do throws(StoreError) {
            let result = try await body(session)
            await session.close()
            return result
        } catch {
            // An open transaction ends with its connection.
            await session.close()
            throw error
        }
    }
}

extension Migration {
    /// As its file is named, as in `0002_enqueue`.
    package var label: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "_" + name
    }
}

extension StoreError {
    /// The same error, saying what was being done.
    fileprivate func during(_ action: String) -> StoreError {
        switch self {
        case .unavailable(let reason): .unavailable("\(action): \(reason)")
        case .contended(let reason): .contended("\(action): \(reason)")
        case .unknown(let reason): .unknown("\(action): \(reason)")
        case .rejected(let state, let reason): .rejected(sqlState: state, "\(action): \(reason)")
        case .denied(let reason): .denied("\(action): \(reason)")
        case .misconfigured(let reason): .misconfigured("\(action): \(reason)")
        case .unreadable(let reason): .unreadable("\(action): \(reason)")
        }
    }
}
