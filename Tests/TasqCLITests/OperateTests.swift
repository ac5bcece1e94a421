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
