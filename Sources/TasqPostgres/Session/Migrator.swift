package import Logging
package import Tasq

/// Brings the schema up to date, forward only, one transaction for each migration.
///
/// Any number of processes may migrate at once. Each takes the same transaction-level advisory
/// locks, which a pooler cannot break, and looks at the version again once it has them: the first one
/// applies, the others find nothing to do.
///
/// Whoever waits for a lock on a table holds up all who come after, and a dump may hold it for hours.
/// So a migration waits for a moment only, is undone, pauses and is tried again.
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
    ///
    /// `tell` gets a line after each try that did not get a lock. A migration that has not got it within
    /// `patience` ends with ``StoreError/contended(_:)``.
    package func migrate(
        patience: Duration = .seconds(600), telling tell: (String) -> Void = { _ in }
    ) async throws(StoreError) -> [Migration] {
        try await withSession { session async throws(StoreError) -> [Migration] in
            try await self.withSession { turn async throws(StoreError) -> [Migration] in
                var applied: [Migration] = []
                var hasTurn = false
                while true {
                    let current = try await self.version(session)
                    guard current < self.migrations.count else {
                        let oldest = try await self.oldest(session)
                        if oldest > self.migrations.count { throw self.tooNew(current) }
                        return applied
                    }
                    guard hasTurn else {
                        try await self.take(turn)
                        hasTurn = true
                        continue
                    }
                    let next = self.migrations[current]
                    guard try await self.apply(next, session, turn, patience, tell) else {
                        continue
                    }
                    self.logger.info("applied migration \(next.label)")
                    applied.append(next)
                }
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

    /// Waits until nobody else migrates: taking turns, they would leave no pause between tries.
    ///
    /// The turn is a transaction that writes nothing, beside the one that migrates. Neither it nor the wait
    /// for it keeps anything from vacuum, and who waits keeps no connection of a pooler.
    private func take(_ turn: Session) async throws(StoreError) {
        let look = begin + "SELECT pg_try_advisory_xact_lock(\(lockKey &+ 1))::text"
        var pauses = Backoff(from: .milliseconds(50), to: .seconds(1))
        while try await turn.script(look)[0].at(0, as: String.self) != "true" {
            try await turn.script("ROLLBACK")
            guard await sleep(for: pauses.next()) else {
                throw .contended("postgres \(settings.safeDescription): somebody else migrates")
            }
        }
    }

    /// Tries to apply one migration for as long as it does not get a lock; `false` when somebody else
    /// was faster.
    private func apply(
        _ migration: Migration, _ session: Session, _ turn: Session, _ patience: Duration,
        _ tell: (String) -> Void
    ) async throws(StoreError) -> Bool {
        let start = ContinuousClock.now
        var pauses = Backoff(from: .seconds(1), to: .seconds(10))
        while true {
            do throws(StoreError) {
                return try await apply(migration, session, watch: turn)
            } catch {
                guard case .contended(let reason) = error else { throw error }
                let waited = ContinuousClock.now - start
                let left = patience - waited
                let time = DurationText.format(.seconds(waited.components.seconds))
                if left > .zero {
                    tell("\(reason), for \(time) so far: it is tried again")
                    if await sleep(for: min(pauses.next(), left)) { continue }
                }
                throw .contended(
                    "\(reason), given up after \(time), nothing of it was done: "
                        + "end who holds the lock, or wait, and run `tasq migrate` again")
            }
        }
    }

    /// Tries to apply one migration in a transaction; `false` when somebody else was faster. One that
    /// does not get a lock is undone. Meanwhile `watch` asks who holds it.
    private func apply(
        _ migration: Migration, _ session: Session, watch: Session
    ) async throws(StoreError) -> Bool {
        do throws(StoreError) {
            // Waiting for the others must not count as a lock that takes too long.
            try await session.script(begin + "SELECT pg_advisory_xact_lock(\(lockKey))")
            guard try await version(session) == migration.number - 1 else {
                try await session.script("ROLLBACK")
                return false
            }
            let process = try await session.script(limitWaits)[0].at(0, as: String.self)
            async let names = self.holders(before: process, watch)
            do throws(StoreError) {
                try await write(migration, session)
            } catch {
                guard case .contended = error else { throw error }
                try await session.script("ROLLBACK")
                let holders = await names
                throw StoreError.contended(
                    "postgres \(settings.safeDescription): waits for \(holders)")
            }
            return true
        } catch {
            throw error.during("migration \(migration.label)")
        }
    }

    /// What the migration does, its record, and the end of the transaction.
    private func write(_ migration: Migration, _ session: Session) async throws(StoreError) {
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
    }

    /// Who keeps a process of the server waiting, asked once it has waited for a moment.
    private func holders(before process: String, _ watch: Session) async -> String {
        guard await sleep(for: .milliseconds(250)) else { return "" }
        var parameters = Parameters()
        parameters.append(process)
        let names = try? await watch.run(findHolders, parameters).column(of: String.self)
        guard let names, !names.isEmpty else { return "others" }
        return names.joined(separator: ", ")
    }

    private var begin: String {
        """
        BEGIN ISOLATION LEVEL READ COMMITTED;
        SET LOCAL lock_timeout = 0;
        SET LOCAL statement_timeout = 0;
        SET LOCAL idle_in_transaction_session_timeout = 0;

        """
    }

    /// From here on a lock is waited for a moment only; answers the process of the server.
    ///
    /// An autovacuum gives way to who has waited for `deadlock_timeout`, never to who waits for less.
    private var limitWaits: String {
        """
        SELECT pg_backend_pid()::text,
            set_config('lock_timeout', (setting::bigint + 500)::text, TRUE)
        FROM pg_settings WHERE name = 'deadlock_timeout'
        """
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

    /// Nothing of what they run: there may be a payload in it.
    private var findHolders: Statement {
        Statement(
            name: "tasq_schema_holders",
            text: """
                SELECT CASE WHEN b.pid = 0 THEN 'a prepared transaction' ELSE
                    'process ' || b.pid || coalesce(' ' || nullif(a.application_name, ''), '')
                    || coalesce(to_char(a.query_start AT TIME ZONE 'UTC',
                        '" (statement of "YYYY-MM-DD"T"HH24:MI:SS"Z)"'), '') END
                FROM (SELECT DISTINCT unnest(pg_blocking_pids($1::text::integer)) AS pid) AS b
                LEFT JOIN pg_stat_activity AS a ON a.pid = b.pid
                ORDER BY b.pid LIMIT 5
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
