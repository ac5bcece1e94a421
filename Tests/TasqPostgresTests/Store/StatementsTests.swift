import Logging
import Tasq
import TasqTesting
import Testing

@testable import TasqPostgres

@Suite struct StatementsTests {
    @Test func `Every statement prepares on the migrated schema`() async throws {
        try await withStore { _, database in
            for statement in Statements(schema: "tasq").all {
                try await database.execute("PREPARE p AS \(statement.text)")
            }
        }
    }

    @Test func `The schema may have another name`() async throws {
        try await TestDatabase.with(template: "empty", migrate: { _ in }) { database in
            let settings = try PostgresSettings(url: database.url, schema: "jobs_of_app")
            let store = PostgresStore(settings, logger: .init(label: "test"))
            try await store.migrate()
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            #expect(try await store.claim([id], for: worker, from: defaultQueues).count == 1)
            try await database.execute("SELECT jobs_of_app.enqueue('noop')")
            #expect(try await database.execute("SELECT count(*) FROM jobs_of_app.job") == "2")
            await store.close()
        }
    }

    @Test(arguments: [
        "Tasq", "a b", "tasq;", "", "1a", "pg_catalog\"", String(repeating: "a", count: 64),
    ])
    func `A schema's name that is none is refused`(name: String) throws {
        #expect(throws: StoreError.self) {
            try PostgresSettings(url: "postgres://127.0.0.1/x", schema: name)
        }
    }

    @Test func `The hot statements walk their indexes with a long history behind them`()
        async throws
    {
        try await withStore { _, database in
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop',
                    (CASE WHEN n % 100 = 0 THEN 'queued' ELSE 'success' END)::tasq.job_status, 1, 3,
                    now(), CASE WHEN n % 100 = 0 THEN NULL ELSE now() END
                FROM generate_series(1, 40000) AS n;
                ANALYZE tasq.job
                """)
            let statements = Statements(schema: "tasq")
            let id = "'{\(JobID())}'"
            let worker = "'\(WorkerID())'"
            for (statement, arguments, index) in [
                (statements.claim, "\(id), \(worker), '{default}'", "job_pkey"),
                (statements.settle, "\(id), \(id), '{success}', '{0}', '{NULL}'", "job_pkey"),
                (statements.sweep, "\(worker), '{default}', 10", "job_queued"),
                (statements.queued, "'', 0, now(), \(worker), 10", "job_queued"),
                (statements.promote, "10", "job_scheduled"),
                (statements.claimSuspect, "\(worker), '{default}'", "job_suspect"),
            ] {
                let plan = try await database.execute(
                    """
                    SET plan_cache_mode = force_generic_plan;
                    PREPARE p AS \(statement.text);
                    EXPLAIN EXECUTE p(\(arguments))
                    """)
                #expect(plan.contains(index), "\(statement.name): \(plan)")
                #expect(!plan.contains("Seq Scan on job"), "\(statement.name): \(plan)")
            }
        }
    }
}
