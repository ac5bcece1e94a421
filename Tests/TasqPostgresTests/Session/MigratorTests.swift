import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct MigratorTests {
    private let steps = (1...3).map { number in
        Migration(
            number: number, name: "step",
            text: """
                CREATE TABLE tasq.t\(number) (n int); SELECT pg_advisory_xact_lock_shared(1)
                """, oldest: 1)
    }

    @Test func `Ten processes at once apply each migration once`() async throws {
        try await withDatabase { database in
            let gate = Session(
                settings: try PostgresSettings(url: database.directURL).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            var settings = try PostgresSettings(url: database.directURL)
            settings.lockTimeout = .milliseconds(1)
            let migrator = Migrator(settings: settings, migrations: steps, logger: quiet)
            let applied = try await withThrowingTaskGroup(of: [Migration].self) { group in
                for _ in 0..<10 { group.addTask { try await migrator.migrate() } }
                // One is in the middle, for longer than a lock may take elsewhere.
                try await eventually("one waits") {
                    try await database.execute(
                        """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event = 'advisory'
                            AND now() - state_change > interval '2 ms'
                        """) == "1"
                }
                await gate.close()
                return try await group.reduce(into: [Int]()) { $0 += $1.map(\.number) }
            }
            #expect(applied.sorted() == [1, 2, 3])
            #expect(
                try await database.execute(
                    "SELECT number, name FROM tasq.schema_version ORDER BY number")
                    == "1|step\n2|step\n3|step")
            try await migrator.requireCurrent()
        }
    }

    @Test func `The status counts what is missing`() async throws {
        try await withDatabase { database in
            let settings = try PostgresSettings(url: database.directURL)
            let before = try await Migrator(settings: settings, migrations: steps, logger: quiet)
                .status()
            #expect((before.current, before.newest) == (0, 3))
            let first = Migrator(
                settings: settings, migrations: Array(steps.prefix(1)), logger: quiet)
            #expect(try await first.migrate() == Array(steps.prefix(1)))
            #expect(try await first.migrate() == [])
            let all = Migrator(settings: settings, migrations: steps, logger: quiet)
            let after = try await all.status()
            #expect((after.current, after.newest) == (1, 3))
            #expect(after.pending == Array(steps.suffix(2)))
            let older = await failure { () throws(StoreError) in try await all.requireCurrent() }
            #expect(older?.word == "misconfigured")
            #expect(
                older.map {
                    "\($0)".contains(
                        "schema is at version 1, this program needs 3: run `tasq migrate`")
                } == true)
        }
    }

    @Test func `A schema newer than the program is refused and left alone`() async throws {
        try await withDatabase { database in
            let settings = try PostgresSettings(url: database.directURL)
            try await _ = Migrator(settings: settings, migrations: steps, logger: quiet).migrate()
            let old = Migrator(
                settings: settings, migrations: Array(steps.prefix(2)), logger: quiet)
            for error in [
                await failure { () throws(StoreError) in try await old.requireCurrent() },
                await failure { () throws(StoreError) in try await old.migrate() },
            ] {
                #expect(error?.word == "misconfigured")
                #expect(
                    error.map {
                        "\($0)".contains(
                            "schema is at version 3, this program knows 2: run a newer tasq")
                    } == true)
            }
            #expect(try await old.status().pending == [])
        }
    }

    @Test func `A newer schema that breaks nothing is worked on, one that breaks something is not`()
        async throws
    {
        try await withDatabase { database in
            let settings = try PostgresSettings(url: database.directURL)
            let known = Migration.all(schema: "tasq")
            let count = known.count
            // The first breaks nothing, the second what does not know the first, the third all.
            let later = [1, count + 1, count + 3].enumerated().map { place, oldest in
                Migration(
                    number: count + 1 + place, name: "later",
                    text: "CREATE TABLE tasq.later\(place) (n int)", oldest: oldest)
            }
            // A program by how many of the later ones it knows.
            let programs = (0...3).map { more in
                Migrator(
                    settings: settings, migrations: known + later.prefix(more), logger: quiet)
            }
            #expect(try await programs[0].migrate() == known)
            #expect(try await programs[1].migrate() == [later[0]])
            try await programs[0].requireCurrent()
            #expect(try await programs[0].migrate() == [])
            let status = try await programs[0].status()
            #expect(status.current == count + 1 && status.oldest <= count)

            for (newest, refused) in [(2, [true, false, false]), (3, [true, true, true, false])] {
                #expect(try await programs[newest].migrate() == [later[newest - 1]])
                for (program, isRefused) in zip(programs, refused) {
                    let works = await failure { () throws(StoreError) in
                        try await program.requireCurrent()
                    }
                    let migrates = await failure { () throws(StoreError) in
                        try await program.migrate()
                    }
                    for error in [works, migrates] {
                        #expect((error != nil) == isRefused, "\(String(describing: error))")
                        #expect(!isRefused || error?.word == "misconfigured")
                    }
                }
            }
        }
    }

    @Test func `A migration that fails leaves nothing behind and is named`() async throws {
        try await withDatabase { database in
            let settings = try PostgresSettings(url: database.directURL)
            let broken = Migration(
                number: 2, name: "broken", text: "CREATE TABLE tasq.half (n int); SELECT 1 / 0",
                oldest: 1)
            let migrator = Migrator(
                settings: settings, migrations: [steps[0], broken], logger: quiet)
            let error = await failure { () throws(StoreError) in try await migrator.migrate() }
            #expect(error?.word == "rejected 22012")
            #expect(error.map { "\($0)".contains("0002_broken") } == true)
            #expect(try await migrator.status().current == 1)
            #expect(
                try await database.execute("SELECT to_regclass('tasq.half') IS NULL") == "t")
        }
    }
}
