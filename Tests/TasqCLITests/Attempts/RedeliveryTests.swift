import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// A webhook that its provider sends again after the jobs of it ended in `error`.
@Suite(.medium) struct RedeliveryTests {
    @Test func `The number of the attempt goes on, and all attempts are given anew`() async throws {
        let log = try TemporaryFile("", name: "attempts")
        let body = try TemporaryFile("{}", name: "body")
        let configuration = """
            sources:
              hub: { verify: github, secrets: [env:HUB_SECRET], kind: hub }
            handlers:
              hub:
                command: [/bin/sh, -c, 'echo "$TASQ_JOB_ATTEMPT" >> "$0"; exit 1', "\(log.path)"]
                retry: { base: 0s, factor: 1 }
                max_attempts: 3
            """
        try await RunningSystem.with { system in
            system.environment["HUB_SECRET"] = "a secret that is long enough for anybody"
            try await system.startServer(configuration)
            try await system.startWorker(configuration)
            let file = try TemporaryFile(configuration)
            for round in 1...3 {
                let sent = try await TasqProgram.run(
                    "webhook", "send", "hub", "--config", file.path, "--body", body.path,
                    "--header", "X-GitHub-Delivery: d-1", "--to", system.source("hub"),
                    environment: system.environment)
                #expect(sent.exit == .code(0), "\(sent.errors)")
                try await system.wait(
                    for: "error|\(3 * round)|\(3 * round)",
                    "SELECT status, attempt, max_attempts FROM tasq.job")
            }
            // A replay is a job of its own and has what the first one had at first.
            let event = try await system.database.execute("SELECT id FROM tasq.payload")
            let replay = try await system.post("/v1/events/\(event)/replay")
            #expect(replay.status == 202, "\(replay.text)")
            try await system.wait(
                for: "error|3|3",
                "SELECT status, attempt, max_attempts FROM tasq.job ORDER BY id DESC LIMIT 1")
            let numbers = try String(contentsOfFile: log.path, encoding: .utf8)
            #expect(numbers == (Array(1...9) + Array(1...3)).map { "\($0)\n" }.joined())
        }
    }
}
