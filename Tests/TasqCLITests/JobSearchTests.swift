import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Lists and charts of the program beside a history.
@Suite(.medium) struct JobSearchTests {
    @Test func `A list goes on by itself until it has its lines`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for _ in 0..<3 {
                _ = try await TasqProgram.run("enqueue", "rare", environment: environment)
                try await database.execute(
                    """
                    INSERT INTO tasq.job
                        (id, payload_id, queue, kind, status, priority, max_attempts, run_at,
                        finished_at)
                    SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'success', 1, 3, now(),
                        now()
                    FROM generate_series(1, 11000)
                    """)
            }
            func list(_ more: String...) async throws -> (lines: Int, errors: String) {
                let child = try await TasqProgram.start(
                    ["jobs", "list", "--kind", "rare", "--json"] + more, environment: environment)
                #expect(try await child.wait() == .code(0), "\(child.standardError)")
                return (
                    child.standardOutput.split(separator: "\n").count, child.standardError
                )
            }
            let all = try await list()
            #expect(all.lines == 3 && all.errors.isEmpty, "\(all)")
            let some = try await list("--limit", "2")
            #expect(some.lines == 2 && some.errors.hasPrefix("more: --cursor "), "\(some)")
            let cursor = some.errors.dropFirst("more: --cursor ".count)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let rest = try await list("--limit", "2", "--cursor", cursor)
            #expect(rest.lines == 1 && rest.errors.isEmpty, "\(rest)")
        }
    }

    @Test func `A worker notes what has been done, for charts`() async throws {
        try await withDatabase { database in
            let worker = try await TasqProgram.start(
                ["work"], environment: ["DATABASE_URL": database.url])
            _ = try await worker.waitForLine(containing: "worker registered")
            try await eventually("sums are noted") {
                try await database.execute("SELECT count(*) > 0 FROM tasq.tally") == "t"
            }
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0), "\(worker.standardError)")
        }
    }
}
