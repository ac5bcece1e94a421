import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What has failed, as the commands and the API tell it.
@Suite(.medium) struct FailureCountTests {
    @Test func `Failures and retries are told by queue and kind, retries apart from delays`()
        async throws
    {
        try await RunningSystem.with { system in
            try await system.startServer()
            try await system.startWorker(
                """
                handlers:
                  fail: { command: [/bin/sh, -c, exit 78] }
                  again: { command: [/bin/sh, -c, exit 75], retry: { base: 1h } }
                """)
            for kind in ["fail", "fail"] { _ = try await system.enqueue(kind) }
            let again = try await system.enqueue("again")
            let delayed = try await system.enqueue("again", "--delay", "1h")
            try await system.wait(
                for: "error|2\nscheduled|2",
                "SELECT status, count(*) FROM tasq.job GROUP BY 1 ORDER BY status::text")

            let table = try await tasq(system, "queues", "list")
            let lines = table.split(separator: "\n").map { line in
                line.split(separator: " ").map(String.init)
            }
            #expect(lines.first?.suffix(6) == ["RETRYING", "ERROR", "LAST", "HOUR", "LAST", "DAY"])
            #expect(lines[1].first == "default" && lines[1].suffix(4) == ["1", "2", "2", "2"])
            #expect(lines.contains(["default", "again", "1", "0", "0", "0"]), "\(table)")
            #expect(lines.contains(["default", "fail", "0", "2", "2", "2"]), "\(table)")

            let counts = #""error":2,"error_last_hour":2,"error_last_day":2,"retrying":1,"#
            let kinds =
                #""kinds":[{"kind":"again","error":0,"error_last_hour":0,"error_last_day":0,"#
            for queues in [
                try await tasq(system, "queues", "list", "--json"),
                try await system.get("/v1/queues", upTo: 1 << 16),
            ] {
                #expect(queues.contains(counts), "\(queues)")
                #expect(queues.contains(kinds), "\(queues)")
            }
            let stats = try await system.get("/v1/stats", upTo: 1 << 16)
            #expect(stats.contains(counts), "\(stats)")

            let list = try await tasq(system, "jobs", "list", "--retrying")
            #expect(list.contains(again) && !list.contains(delayed), "\(list)")
            let page = try await system.get("/v1/jobs?retrying=true", upTo: 1 << 16)
            #expect(page.contains(again) && !page.contains(delayed), "\(page)")
            for every in ["/v1/jobs?status=scheduled", "/v1/jobs?retrying=false"] {
                let page = try await system.get(every, upTo: 1 << 16)
                #expect(page.contains(again) && page.contains(delayed), "\(page)")
            }
        }
    }

    @Test func `A filter for retries goes with their status alone`() async throws {
        try await RunningSystem.with { system in
            try await system.startServer()
            let run = try await TasqProgram.run(
                "jobs", "list", "--retrying", "--status", "error",
                environment: system.environment)
            #expect(run.exit == .code(64))
            #expect(run.errors == "tasq: --retrying goes with the status scheduled alone")
            for (query, rule) in [
                ("retrying=true&status=error", "retrying goes with the status scheduled alone"),
                ("retrying=yes", "retrying must be true or false"),
            ] {
                let answer = try await system.get("/v1/jobs?" + query, upTo: 1 << 16)
                #expect(answer.contains(rule), "\(answer)")
            }
        }
    }

    private func tasq(_ system: RunningSystem, _ words: String...) async throws -> String {
        let child = try await TasqProgram.start(words, environment: system.environment)
        #expect(try await child.wait() == .code(0), "\(child.standardError)")
        return child.standardOutput
    }
}
