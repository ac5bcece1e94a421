import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq repair`, and unique keys whose jobs somebody deleted by hand.
@Suite(.medium) struct RepairTests {
    /// Six jobs, each made wrong in a way of its own, and three rows without a job.
    private static let damage = """
        WITH numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM tasq.job)
        UPDATE tasq.job AS j SET
            status = (CASE n WHEN 1 THEN 'executing' WHEN 5 THEN 'scheduled' ELSE 'queued' END)::tasq.job_status,
            attempt = CASE n WHEN 1 THEN 1 WHEN 2 THEN 20 ELSE 0 END,
            run_at = now() + CASE n WHEN 4 THEN interval '5 years' WHEN 5 THEN interval '-2 days'
                ELSE interval '0' END,
            unique_key = CASE n WHEN 6 THEN 'mine' END
        FROM numbered AS m WHERE m.id = j.id;
        DELETE FROM tasq.payload WHERE id = (SELECT id FROM tasq.job ORDER BY id OFFSET 2 LIMIT 1);
        INSERT INTO tasq.unique_key VALUES ('ghost', gen_random_uuid());
        INSERT INTO tasq.worker VALUES (gen_random_uuid(), 'h', 1, '{default}', 1, 'v', 1, 1);
        INSERT INTO tasq.executing_job
            SELECT gen_random_uuid(), gen_random_uuid(), id, 1, now() FROM tasq.worker;
        DELETE FROM tasq.setting
        """

    private func run(_ environment: [String: String], _ arguments: String...) async throws
        -> TasqProgram.Run
    {
        let child = try await TasqProgram.start(
            arguments + ["--pause", "0s"], environment: environment)
        let exit = try await child.wait()
        return .init(exit: exit, output: child.standardOutput, errors: child.standardError)
    }

    @Test func `What verify finds is mended, and what a person must decide is left`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let lines = [String](repeating: #"{"kind":"noop"}"#, count: 7)
            _ = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: environment,
                input: lines.joined(separator: "\n"))
            let forever = try await database.execute(
                "SELECT id FROM tasq.job ORDER BY id DESC LIMIT 1")
            try await database.execute(Self.damage)
            try await database.execute(
                "UPDATE tasq.job SET status = 'scheduled', run_at = 'infinity' WHERE id = '\(forever)'"
            )
            let found = try await run(environment, "verify")
            let count = found.output.split(separator: "\n").count
            #expect(count == 10, "\(found.output)")

            let dry = try await run(environment, "repair", "--dry-run")
            #expect(dry.exit == .code(1))
            #expect(dry.output.components(separatedBy: "would mend").count == 10, "\(dry.output)")
            let objects = try await run(environment, "repair", "--dry-run", "--json").output
                .split(separator: "\n")
            #expect(objects.count == 10 && objects.allSatisfy { $0.hasPrefix("{\"violation\":") })
            let mendable = objects.filter {
                $0.hasSuffix(#","mended":false,"mendable":true}"#)
            }
            #expect(mendable.count == 9, "\(objects)")
            #expect(try await run(environment, "verify").output == found.output)

            let repair = try await run(environment, "repair")
            #expect(
                repair.exit == .code(1) && repair.errors.contains("1 left to a person, 9 mended"))
            #expect(repair.output.contains("left never-due \(forever): "), "\(repair.output)")
            let states = try await database.execute(
                "SELECT string_agg(status::text || attempt || '/' || max_attempts, ' ' ORDER BY id) FROM tasq.job"
            )
            #expect(
                states == "queued1/20 queued20/21 error0/20 scheduled0/20 queued0/20 queued0/20 "
                    + "scheduled0/20")
            #expect(try await database.execute("SELECT key FROM tasq.unique_key") == "mine")
            _ = try await TasqProgram.run("jobs", "cancel", forever, environment: environment)
            let clean = try await run(environment, "verify")
            #expect(clean.exit == .code(0), "\(clean.output)")
            #expect(try await run(environment, "repair").output == "nothing to mend")
        }
    }

    @Test func `What a clock that went back put off is due, what somebody put off scheduled`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for ahead in ["23 hours", "25 hours"] {
                let id = try await TasqProgram.run("enqueue", "noop", environment: environment)
                    .output
                try await database.execute(
                    "UPDATE tasq.job SET run_at = now() + interval '\(ahead)' WHERE id = '\(id)'")
            }
            let found = try await run(environment, "verify").output.split(separator: "\n")
            #expect(found.count == 2 && found.allSatisfy { $0.hasPrefix("queued-not-due ") })
            #expect(try await run(environment, "repair").exit == .code(0))
            let states = try await database.execute(
                "SELECT string_agg(concat_ws(' ', status, run_at <= now()), ', ' ORDER BY id) "
                    + "FROM tasq.job")
            #expect(states == "queued t, scheduled f")
            #expect(try await run(environment, "verify").exit == .code(0))
        }
    }

    @Test func `A unique key whose job was deleted by hand is free for the next one`() async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let first = try await TasqProgram.run(
                "enqueue", "a", "--unique-key", "u", environment: environment)
            try await database.execute("DELETE FROM tasq.job")
            let second = try await TasqProgram.run(
                "enqueue", "a", "--unique-key", "u", environment: environment)
            #expect(second.exit == .code(0) && second.output != first.output)
            #expect(try await database.execute("SELECT id FROM tasq.job") == second.output)
            #expect(
                try await database.execute("SELECT * FROM tasq.unique_key") == "u|\(second.output)")
            try await database.execute("DELETE FROM tasq.job")
            let third = try await database.execute("SELECT tasq.enqueue('a', unique_key => 'u')")
            let fourth = try await database.execute("SELECT tasq.enqueue('a', unique_key => 'u')")
            #expect(third != second.output && fourth == third)
            #expect(try await run(environment, "verify").exit == .code(0))
        }
    }

    @Test func `A key or a claim that somebody is freeing keeps no repair waiting`() async throws {
        try await withDatabase { database in
            let settings = try PostgresSettings(url: database.url)
            let store = PostgresStore(settings, logger: .silent)
            let locker = Session(settings: settings, logger: .silent)
            let ids = [JobID(), JobID()]
            for id in ids {
                try await database.execute(
                    """
                    INSERT INTO tasq.unique_key VALUES ('of \(id)', '\(id)');
                    INSERT INTO tasq.executing_job
                    VALUES ('\(id)', gen_random_uuid(), gen_random_uuid(), 1, now())
                    """)
            }
            _ = try await locker.script(
                """
                BEGIN; SELECT FROM tasq.unique_key WHERE job_id = '\(ids[0])' FOR UPDATE;
                SELECT FROM tasq.executing_job WHERE job_id = '\(ids[0])' FOR UPDATE
                """)
            #expect(try await store.repair(ids) == [ids[1]])
            _ = try await locker.script("ROLLBACK")
            #expect(try await store.repair(ids) == [ids[0]])
            await locker.close()
            await store.close()
        }
    }

    /// Eight at once on the keys of deleted jobs: one of them wins each.
    @Test func `The key of a deleted job goes to one of those who want it`() async throws {
        try await withDatabase { database in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: .silent)
            func batch() throws -> [NewJob] {
                try (0..<20).map { number in
                    try NewJob(kind: Name("a"), uniqueKey: "u\(number)", payload: Payload([]))
                }
            }
            for _ in 0..<10 {
                _ = try await store.enqueue(try batch())
                try await database.execute("DELETE FROM tasq.job")
                let ids = try await withThrowingTaskGroup(of: [JobID].self) { group in
                    for _ in 0..<8 {
                        let jobs = try batch()
                        group.addTask { try await store.enqueue(jobs).map(\.id) }
                    }
                    return try await group.reduce(into: Set<JobID>()) { $0.formUnion($1) }
                }
                #expect(ids.count == 20)
                #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "20")
                try await database.execute("DELETE FROM tasq.job")
            }
            await store.close()
        }
    }
}
