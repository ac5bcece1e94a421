import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Databases whose defaults are not those tasq is written for.
@Suite(.medium) struct DatabaseDefaultsTests {
    @Test(arguments: ["LATIN1", "SQL_ASCII"])
    func `A database that is not UTF8 is refused by name, with the mend`(
        encoding: String
    ) async throws {
        let server = try await TestServers.postgres()
        let name = "e" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(16)
        try await server.execute(
            """
            CREATE DATABASE \(name) ENCODING '\(encoding)' LC_COLLATE 'C' LC_CTYPE 'C'
            TEMPLATE template0
            """)
        let environment = [
            "DATABASE_URL": server.url(database: name), "TASQ_HTTP_INGEST": "127.0.0.1:0",
            "TASQ_HTTP_ADMIN": "127.0.0.1:0",
        ]
        let reason = "the database's encoding is \(encoding), and tasq needs UTF8: make one WITH"
        for command in ["migrate", "work", "serve"] {
            let run = try await TasqProgram.run(command, environment: environment)
            #expect(run.exit == .code(78), "\(command): \(run.errors)")
            #expect(run.errors.contains(reason), "\(command): \(run.errors)")
        }
        let doctor = try await TasqProgram.run("doctor", environment: environment)
        #expect(doctor.exit == .code(1))
        #expect(doctor.output.contains(reason), "\(doctor.output)")
        #expect(!doctor.output.contains("check DATABASE_URL"))
        try await server.dropDatabase(name)
    }

    @Test func `Serializable by default and a pooler between: nothing fails, and doctor names it`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let pooler = try await PrivatePooler.start(before: server, poolSize: 8)
        try await server.execute(
            "ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'")
        let environment = ["DATABASE_URL": pooler.url(database: "postgres")]
        let migrated = try await TasqProgram.run("migrate", environment: environment)
        #expect(migrated.exit == .code(0), "\(migrated.errors)")
        let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
        var workers: [ChildProcess] = []
        for _ in 0..<2 {
            workers.append(
                try await TasqProgram.start(
                    ["work", "--config", file.path, "--concurrency", "16"],
                    environment: environment))
        }
        for worker in workers { _ = try await worker.waitForLine(containing: "worker registered") }
        let before = try await server.execute(Self.failures)
        let lines = [String](repeating: #"{"kind":"noop"}"#, count: 3000)
        let enqueue = try await TasqProgram.run(
            "enqueue", "--ndjson", "-", environment: environment,
            input: lines.joined(separator: "\n"))
        #expect(enqueue.exit == .code(0), "\(enqueue.errors)")
        try await eventually("every job is done") {
            try await server.execute(
                "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "3000"
        }
        #expect(try await server.execute(Self.failures) == before)
        let doctor = try await TasqProgram.run("doctor", environment: environment)
        #expect(doctor.output.contains("serializable by default; tasq's own"), "\(doctor.output)")
        for worker in workers {
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
        await pooler.stop()
        await server.stop(.immediate)
    }

    /// One that listens does nothing else, for as long as the worker lives.
    @Test func `Sessions outlive a database's own limits for idle ones`() async throws {
        try await withDatabase { database in
            try await database.execute(
                """
                ALTER DATABASE \(database.name) SET idle_session_timeout = '300ms';
                ALTER DATABASE \(database.name) SET idle_in_transaction_session_timeout = '1ms';
                ALTER DATABASE \(database.name) SET statement_timeout = '1s'
                """)
            let redis = try await TestServers.redis()
            let worker = try await TasqProgram.start(
                ["work"],
                environment: [
                    "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                    "TASQ_REDIS_PREFIX": database.keyPrefix,
                ])
            _ = try await worker.waitForLine(containing: "worker registered")
            let sessions = """
                SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                    AND pid <> pg_backend_pid() AND application_name NOT LIKE 'psql%'
                """
            func pids() async throws -> Set<Substring> {
                Set(try await database.execute(sessions).split(separator: "\n"))
            }
            try await eventually("the worker listens") {
                try await database.execute("\(sessions) AND query LIKE 'LISTEN%'") != ""
            }
            let before = try await pids()
            // Another session is ended for being idle; the worker's were so before it.
            let other = try await ChildProcess.start(
                "/usr/bin/env", ["psql", "-X", "-q", database.url, "-c", "\\! sleep 30"],
                environment: [
                    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
                    "PGAPPNAME": "psql idle",
                ])
            let idle = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql idle'"
            try await eventually("it is there") { try await database.execute(idle) == "1" }
            try await eventually("it has been ended") { try await database.execute(idle) == "0" }
            #expect(other.exit == nil)
            #expect(before.subtracting(try await pids()).isEmpty)
            other.signal(SIGKILL)
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
    }

    private static let failures =
        "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'postgres'"
}
