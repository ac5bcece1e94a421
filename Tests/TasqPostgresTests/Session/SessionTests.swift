import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct SessionTests {
    @Test func `A statement is prepared once on a direct connection`() async throws {
        try await withSession { session, _ in
            let statement = Statement(name: "twice", text: "SELECT 1")
            _ = try await session.run(statement, Parameters())
            _ = try await session.run(statement, Parameters())
            #expect(
                try await session.query(
                    "SELECT count(*) FROM pg_prepared_statements WHERE name = 'twice'")[0].int(0)
                    == 1)
        }
    }

    @Test func `Limits are set once on a direct connection`() async throws {
        try await withSession {
            $0.statementTimeout = .seconds(10)
            $0.lockTimeout = .seconds(2)
            $0.idleInTransactionTimeout = .seconds(10)
        } _: { session, _ in
            let row = try await session.query(
                """
                SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
                    current_setting('idle_in_transaction_session_timeout')
                """)[0]
            let limits = try (0..<3).map { try row.text($0) }
            #expect(limits == ["10s", "2s", "10s"])
        }
    }

    @Test func `A pooler is found out, and nothing is left in its sessions`() async throws {
        try await withSession { session, database in
            // As a pooler does, the server names one process and is another.
            try await database.execute(
                """
                CREATE FUNCTION public.pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT -1';
                ALTER DATABASE "\(database.name)" SET search_path = public, pg_catalog
                """)
            var parameters = Parameters()
            parameters.append("still binary")
            #expect(
                try await session.query("SELECT $1::text", parameters)[0].text(0) == "still binary")
            #expect(await session.isPooled)
            let row = try await session.query(
                """
                SELECT (SELECT count(*) FROM pg_prepared_statements),
                    current_setting('statement_timeout'), current_setting('lock_timeout')
                """)[0]
            #expect(try row.int(0) == 0)
            #expect(try row.text(1) == "0")
            #expect(try row.text(2) == "0")
        }
    }

    @Test func `A connection that died while idle is replaced unnoticed`() async throws {
        try await withSession { session, database in
            let question = "SELECT pg_backend_pid()"
            let first = try await session.query(question)[0].int(0)
            try await database.signal("pg_terminate_backend")
            try await eventually("the backend is gone") {
                try await database.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE pid = \(first)") == "0"
            }
            #expect(try await session.query(question)[0].int(0) != first)
        }
    }

    @Test(arguments: [false, true])
    func `A connection that dies under a statement leaves its outcome unknown`(
        pooled: Bool
    ) async throws {
        let change = { (settings: inout PostgresSettings) in
            settings.assumesPooler = pooled
            settings.statementTimeout = .seconds(60)
        }
        try await withSession(change) { session, database in
            async let error = failure { () throws(StoreError) in
                try await session.query("SELECT pg_sleep(60)")
            }
            try await database.waitUntilWaiting(for: "PgSleep")
            try await database.signal("pg_terminate_backend")
            #expect(await error?.word == "unknown")
            #expect(try await session.query("SELECT 1")[0].int(0) == 1)
        }
    }

    @Test func `A plan that a migration made stale is made anew`() async throws {
        try await withSession { session, database in
            try await session.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
            #expect(try await session.query("SELECT * FROM t")[0].int(0) == 1)
            try await database.execute("ALTER TABLE t ALTER a TYPE text")
            let stale = await failure { () throws(StoreError) in
                try await session.query("SELECT * FROM t")
            }
            #expect(stale?.word == "unavailable")
            #expect(try await session.query("SELECT * FROM t")[0].text(0) == "1")
        }
    }

    @Test func `A closed session refuses, and answers`() async throws {
        try await withSession { session, _ in
            _ = try await session.query("SELECT 1")
            await session.close()
            for _ in 0..<3 {
                let error = await failure { () throws(StoreError) in
                    try await session.query("SELECT 1")
                }
                #expect(error?.word == "unavailable")
            }
        }
    }

    @Test func `Two hundred sessions open, work and close, and their threads end`() async throws {
        try await withDatabase { database in
            let settings = try PostgresSettings(url: database.directURL)
            var executors: [Weak<ThreadExecutor>] = []
            for index in 0..<200 {
                let session = Session(settings: settings, logger: quiet)
                executors.append(Weak(session.executor))
                #expect(try await session.query("SELECT 1")[0].int(0) == 1)
                // Half of them are only dropped.
                if index.isMultiple(of: 2) { await session.close() }
            }
            // A thread holds its executor for as long as it lives.
            try await eventually("every thread has ended") {
                executors.allSatisfy { $0.object == nil }
            }
            try await eventually("every connection is closed") {
                try await database.execute(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                        AND backend_type = 'client backend'
                    """) == "0"
            }
        }
    }
}

private struct Weak<Object: AnyObject> {
    weak var object: Object?

    init(_ object: Object) {
        self.object = object
    }
}
