import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGHUP while the real processes run.
@Suite(.medium) struct ReloadTests {
    @Test func `A worker takes handlers and log level over and says what it cannot`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  a: { log: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: ["DATABASE_URL": database.url])
            _ = try await worker.waitForLine(containing: "worker registered")
            try file.replace(
                """
                log_level: debug
                worker: { concurrency: 3 }
                http: { ingest: "127.0.0.1:1" }
                handlers:
                  b: { noop: {} }
                """)
            worker.signal(SIGHUP)
            _ = try await worker.waitForLine(containing: "configuration reloaded")
            #expect(worker.standardError.contains("worker.concurrency has changed"))
            #expect(!worker.standardError.contains("http.ingest has changed"))
            for kind in ["a", "b"] {
                _ = try await TasqProgram.run(
                    "enqueue", kind, "--max-attempts", "1",
                    environment: ["DATABASE_URL": database.url])
            }
            // The worker has told that it knows the other kind now, and not this one any more.
            try await eventually("one is over, and the other waits") {
                let rows = try await database.execute(
                    "SELECT kind, status FROM tasq.job ORDER BY kind")
                return rows == "a|queued\nb|success"
            }
            // Now the mistakes: each is told, nothing changes.
            try file.replace("log_level: loud\nhandlers:\n  b: { sleeep: 1s }")
            worker.signal(SIGHUP)
            _ = try await worker.waitForLine(containing: "not reloaded")
            #expect(worker.standardError.contains("\(file.path):1: log_level must be one of"))
            #expect(worker.standardError.contains("did you mean sleep?"))
            _ = try await TasqProgram.run(
                "enqueue", "b", environment: ["DATABASE_URL": database.url])
            try await eventually("the old handler still runs") {
                let count = try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE kind = 'b' AND status = 'success'")
                return count == "2"
            }
            try FileManager.default.removeItem(atPath: file.path)
            worker.signal(SIGHUP)
            _ = try await worker.waitForLine(containing: "\(file.path): cannot be read")
            worker.signal(SIGTERM)
            let exit = try await worker.wait()
            #expect(exit == .code(0))
        }
    }

    @Test func `A server takes sources over, and keeps the old ones when the file is broken`()
        async throws
    {
        try await withDatabase { database in
            let secret = try TemporaryFile("first", name: "secret")
            let file = try TemporaryFile(
                "sources:\n  s: { verify: github, secrets: [\"file:\(secret.path)\"] }")
            let server = try await TasqProgram.start(
                ["serve", "--config", file.path],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0",
                ])
            let url = try await server.waitForLine(containing: "ingest http://").dropFirst(7)
            _ = try await server.waitForLine(containing: "admin http://")
            func send(_ source: String, _ secret: String) async throws -> String {
                let local = try TemporaryFile(
                    "sources:\n  \(source): { verify: github, secrets: [\(secret)] }")
                let run = try await TasqProgram.run(
                    "webhook", "send", source, "--body", "-", "--to", "\(url)/in/\(source)",
                    "--config", local.path, input: "{}")
                return String(run.output.prefix(3))
            }
            var status = try await send("s", "first")
            #expect(status == "202")
            try secret.replace("second")
            try file.replace(
                """
                sources:
                  s: { verify: github, secrets: ["file:\(secret.path)"] }
                  t: { verify: github, secrets: [third], kind: tee }
                handlers:
                  tee: { noop: {}, queue: other }
                """)
            server.signal(SIGHUP)
            _ = try await server.waitForLine(containing: "configuration reloaded")
            status = try await send("s", "first")
            #expect(status == "401")
            status = try await send("s", "second")
            #expect(status == "202")
            status = try await send("t", "third")
            #expect(status == "202")
            let queue = try await database.execute(
                "SELECT queue FROM tasq.job WHERE kind = 'tee'")
            #expect(queue == "other")
            try file.replace("sources: [")
            server.signal(SIGHUP)
            _ = try await server.waitForLine(containing: "not reloaded")
            status = try await send("t", "third")
            #expect(status == "202")
            server.signal(SIGTERM)
            let exit = try await server.wait()
            #expect(exit == .code(0))
            let lines = server.standardError
            #expect(!["first", "second", "third"].contains { lines.contains($0) })
        }
    }

    @Test func `A worker with a low limit on open files raises it and says so`() async throws {
        try await withDatabase { database in
            let worker = try await ChildProcess.start(
                "/bin/sh", ["-c", "ulimit -Sn 64; exec \"$0\" work", TasqProgram.path],
                environment: ["DATABASE_URL": database.url], directory: "/")
            let line = try await worker.waitForLine(containing: "raised the limit on open files")
            #expect(line.contains("from=64"))
            _ = try await worker.waitForLine(containing: "worker registered")
            let limits = try String(
                contentsOfFile: "/proc/\(worker.pid)/limits", encoding: .utf8)
            let row = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
            let soft = row?.split(separator: " ").dropFirst(3).first
            #expect(soft != "64")
            worker.signal(SIGTERM)
            let exit = try await worker.wait()
            #expect(exit == .code(0))
        }
    }
}
