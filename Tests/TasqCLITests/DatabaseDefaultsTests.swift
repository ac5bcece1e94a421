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

    private static let failures =
        "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'postgres'"
}
