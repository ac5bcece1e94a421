import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// A migration of a table that somebody reads for hours, as a dump does.
@Suite(.medium) struct MigratorLockTests {
    private static let later = Migration(
        number: Migration.all(schema: "tasq").count + 1, name: "later",
        text: "ALTER TABLE tasq.worker ADD COLUMN later text", oldest: 1)

    @Test(arguments: [false, true])
    func `Claims and heartbeats go on while a migration waits, and it is in once the reader ends`(
        isPooled: Bool
    ) async throws {
        try await withReader { store, reader, database in
            var settings = try PostgresSettings(url: database.directURL).patient
            settings.assumesPooler = isPooled
            let migrator = migrator(settings)
            let known = try await migrator.status().current
            let worker = try await store.registeredWorker()
            let told = Record<String>()
            try await withThrowingTaskGroup(of: [Migration].self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await migrator.migrate(patience: .seconds(3600)) { told.append($0) }
                    }
                }
                for tries in 1...2 {
                    try await eventually("it was tried") { told.all.count >= tries }
                    let id = try await store.job()
                    let claimed = try await store.claim([id], for: worker, from: defaultQueues)
                    #expect(claimed.map(\.id) == [id])
                    var beat = Parameters()
                    beat.append(worker)
                    beat.append(false)
                    beat.append(String?.none)
                    #expect(try await store.pool.run(store.statements.beat, beat).affected == 1)
                }
                let process = try await database.execute(
                    """
                    SELECT pid FROM pg_stat_activity
                    WHERE application_name = 'a dump' AND datname = current_database()
                    """)
                try await eventually("it says who holds the lock") {
                    told.all.contains {
                        $0.contains("migration \(Self.later.label)")
                            && $0.contains("process \(process) a dump")
                    }
                }
                #expect(try await migrator.status().current == known)
                await reader.close()
                let applied = try await group.reduce(into: [Migration]()) { $0 += $1 }
                #expect(applied == [Self.later])
            }
            #expect(try await migrator.status().current == known + 1)
            #expect(try await columns(in: database) == "1")
        }
    }

    @Test func `A migration that gets no lock in time is contended and leaves nothing behind`()
        async throws
    {
        try await withReader { _, _, database in
            let migrator = migrator(try PostgresSettings(url: database.directURL).patient)
            let told = Record<String>()
            let error = await failure { () throws(StoreError) in
                try await migrator.migrate(patience: .zero) { told.append($0) }
            }
            #expect(error?.word == "contended")
            #expect(error.map { "\($0)".contains("given up after") } == true)
            #expect(told.all == [])
            #expect(try await migrator.status().pending == [Self.later])
            #expect(try await columns(in: database) == "0")
        }
    }

    private func migrator(_ settings: PostgresSettings) -> Migrator {
        Migrator(
            settings: settings, migrations: Migration.all(schema: "tasq") + [Self.later],
            logger: quiet)
    }

    private func columns(in database: TestDatabase) async throws -> String {
        try await database.execute(
            """
            SELECT count(*) FROM pg_attribute
            WHERE attrelid = 'tasq.worker'::regclass AND attname = 'later'
            """)
    }

    /// Runs a test while somebody reads `tasq.worker` and does not end.
    private func withReader(
        _ body: (PostgresStore, Session, TestDatabase) async throws -> Void
    ) async throws {
        try await withStore { store, database in
            let url = database.directURL
            var settings = try PostgresSettings(url: url).patient
            settings.applicationName = "a dump"
            // Ends what would wait for it for ever.
            settings.idleInTransactionTimeout = .seconds(120)
            let reader = Session(settings: settings, logger: quiet)
            do {
                try await reader.script("BEGIN; LOCK TABLE tasq.worker IN ACCESS SHARE MODE")
                try await body(store, reader, database)
            } catch {
                await reader.close()
                throw error
            }
            await reader.close()
        }
    }
}
