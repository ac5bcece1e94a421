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

/// What the log tells of jobs that fail.
@Suite(.medium) struct FailureLogTests {
    /// Fails for good or asks for another attempt, after it has said several lines.
    private let handlers = """
        handlers:
          fail: { command: [/bin/sh, -c, 'echo first >&2; echo at last >&2; exit 78'] }
          again: { command: [/bin/sh, -c, 'echo not yet >&2; exit 75'], retry: { base: 1h } }
          well: { noop: {} }
        """

    @Test func `A failed job is one warning, a retry one line at info, and no line has a payload`()
        async throws
    {
        try await RunningSystem.with { system in
            system.environment["TASQ_LOG_FORMAT"] = "json"
            let worker = try await system.startWorker(handlers)
            let failed = try await system.enqueue("fail", "--payload", #"{"a":"hunter2"}"#)
            let again = try await system.enqueue("again", "--payload", #"{"a":"hunter2"}"#)
            _ = try await system.enqueue("well")
            try await system.wait(
                for: "error scheduled success",
                "SELECT string_agg(status::text, ' ' ORDER BY status::text) FROM tasq.job")
            _ = try await worker.waitForLine(containing: "a job has failed")
            _ = try await worker.waitForLine(containing: "an attempt has failed")
            let lines = try worker.standardError.split(separator: "\n").map {
                try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
            }
            func events(about job: String) -> [[String: String]] {
                lines.filter { $0["job.id"] == job }
            }
            let end = try #require(events(about: failed).first)
            #expect(events(about: failed).count == 1)
            #expect(end["level"] == "warning" && end["message"] == "a job has failed")
            #expect(end["job.kind"] == "fail" && end["queue"] == "default")
            #expect(end["job.attempt"] == "1" && end["job.max_attempts"] == "20")
            #expect(end["reason"] == "at last")
            let retry = try #require(events(about: again).first)
            #expect(events(about: again).count == 1)
            #expect(retry["level"] == "info" && retry["message"] == "an attempt has failed")
            #expect(retry["reason"]?.hasSuffix("not yet") == true)
            #expect(retry["retry_in"] != nil)
            #expect(!worker.standardError.contains("hunter2"))
        }
    }

    @Test func `A last attempt is told as such, and retries not at all when only warnings are`()
        async throws
    {
        try await RunningSystem.with { system in
            system.environment["TASQ_LOG_FORMAT"] = "logfmt"
            let server = try await system.startServer("log_level: warning")
            let once = try await system.enqueue("remote", "--max-attempts", "1")
            let token = try await system.claim()
            let twice = try await system.enqueue("remote", "--max-attempts", "2")
            for token in [token, try await system.claim()] {
                let answer = try await system.post(
                    "/v1/claims/\(token)/fail", #"{"error":"first\nat last"}"#)
                #expect(answer.status == 200, "\(answer.text)")
            }
            let line = try await server.waitForLine(containing: "a job has failed")
            #expect(line.contains(#" level=warning msg="a job has failed" job.attempt=1 "#))
            #expect(line.contains(" job.id=\(once) job.kind=remote job.max_attempts=1 "))
            #expect(line.hasSuffix(#" queue=default reason="at last""#), "\(line)")
            #expect(!server.standardError.contains(twice))
        }
    }

    @Test func `A job that takes its last worker down is told with its kind`() async throws {
        try await RunningSystem.with { system in
            let server = try await system.startServer()
            let id = try await system.enqueue("gone", "--max-attempts", "1")
            _ = try await system.claim()
            try await system.database.execute("DELETE FROM tasq.worker")
            let line = try await server.waitForLine(containing: "a job has failed")
            #expect(line.contains(" warning a job has failed "), "\(line)")
            #expect(line.contains(" job.attempt=1 job.id=\(id) "), "\(line)")
            #expect(line.contains(" job.kind=gone "), "\(line)")
            #expect(line.hasSuffix(#" reason="its worker died or lost its lease""#), "\(line)")
        }
    }

    @Test func `A job that ends because it was handed back too often is told as well`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  nap: { sleep: 1h }")
            let environment = ["DATABASE_URL": database.url]
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            let job = try await TasqProgram.run(
                "enqueue", "nap", "--max-attempts", "1", environment: environment
            ).output
            try await eventually("the job runs") {
                try await database.execute("SELECT status FROM tasq.job") == "executing"
            }
            try await database.execute("UPDATE tasq.job SET handbacks = 20")
            worker.signal(SIGTERM)
            _ = try await worker.waitForLine(containing: "shutting down")
            worker.signal(SIGTERM)
            let line = try await worker.waitForLine(containing: "a job has failed")
            #expect(line.contains(" job.attempt=1 job.id=\(job) job.kind=nap "), "\(line)")
            #expect(line.hasSuffix(#" reason="it was handed back too often""#), "\(line)")
            #expect(try await worker.wait() == .code(128 + SIGTERM), "\(worker.standardError)")
        }
    }
}
