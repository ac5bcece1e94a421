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

/// `tasq prune`, and what the configuration says of how long jobs are kept.
@Suite(.medium) struct PruneTests {
    private static let retention =
        "retention: { success: 7d, error: 90d, cancelled: 30d, queues: { ci: { success: 1h } } }\n"

    /// Jobs of these kinds, each ended so long ago; those of `ci` are on the queue of that name.
    private func fill(_ database: TestDatabase) async throws {
        try await database.execute(
            """
            SELECT tasq.enqueue(k, queue => CASE k WHEN 'ci' THEN 'ci' ELSE 'default' END)
            FROM unnest(ARRAY['ci', 's8d', 's2h', 'e91d', 'e8d', 'c31d', 'waits']) AS k;
            UPDATE tasq.job AS j
            SET status = x.status::tasq.job_status, finished_at = now() - x.age::interval
            FROM (
                VALUES ('ci', 'success', '2 hours'), ('s8d', 'success', '8 days'),
                    ('s2h', 'success', '2 hours'), ('e91d', 'error', '91 days'),
                    ('e8d', 'error', '8 days'), ('c31d', 'cancelled', '31 days')
            ) AS x (kind, status, age)
            WHERE j.kind = x.kind
            """)
    }

    private func kinds(in database: TestDatabase) async throws -> String {
        try await database.execute("SELECT string_agg(kind, ' ' ORDER BY kind) FROM tasq.job")
    }

    @Test func `A dry run counts and changes nothing, and a prune deletes what is told`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile(Self.retention)
            let environment = ["DATABASE_URL": database.url, "TASQ_CONFIG": file.path]
            func prune(_ words: [String]) async throws -> TasqProgram.Run {
                let child = try await TasqProgram.start(
                    ["prune"] + words, environment: environment)
                let exit = try await child.wait()
                return .init(exit: exit, output: child.standardOutput, errors: child.standardError)
            }
            let none = try await prune(["--dry-run"])
            #expect(none.exit == .code(0) && none.output == "nothing to prune", "\(none.errors)")
            try await fill(database)
            let all = "c31d ci e8d e91d s2h s8d waits"
            let dry = try await prune(["--dry-run", "--json"])
            #expect(
                dry.output.split(separator: "\n") == [
                    #"{"queue":"ci","status":"success","jobs":1}"#,
                    #"{"queue":"default","status":"cancelled","jobs":1}"#,
                    #"{"queue":"default","status":"error","jobs":1}"#,
                    #"{"queue":"default","status":"success","jobs":1}"#,
                ])
            let table = try await prune(["--dry-run", "--status", "error"])
            #expect(table.output.split(separator: "\n").count == 2, "\(table.output)")
            #expect(table.output.contains("default  error"), "\(table.output)")
            #expect(try await kinds(in: database) == all)

            let one = try await prune(["--status", "success", "--queue", "ci"])
            #expect(one.exit == .code(0), "\(one.errors)")
            #expect(one.output == "1 pruned: 1 success, 0 error, 0 cancelled")
            #expect(try await kinds(in: database) == "c31d e8d e91d s2h s8d waits")
            let older = ["--status", "error", "--older-than", "1h"]
            let unasked = try await prune(older)
            #expect(unasked.exit == .code(1) && unasked.output.isEmpty)
            #expect(unasked.errors.contains("give --yes"), "\(unasked.errors)")
            #expect(try await kinds(in: database) == "c31d e8d e91d s2h s8d waits")
            let failed = try await prune(older + ["--json", "--yes"])
            #expect(
                failed.output
                    == #"{"pruned":2,"success":0,"error":2,"cancelled":0,"#
                    + #""passed_over":0,"failed":0}"#)
            let rest = try await prune([])
            #expect(rest.output == "2 pruned: 1 success, 0 error, 1 cancelled")
            #expect(try await kinds(in: database) == "s2h waits")
            #expect(try await database.execute("SELECT count(*) FROM tasq.payload") == "2")
        }
    }

    @Test func `A job that PostgreSQL refuses to delete stays, and is told; all others go`()
        async throws
    {
        try await withDatabase { database in
            try await fill(database)
            try await database.execute(
                """
                CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN RAISE EXCEPTION ''this one stays''; END';
                CREATE TRIGGER refuse BEFORE DELETE ON tasq.job FOR EACH ROW
                    WHEN (OLD.kind = 'e91d') EXECUTE FUNCTION public.refuse()
                """)
            let file = try TemporaryFile(Self.retention)
            let pruned = try await TasqProgram.run(
                "prune", "--json",
                environment: ["DATABASE_URL": database.url, "TASQ_CONFIG": file.path])
            #expect(pruned.exit == .code(65))
            #expect(
                pruned.output
                    == #"{"pruned":3,"success":2,"error":0,"cancelled":1,"#
                    + #""passed_over":0,"failed":1}"#)
            #expect(pruned.errors.contains("1 could not be deleted: "), "\(pruned.errors)")
            #expect(pruned.errors.contains("this one stays"), "\(pruned.errors)")
            #expect(try await kinds(in: database) == "e8d e91d s2h waits")
        }
    }

    @Test func `Behind a hundred refused deletions nothing goes on, and nothing else is promised`()
        async throws
    {
        try await withDatabase { database in
            try await database.execute(
                """
                SELECT tasq.enqueue('stays') FROM generate_series(1, 150);
                UPDATE tasq.job SET status = 'success', finished_at = now() - interval '8 days';
                CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN RAISE EXCEPTION ''this one stays''; END';
                CREATE TRIGGER refuse BEFORE DELETE ON tasq.job FOR EACH ROW
                    EXECUTE FUNCTION public.refuse()
                """)
            let file = try TemporaryFile(Self.retention)
            let pruned = try await TasqProgram.run(
                "prune", environment: ["DATABASE_URL": database.url, "TASQ_CONFIG": file.path])
            #expect(pruned.exit == .code(65))
            #expect(
                pruned.errors.contains(
                    "0 jobs are pruned, 100 could not be deleted, and the rest was not looked at"),
                "\(pruned.errors)")
            #expect(!pruned.errors.contains("goes on"), "\(pruned.errors)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "150")
        }
    }

    @Test func `What is kept for ever is not pruned, unless an age is given`() async throws {
        try await withDatabase { database in
            try await fill(database)
            let environment = [
                "DATABASE_URL": database.url, "TASQ_RETENTION_SUCCESS": "forever",
                "TASQ_RETENTION_ERROR": "forever", "TASQ_RETENTION_CANCELLED": "forever",
            ]
            let kept = try await TasqProgram.run("prune", environment: environment)
            #expect(kept.exit == .code(0), "\(kept.errors)")
            #expect(kept.output.contains("--older-than"), "\(kept.output)")
            let json = try await TasqProgram.run("prune", "--json", environment: environment)
            #expect(json.output.hasPrefix(#"{"pruned":0,"#), "\(json.output)")
            let told = try await TasqProgram.run(
                "prune", "--older-than", "30d", "--yes", environment: environment)
            #expect(told.output == "2 pruned: 0 success, 1 error, 1 cancelled")
            #expect(try await kinds(in: database) == "ci e8d s2h s8d waits")
        }
    }

    @Test(arguments: ["work", "serve"])
    func `A worker and a server say at their start what goes when, and prune it`(
        command: String
    ) async throws {
        try await withDatabase { database in
            try await fill(database)
            let file = try TemporaryFile(
                Self.retention + """
                    http: { ingest: "127.0.0.1:0", admin: "127.0.0.1:0" }
                    handlers: { other: { noop: {} } }
                    """)
            let child = try await TasqProgram.start(
                [command, "--config", file.path], environment: ["DATABASE_URL": database.url])
            _ = try await child.waitForLine(
                containing: "finished jobs are pruned: success after 7d, error after 90d, "
                    + "cancelled after 30d; of queue ci success after 1h, error after 90d, ")
            try await eventually("what was kept long enough is gone") {
                try await kinds(in: database) == "e8d s2h waits"
            }
            child.signal(SIGTERM)
            #expect(try await child.wait() == .code(0))
        }
    }

    @Test(arguments: [
        ["--status", "queued"], ["--status", "done"], ["--queue", "a b"],
        ["--older-than", "soon"], ["--older-than", "7 weeks"], ["--older-than", "36501d"],
        ["--older-than", "-5d"], ["everything"],
    ])
    func `A selection that is none exits 64, and nothing is asked of a server`(
        arguments: [String]
    ) async throws {
        let child = try await TasqProgram.start(
            ["prune"] + arguments, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(64))
        #expect(!child.standardError.isEmpty && child.standardOutput.isEmpty)
    }

    @Test(arguments: [
        ("queued: 7d", "retention.queued cannot be pruned: only success, error and cancelled"),
        ("success: -5d", "retention.success must be a whole number and a unit"),
        ("error: 5 weeks", "retention.error must be a whole number and a unit"),
        ("error: 5w", "7d, from 0s to 36500d, or forever"),
        ("cancelled: 36501d", "retention.cancelled must be from 0s to 36500d, or forever"),
        ("sucess: 5d", "unknown key retention.sucess; did you mean success?"),
        ("queues: { a: { executing: 5d } }", "retention.queues.a.executing cannot be pruned"),
        ("queues: { a: { eror: 5d } }", "unknown key retention.queues.a.eror; did you mean error?"),
        ("queues: { a: { error: never } }", "retention.queues.a.error must be a whole number"),
        ("queues: { a: 5d }", "retention.queues.a must be a mapping"),
        ("queues: { a: }", "retention.queues.a must say how long"),
        ("queues: { \"a b\": { error: 5d } }", "is not a name"),
    ])
    func `A retention that makes no sense is told with its line`(
        line: String, text: String
    ) async throws {
        try await expectMistake(below: "retention", line, text)
    }

    @Test func `A queue has what it does not say from all others, the environment included`()
        throws
    {
        let file = try TemporaryFile(
            "retention: { success: 1d, queues: { a: { error: 0 }, b: { success: forever } } }")
        let retention = try Configuration.load(
            flags: ["config": file.path], environment: ["TASQ_RETENTION_SUCCESS": "2h"], needs: []
        ).retention
        #expect(
            retention.description
                == "success after 2h, error after 90d, cancelled after 30d; "
                + "of queue a success after 2h, error at once, cancelled after 30d; "
                + "of queue b success never, error after 90d, cancelled after 30d")
    }
}
