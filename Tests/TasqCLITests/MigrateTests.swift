import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq migrate` beside somebody who reads a table and does not end.
@Suite(.medium) struct MigrateTests {
    @Test func `A migration without its lock exits 75, undone, and is applied once it has it`()
        async throws
    {
        try await withOlderDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            // One transaction, as long as nobody ends it.
            let holder = try await ChildProcess.start(
                "psql",
                [
                    "-Xq", "-d", database.directURL, "-c",
                    """
                    LOCK TABLE tasq.worker IN ACCESS SHARE MODE; SELECT 'secret', pg_sleep(3600)
                    """,
                ], directory: "/")
            let asleep = """
                FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'PgSleep'
                """
            try await eventually("the table is read") {
                try await database.execute("SELECT count(*) \(asleep)") == "1"
            }
            let late = try await TasqProgram.run(
                "migrate", "--patience", "0s", environment: environment)
            #expect(late.exit == .code(75), "\(late.errors)")
            #expect(late.output.isEmpty && late.errorLines.count == 1, "\(late.errors)")
            #expect(late.errors.hasPrefix("tasq: migration 0017_lock_server: "), "\(late.errors)")
            try await requireVersion16(environment)

            let stopped = try await TasqProgram.start(["migrate"], environment: environment)
            let told = try await stopped.waitForLine(containing: " psql (statement of ")
            #expect(told.contains("tried again") && !told.contains("secret"), "\(told)")
            stopped.signal(15)
            #expect(try await stopped.wait() == .signal(15))
            try await requireVersion16(environment)

            let patient = try await TasqProgram.start(["migrate"], environment: environment)
            _ = try await patient.waitForLine(containing: "tried again")
            try await database.execute("SELECT pg_terminate_backend(pid) \(asleep)")
            _ = try await holder.wait()
            #expect(try await patient.wait() == .code(0), "\(patient.standardError)")
            #expect(patient.standardOutput.contains("applied lock_server"))
            let status = try await TasqProgram.run("migrate", "--status", environment: environment)
            #expect(status.exit == .code(0), "\(status.errors)")
        }
    }

    private func requireVersion16(_ environment: [String: String]) async throws {
        let status = try await TasqProgram.run("migrate", "--status", environment: environment)
        #expect(status.output.hasPrefix("version 16,"), "\(status.output)")
    }

    private func withOlderDatabase(
        _ body: (TestDatabase) async throws -> Void
    ) async throws {
        try await TestDatabase.with(
            template: "schema16",
            migrate: { url in
                let known = Migration.all(schema: "tasq").prefix(16)
                _ = try await Migrator(
                    settings: try PostgresSettings(url: url), migrations: Array(known),
                    logger: .silent
                ).migrate()
            }, body)
    }
}
