import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How long listeners keep connections on which nothing is asked.
@Suite(.medium) struct IdleConnectionTests {
    @Test func `An idle connection outlives what load balancers keep, unless told otherwise`()
        async throws
    {
        let run = try await TasqProgram.run("config", "show", "--json")
        let line = try #require(
            run.output.split(separator: "\n").first { $0.contains("idle_timeout") })
        #expect(line.contains("75s"), "\(line)")
    }

    @Test func `Every listener closes idle connections after the time it was given`() async throws {
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
            let environment = [
                "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_WORKER_LISTEN": "127.0.0.1:0",
            ]
            let brief = environment.merging(["TASQ_LIMITS_IDLE_TIMEOUT": "1s"]) { $1 }
            let patient = try await TasqProgram.start(["serve"], environment: environment)
            let server = try await TasqProgram.start(["serve"], environment: brief)
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: brief)
            // It was there first, and stands when the others are gone.
            let standing = try await connection(
                to: try await patient.waitForLine(containing: "admin http://"))
            for (child, listener) in [(server, "ingest"), (server, "admin"), (worker, "metrics")] {
                let line = try await child.waitForLine(containing: "\(listener) http://")
                let closed = try await connection(to: line)
                #expect(try await closed.wait() == .code(0))
                #expect(closed.standardOutput.components(of: "HTTP/1.1 ") == 1, "\(listener)")
            }
            #expect(standing.exit == nil)
            for child in [patient, server, worker] { child.signal(SIGTERM) }
            for child in [patient, server, worker] { #expect(try await child.wait() == .code(0)) }
            #expect(try await standing.wait() == .code(0))
        }
    }

    /// Asks for something once, then says nothing until the other side closes.
    private func connection(to line: String) async throws -> ChildProcess {
        let port = try #require(line.split(separator: ":").last)
        let child = try await ChildProcess.start(
            "/bin/bash",
            [
                "-c",
                "exec 3<>/dev/tcp/127.0.0.1/$0; "
                    + "printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&3; cat <&3",
                String(port),
            ])
        _ = try await child.waitForLine(containing: "HTTP/1.1 ")
        return child
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
