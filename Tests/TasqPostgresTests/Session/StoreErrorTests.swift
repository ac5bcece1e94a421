import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct StoreErrorTests {
    @Test(arguments: [
        ("INSERT INTO t VALUES (1), (1)", "rejected 23505"),
        ("SELEC 1", "rejected 42601"),
        ("SELECT 1 / 0", "rejected 22012"),
        ("SELECT * FROM nowhere", "misconfigured"),
        ("SELECT nothing FROM t", "misconfigured"),
        ("SELECT no_function()", "misconfigured"),
        ("SELECT pg_sleep(60)", "unavailable"),
        ("SET ROLE nobody_at_all", "rejected 22023"),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$", "contended"),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$", "unavailable"),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$", "unavailable"),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '42501'; END $$", "denied"),
    ])
    func `An error says what to do, and the session goes on`(
        sql: String, word: String
    ) async throws {
        try await withSession({ $0.statementTimeout = .seconds(3) }) { session, _ in
            try await session.script("CREATE TABLE t (n int PRIMARY KEY)")
            let process = try await session.query("SELECT pg_backend_pid()")[0].int(0)
            let failed = await failure { () throws(StoreError) in try await session.query(sql) }
            let error = try #require(failed)
            #expect(error.word == word, "\(error)")
            #expect(!"\(error)".contains("\n"))
            #expect("\(error)".contains("127.0.0.1:"))
            #expect(try await session.query("SELECT pg_backend_pid()")[0].int(0) == process)
        }
    }

    @Test func `A read-only server is left for another connection`() async throws {
        try await withSession { session, _ in
            try await session.script("CREATE TABLE t (n int)")
            let process = try await session.query("SELECT pg_backend_pid()")[0].int(0)
            try await session.script("SET default_transaction_read_only = on")
            let error = await failure { () throws(StoreError) in
                try await session.query("INSERT INTO t VALUES (1)")
            }
            #expect(error?.word == "unavailable")
            #expect(try await session.query("SELECT pg_backend_pid()")[0].int(0) != process)
            #expect(try await session.query("INSERT INTO t VALUES (1)").affected == 1)
        }
    }

    @Test func `A lock held too long is worth another try`() async throws {
        try await withSession({ $0.lockTimeout = .milliseconds(50) }) { session, database in
            try await session.script("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
            let other = Session(
                settings: try PostgresSettings(url: database.directURL), logger: quiet)
            try await other.script("BEGIN; LOCK TABLE t")
            let error = await failure { () throws(StoreError) in
                try await session.query("UPDATE t SET n = 2")
            }
            #expect(error?.word == "contended")
            try await other.script("ROLLBACK")
            await other.close()
            #expect(try await session.query("UPDATE t SET n = 2").affected == 1)
        }
    }

    @Test func `What was stored never stands in an error`() async throws {
        try await withSession { session, _ in
            try await session.script("CREATE TABLE t (body text UNIQUE)")
            var parameters = Parameters()
            parameters.append("secret-payload")
            _ = try await session.query("INSERT INTO t VALUES ($1::text)", parameters)
            let same = parameters
            let failed = await failure { () throws(StoreError) in
                try await session.query("INSERT INTO t VALUES ($1::text)", same)
            }
            let error = try #require(failed)
            #expect(error.word == "rejected 23505")
            #expect(!"\(error)".contains("secret-payload"))
        }
    }

    @Test func `A database that is not there is misconfigured`() async throws {
        let server = try await TestServers.postgres()
        let error = await connecting(to: server.directURL(database: "no_such_database"))
        #expect(error?.word == "misconfigured")
        #expect(error.map { "\($0)".contains("no_such_database") } == true)
    }

    @Test func `A role that is not there is denied`() async throws {
        let server = try await TestServers.postgres()
        let url = server.directURL.replacing("//postgres@", with: "//no_such_role:secret@")
        let error = await connecting(to: url)
        #expect(error?.word == "denied")
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test func `A port nobody listens on is unavailable`() async throws {
        let error = await connecting(to: "postgres://u:secret@127.0.0.1:1/d")
        #expect(error == .unavailable("postgres 127.0.0.1:1/d: connection refused"))
    }

    @Test(arguments: ["postgres://u:secret@h:x/d", "postgres://u:secret@h/d?sslmode=perhaps"])
    func `A setting libpq does not know is misconfigured`(url: String) async throws {
        let error = await connecting(to: url)
        #expect(error?.word == "misconfigured", "\(error.debugDescription)")
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test func `The next host is taken when the first one refuses`() async throws {
        let server = try await TestServers.postgres()
        let url = server.directURL.replacing("@127.0.0.1", with: "@127.0.0.1:1,127.0.0.1")
        #expect(await connecting(to: url) == nil)
    }

    @Test func `Wordings of failed connections are understood`() {
        let verbose = ServerError(
            connecting: """
                connection to server at "10.0.0.1", port 5432 failed: FATAL:  28P01: password \
                authentication failed for user "x"
                LOCATION:  auth_failed, auth.c:335
                """)
        #expect(verbose.sqlState == "28P01")
        #expect(verbose.message == #"password authentication failed for user "x""#)
        #expect(StoreError.connecting(verbose, at: "h").word == "denied")
        let translated = ServerError(
            connecting: "connection to server at \"h\" failed: 致命的エラー:  57P03: 起動中です\n")
        #expect(translated.sqlState == "57P03")
        #expect(StoreError.connecting(translated, at: "h").word == "unavailable")
        let plain = ServerError(
            connecting: "failed: FATAL:  28000: no pg_hba.conf entry for host \"h\", no encryption")
        #expect(StoreError.connecting(plain, at: "h").word == "denied")
        #expect(StoreError.connecting(plain, at: "h", forbidsTLS: true).word == "misconfigured")
        #expect(StoreError.connecting(verbose, at: "h", forbidsTLS: true).word == "denied")
        let local = ServerError(
            connecting:
                "connection to server at \"h\", port 1 failed: Connection refused\n\tIs it?\n")
        #expect(local.sqlState == "" && local.message == "connection refused")
    }

    private func connecting(to url: String) async -> StoreError? {
        await failure { () throws(StoreError) in
            let session = Session(settings: try PostgresSettings(url: url), logger: quiet)
            do throws(StoreError) {
                try await session.connect()
                await session.close()
            } catch {
                await session.close()
                throw error
            }
        }
    }
}
