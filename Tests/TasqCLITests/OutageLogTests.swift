import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the log tells of a PostgreSQL that goes and comes back.
@Suite(.medium) struct OutageLogTests {
    @Test func `An outage of PostgreSQL is one line, and so is its end`() async throws {
        let postgres = try await PrivatePostgres.start(durable: false)
        let environment = ["DATABASE_URL": postgres.url(database: "postgres")]
        #expect(try await TasqProgram.run("migrate", environment: environment).exit == .code(0))
        let file = try TemporaryFile("handlers: { noop: { noop: {} } }")
        let worker = try await TasqProgram.start(
            ["work", "--config", file.path], environment: environment)
        _ = try await worker.waitForLine(containing: "worker registered")
        await postgres.stop(.immediate)
        _ = try await worker.waitForLine(containing: " warning postgres is out error=")
        let refused = try await TasqProgram.run("queues", "list", environment: environment)
        #expect(refused.exit == .code(69))
        #expect(refused.errorLines.count == 1, "\(refused.errors)")
        try await postgres.restart()
        _ = try await worker.waitForLine(containing: " info postgres answers again after=")
        let job = try await TasqProgram.run("enqueue", "noop", environment: environment)
        #expect(job.exit == .code(0), "\(job.errors)")
        try await eventually("the job is a success") {
            try await TasqProgram.run("jobs", "show", job.output, environment: environment)
                .output.contains("success")
        }
        let told = worker.standardError.split(separator: "\n").filter {
            $0.contains("postgres") || $0.contains("maintenance") || $0.contains("look for work")
        }
        #expect(told.count == 2, "\(told)")
        worker.signal(SIGTERM)
        #expect(try await worker.wait() == .code(0))
        await postgres.stop(.immediate)
    }
}
