import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

/// `tasq.enqueue` as people write it, in psql and in their programs.
@Suite(.medium) struct SQLEnqueueTests {
    @Test(arguments: [
        ("tasq.enqueue('k')", "{}"), ("tasq.enqueue('k', queue => 'q')", "{}"),
        ("tasq.enqueue('k', '{\"a\":1}')", "{\"a\":1}"),
        ("tasq.enqueue('k', '{\"a\":1}', 'q')", "{\"a\":1}"),
        ("tasq.enqueue('k', '{\"a\":1}'::text)", "{\"a\":1}"),
        ("tasq.enqueue('k', '{\"a\":1}'::varchar(20))", "{\"a\":1}"),
        ("tasq.enqueue('k', '{\"a\":1}'::json)", "{\"a\":1}"),
        ("tasq.enqueue('k', row_to_json(x))", "{\"a\":1}"),
        ("tasq.enqueue('k', '{\"a\":1}'::jsonb)", "{\"a\": 1}"),
        ("tasq.enqueue('k', payload => '{\"a\":1}', priority => 0::bigint)", "{\"a\":1}"),
        ("tasq.enqueue('k', '7', priority => 3::smallint, max_attempts => 5::bigint)", "7"),
        ("tasq.enqueue('k', '\\x00ff'::bytea)", "\\000\\377"),
    ])
    func `A body of any type and a priority of any width are taken`(
        call: String, body: String
    ) async throws {
        try await withDatabase { database in
            let id = try await database.execute("SELECT \(call) FROM (SELECT 1 AS a) AS x")
            #expect(JobID(id) != nil)
            let stored = try await database.execute(
                "SELECT encode(body, 'escape') FROM tasq.payload")
            #expect(stored == body)
        }
    }

    @Test func `Parameters without a type are taken, and what is no JSON is refused as such`()
        async throws
    {
        try await withDatabase { database in
            let ids = try await database.execute(
                """
                PREPARE one AS SELECT tasq.enqueue($1, $2);
                EXECUTE one('k', '{"b": 2}');
                PREPARE many AS SELECT tasq.enqueue($1, $2, queue => $3, priority => $4);
                EXECUTE many('k', '[]', 'q', 2)
                """)
            #expect(ids.split(separator: "\n").count == 2)
            let error = await #expect(throws: TestingError.self) { () async throws in
                _ = try await database.execute("SELECT tasq.enqueue('q', 'k', '{}')")
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains("invalid input syntax for type json"))
        }
    }

    @Test(arguments: [
        ("unique_while => 'queued'", "unique_while needs a unique_key"),
        ("on_conflict => 'replace'", "on_conflict needs a unique_key"),
        ("unique_key => 'u', on_conflict => 'drop'", "on_conflict must be one of keep, replace"),
        ("unique_key => 'u', unique_while => 'always'", "unique_while must be one of unfinished"),
    ])
    func `A policy without a key, and one that is none, are refused`(
        arguments: String, rule: String
    ) async throws {
        try await withDatabase { database in
            let error = await #expect(throws: TestingError.self) { () async throws in
                _ = try await database.execute("SELECT tasq.enqueue('k', \(arguments))")
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains(rule))
        }
    }

    @Test func `With the notice turned off a transaction can be prepared, and its job is found`()
        async throws
    {
        let server = try await PrivatePostgres.start(
            settings: ["max_prepared_transactions": "2"], durable: false)
        let environment = ["DATABASE_URL": server.url(database: "postgres")]
        _ = try await TasqProgram.run("migrate", environment: environment)
        await #expect(throws: TestingError.self) { () async throws in
            _ = try await server.execute(
                "BEGIN; SELECT tasq.enqueue('noop'); PREPARE TRANSACTION 'a'")
        }
        try await server.execute(
            """
            BEGIN; SET LOCAL tasq.notify = off; SELECT tasq.enqueue('noop');
            PREPARE TRANSACTION 'b'; COMMIT PREPARED 'b'
            """)
        let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
        let worker = try await TasqProgram.start(
            ["work", "--config", file.path], environment: environment)
        _ = try await worker.waitForLine(containing: "worker registered")
        try await server.execute(
            """
            BEGIN; SET LOCAL tasq.notify = off; SELECT tasq.enqueue('noop');
            PREPARE TRANSACTION 'c'; COMMIT PREPARED 'c'
            """)
        try await eventually("both are done") {
            try await server.execute("SELECT count(*) FROM tasq.job WHERE status = 'success'")
                == "2"
        }
        worker.signal(SIGTERM)
        #expect(try await worker.wait() == .code(0))
        await server.stop(.immediate)
    }

    @Test func `Who could write jobs before goes on, and what depended on the old function too`()
        async throws
    {
        try await TestDatabase.with(template: "empty", migrate: { _ in }) { database in
            let environment = ["DATABASE_URL": database.url]
            let first = try await TasqProgram.run("migrate", environment: environment)
            #expect(first.exit == .code(0))
            // The schema as it stood before the functions were made anew.
            try await database.execute(
                """
                DROP TABLE tasq.granted, tasq.tally, tasq.schedule, tasq.schedule_tick,
                    tasq.past_worker, tasq.flow_limit;
                DROP INDEX tasq.job_stopped, tasq.job_failed, tasq.job_retrying;
                DROP FUNCTION tasq.store, tasq.ring, tasq.put_schedule;
                ALTER TABLE tasq.worker DROP COLUMN lock_server;
                ALTER TABLE tasq.bulk DROP COLUMN retrying, DROP COLUMN with_reason,
                    DROP COLUMN source, DROP COLUMN rate;
                DELETE FROM tasq.schema_version WHERE number >= 9;
                ALTER TABLE tasq.schema_version DROP COLUMN oldest;
                DO $$ DECLARE f regprocedure; BEGIN
                    FOR f IN SELECT oid FROM pg_proc WHERE proname = 'enqueue' LOOP
                        EXECUTE format('DROP FUNCTION %s', f);
                    END LOOP;
                END $$;
                CREATE FUNCTION tasq.enqueue(text, jsonb DEFAULT '{}', text DEFAULT '', timestamptz
                    DEFAULT now(), integer DEFAULT 1, text DEFAULT '', text DEFAULT '', integer
                    DEFAULT 1) RETURNS uuid LANGUAGE sql AS 'SELECT tasq.uuid_v7()';
                CREATE VIEW public.late AS SELECT tasq.enqueue('a') AS id;
                CREATE ROLE w\(database.name);
                GRANT USAGE ON SCHEMA tasq TO w\(database.name);
                GRANT INSERT ON tasq.job TO w\(database.name)
                """)
            let run = try await TasqProgram.run("migrate", environment: environment)
            #expect(run.output.contains("applied roles"), "\(run.output)\(run.errors)")
            #expect(JobID(try await database.execute("SELECT id FROM public.late")) != nil)
            let id = try await database.execute(
                "SET ROLE w\(database.name); SELECT tasq.enqueue('a')")
            #expect(JobID(id) != nil)
            try await database.execute(
                "DROP OWNED BY w\(database.name); DROP ROLE w\(database.name)")
        }
    }
}
