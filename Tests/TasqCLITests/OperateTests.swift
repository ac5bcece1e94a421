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

/// `tasq queues pause`, `tasq queues resume` and `tasq explain`.
@Suite(.medium) struct OperateTests {
    @Test(arguments: [false, true])
    func `A paused queue waits, says so, and goes on when it is resumed`(
        hasRedis: Bool
    ) async throws {
        try await withDatabase { database in
            var environment = ["DATABASE_URL": database.url]
            if hasRedis {
                environment["REDIS_URL"] = try await TestServers.redis().url
                environment["TASQ_REDIS_PREFIX"] = database.keyPrefix
            }
            let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            let paused = try await TasqProgram.run(
                "queues", "pause", "default", environment: environment)
            #expect(paused.exit == .code(0) && paused.output == "default is paused")
            let id = try await TasqProgram.run("enqueue", "noop", environment: environment).output
            let explained = try await TasqProgram.run("explain", id, environment: environment)
            #expect(explained.exit == .code(0), "\(explained.errors)")
            #expect(explained.output.hasPrefix("Its queue `default` is paused.\n"))
            let json = try await TasqProgram.run(
                "explain", id, "--json", environment: environment)
            #expect(json.output.contains(#""reason":"paused""#))
            let list = try await TasqProgram.run("queues", "list", environment: environment)
            #expect(list.output.contains("paused"))
            for (word, isPaused) in [("resume", false), ("pause", true)] {
                let other = try await TasqProgram.run(
                    "queues", word, "other", "--json", environment: environment)
                #expect(
                    other.output == #"{"name":"other","paused":\#(isPaused),"known":false}"#)
            }
            let resumed = try await TasqProgram.run(
                "queues", "resume", "default", environment: environment)
            #expect(resumed.output == "default is open")
            try await eventually("the job is a success") {
                try await database.execute("SELECT status FROM tasq.job") == "success"
            }
            let after = try await TasqProgram.run("explain", id, environment: environment)
            #expect(after.output.hasPrefix("It ended well at "))
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
    }

    @Test func `A pause is kept by every worker from its answer on, by those elsewhere as well`()
        async throws
    {
        try await RunningSystem.with { system in
            let database = system.database
            system.environment["REDIS_URL"] = try await TestServers.redis().url
            system.environment["TASQ_REDIS_PREFIX"] = database.keyPrefix
            system.environment["TASQ_WORKER_QUEUES"] = "default,other"
            system.environment["TASQ_WORKER_CONCURRENCY"] = "2"
            let configuration = "handlers: { nap: { sleep: 20ms }, noop: { noop: {} } }"
            try await system.startServer(configuration)
            for _ in 0..<3 { try await system.startWorker(configuration) }
            try await database.execute(
                "SELECT count(tasq.enqueue('nap')) FROM generate_series(1, 5000)")
            try await system.wait(
                for: "3", "SELECT count(DISTINCT worker_id) FROM tasq.executing_job")
            let pause = try await system.post("/v1/queues/default/pause")
            #expect(pause.status == 200, "\(pause.text)")
            let since = try await database.execute("SELECT now()")
            // While all workers have work, and slots that are free.
            try await database.execute(
                "SELECT count(tasq.enqueue('noop', queue => 'other')) FROM generate_series(1, 30)")
            try await system.wait(
                for: "30",
                "SELECT count(*) FROM tasq.job WHERE queue = 'other' AND status = 'success'")
            let claims = try await system.post(
                "/v1/claims", #"{"worker_id":"\#(UUID())","queues":["default"],"wait":"0s"}"#)
            #expect(claims.status == 200 && !claims.text.contains("token"), "\(claims.text)")
            let late = """
                SELECT count(*) > 0 FROM tasq.job
                WHERE queue = 'default' AND claimed_at > '\(since)'
                """
            #expect(try await database.execute(late) == "f")
            let left = "SELECT count(*) > 0 FROM tasq.job WHERE status = 'queued'"
            #expect(try await database.execute(left) == "t")
            let resume = try await system.post("/v1/queues/default/resume")
            #expect(resume.status == 200, "\(resume.text)")
            try await system.wait(for: "t", late)
        }
    }

    @Test func `What cannot be explained or paused is refused with one line`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for (arguments, code) in [
                (["explain", JobID().description], Int32(1)), (["explain", "17"], 64),
                (["queues", "pause", "a b"], 64), (["queues", "resume", ""], 64),
                (["explain"], 64),
            ] {
                let child = try await TasqProgram.start(arguments, environment: environment)
                let exit = try await child.wait()
                #expect(exit == .code(code), "\(arguments): \(child.standardError)")
                #expect(child.standardError.split(separator: "\n").count == 1)
            }
        }
    }
}
