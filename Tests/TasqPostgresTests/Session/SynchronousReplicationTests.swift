import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// A commit that waits for a standby and is told to stop waiting answers success all the same.
@Suite(.medium) struct SynchronousReplicationTests {
    @Test(arguments: ["pg_cancel_backend", "pg_terminate_backend"])
    func `A commit that was not replicated is unknown, whatever it answers`(
        signal: String
    ) async throws {
        let database = try await OwnServer.start()
        let server = database.server
        try await database.execute(
            """
            CREATE TABLE t (n int);
            ALTER SYSTEM SET synchronous_standby_names = 'nobody'
            """)
        // A reload reaches each process of the server when it likes.
        try await server.restart()
        var settings = try PostgresSettings(url: server.url).patient
        settings.applicationName = database.name
        let session = Session(settings: settings, logger: quiet)
        async let error = failure { () throws(StoreError) in
            try await session.query("INSERT INTO t VALUES (1)")
        }
        try await database.waitUntilWaiting(for: "SyncRep")
        try await database.signal(signal)
        #expect(await error?.word == "unknown")
        #expect(try await database.execute("SELECT count(*) FROM t") == "1")
        await session.close()
        await server.stop(.immediate)
    }
}
