import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Lists beside jobs whose ids do not grow with time, as those that an `Idempotency-Key` makes.
@Suite(.medium) struct JobOrderTests {
    /// Twelve jobs ten minutes apart, the oldest first; every other one has an id that tells no time.
    private func withJobs(
        _ body: (TestDatabase, [String: String], _ ids: [String]) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: .silent)
            var ids: [String] = []
            for number in 0..<12 {
                // Above and below all ids of today by turns.
                let high: UInt64 = number % 4 == 1 ? 0xF000_0000_0000_8000 : 0x8000
                let time = Timestamp(
                    microseconds: Timestamp.now.microseconds - Int64(12 - number) * 600_000_000)
                let milliseconds = UInt64(time.microseconds / 1000)
                let id = JobID(
                    high: number % 2 == 1 ? high : milliseconds << 16 | 0x7000,
                    low: UInt64(100 - number) | 1 << 63)
                _ = try await store.enqueue([
                    try NewJob(id: id, kind: Name("noop"), payload: Payload([]))
                ])
                try await database.execute(
                    "UPDATE tasq.job SET enqueued_at = '\(time)' WHERE id = '\(id)'")
                ids.append(id.description)
            }
            await store.close()
            try await body(database, ["DATABASE_URL": database.url], ids)
        }
    }

    private func list(
        _ environment: [String: String], _ arguments: String...
    ) async throws -> (ids: [String], cursor: String?) {
        let child = try await TasqProgram.start(
            ["jobs", "list", "--json"] + arguments, environment: environment)
        #expect(try await child.wait() == .code(0), "\(child.standardError)")
        let ids = child.standardOutput.split(separator: "\n").compactMap { line in
            line.components(separatedBy: #""id":""#).dropFirst().first.map { String($0.prefix(36)) }
        }
        return (ids, child.standardError.components(separatedBy: "--cursor ").dropFirst().first)
    }

    @Test func `Newest first goes by the time of enqueue, whatever the ids are, and so do pages`()
        async throws
    {
        try await withJobs { _, environment, ids in
            #expect(try await list(environment).ids == ids.reversed())
            for size in [1, 2, 3, 5] {
                var paged: [String] = []
                var cursor: String?
                repeat {
                    let more = cursor.map { ["--cursor", $0] } ?? []
                    let child = try await TasqProgram.start(
                        ["jobs", "list", "--limit", "\(size)", "--json"] + more,
                        environment: environment)
                    #expect(try await child.wait() == .code(0), "\(child.standardError)")
                    paged += child.standardOutput.split(separator: "\n").compactMap { line in
                        line.components(separatedBy: #""id":""#).dropFirst().first.map {
                            String($0.prefix(36))
                        }
                    }
                    cursor = child.standardError.components(separatedBy: "--cursor ").dropFirst()
                        .first.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
                } while cursor != nil
                #expect(paged == ids.reversed(), "pages of \(size)")
            }
        }
    }

    @Test func `--since and --until list what the same bulk action counts`() async throws {
        try await withJobs { database, environment, ids in
            for (flag, shown) in [("--since", Array(ids[7...])), ("--until", Array(ids[..<7]))] {
                #expect(
                    try await list(environment, flag, "55m").ids == shown.reversed(), "\(flag)")
                let dry = try await TasqProgram.run(
                    "jobs", "cancel", flag, "55m", "--dry-run", environment: environment)
                #expect(dry.output == "\(shown.count) match", "\(flag): \(dry.output)")
            }
            let plan = try await database.execute(
                """
                SET enable_seqscan = off;
                EXPLAIN SELECT id FROM tasq.job
                WHERE (id < '016f5e66-e800-0000-0000-000000000000'
                    OR id >= '03bb2cc3-d800-0000-0000-000000000000')
                ORDER BY enqueued_at DESC, id DESC LIMIT 10
                """)
            #expect(plan.contains("job_unordered"), "\(plan)")
        }
    }

    @Test(arguments: [
        "019ab3c4", "f0000000-0000-8000-8000-000000000064", "f0000000-0000-8000-8000-000000000064.",
        "f0000000-0000-8000-8000-000000000064.-5", "019ab3c4-5d6e-7f80-9123-456789abcdef.7",
        "f0000000-0000-8000-8000-000000000064.99999999999999999999",
    ])
    func `A cursor that no list ended with is refused`(cursor: String) async throws {
        let run = try await TasqProgram.run(
            "jobs", "list", "--cursor", cursor,
            environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(run.exit == .code(64))
        #expect(run.errors.hasPrefix("tasq: --cursor must be what an earlier list ended with"))
    }
}
