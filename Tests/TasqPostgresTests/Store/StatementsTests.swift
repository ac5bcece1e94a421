import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct StatementsTests {
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

    /// A session keeps its plans, and many begin while there is nothing to do.
    @Test func `Plans made on empty tables find jobs by their ids`() async throws {
        try await withStore { _, database in
            for table in ["job", "payload", "executing_job", "unique_key"] {
                try await database.execute("VACUUM (ANALYZE) tasq.\(table)")
            }
            let statements = Statements(schema: "tasq")
            let worker = "'\(WorkerID())'"
            for (statement, arguments) in [
                (statements.claim, "'{}', \(worker), '{default}'"),
                (statements.settle, "'{}', '{}', '{success}', '{}', '{}'"),
                (statements.stillQueued, "'{}'"), (statements.announceable, "'{}'"),
                (statements.settledBefore, "'{}', '{}', '{}'"),
                (statements.sweep, "\(worker), '{default}', 10, 2000, '{}', '{}', '{}'"),
                (statements.turn, "\(worker), '{default}'"),
                (statements.claimSuspect, "\(worker), '{default}'"),
                (statements.heldBody, "\(worker), \(worker)"),
            ] {
                let plan = try await database.execute(
                    """
                    SET plan_cache_mode = force_generic_plan;
                    SET enable_seqscan = off;
                    PREPARE p AS \(statement.text);
                    EXPLAIN EXECUTE p(\(arguments))
                    """)
                #expect(plan.contains("job_pkey"), "\(statement.name): \(plan)")
                #expect(
                    !plan.contains("job_queued") || statement.name == statements.sweep.name,
                    "\(statement.name): \(plan)")
                // A condition looked at after reading a row, where an index would have led to it.
                #expect(!plan.contains("Join Filter"), "\(statement.name): \(plan)")
            }
        }
    }

    /// The statistics of an empty table make every plan as good as any other, and a session keeps the
    /// one it made then.
    @Test func `A plan made while the tables were empty does not outlive the first seconds`()
        async throws
    {
        try await withStore { _, database in
            for table in ["job", "payload", "executing_job"] {
                try await database.execute("VACUUM (ANALYZE) tasq.\(table)")
                // So that only the session itself can find a better plan.
                try await database.execute(
                    "ALTER TABLE tasq.\(table) SET (autovacuum_enabled = false)")
            }
            let session = Session(
                settings: try PostgresSettings(url: database.url), logger: quiet)
            let statements = Statements(schema: "tasq")
            func settle() async throws {
                var nothing = Parameters()
                nothing.append([JobID()])
                nothing.append([ClaimToken()])
                nothing.append(["success"])
                nothing.append([] as [Int64])
                nothing.append([] as [String?])
                _ = try await session.run(statements.settle, nothing)
            }
            try await settle()
            try await makeHistory(in: database, analyzed: false)
            func rowsRead() async throws -> Int {
                try await session.script("SELECT pg_stat_force_next_flush()")
                return try #require(
                    Int(
                        try await database.execute(
                            "SELECT idx_tup_read FROM pg_stat_user_indexes "
                                + "WHERE indexrelname = 'job_pkey'")))
            }
            try await eventually("a settlement looks its jobs up") {
                let before = try await rowsRead()
                try await settle()
                return try await rowsRead() - before < 100
            }
            await session.close()
        }
    }

    /// A backlog that came faster than anybody counted it.
    @Test(arguments: ["force_generic_plan", "force_custom_plan"])
    func `A sweep looks for suspects among the suspects alone`(mode: String) async throws {
        try await withStore { _, database in
            try await database.execute("ALTER TABLE tasq.job SET (autovacuum_enabled = false)")
            try await makeHistory(in: database, analyzed: false)
            try await database.execute("UPDATE tasq.job SET status = 'queued', finished_at = NULL")
            let statements = Statements(schema: "tasq")
            let worker = "'\(WorkerID())'"
            let sweep = try await expect(
                statements.sweep, "\(worker), '{default}', 10, 2000, '{}', '{}', '{}'",
                walks: "job_suspect", mode, in: database)
            // Once for the jobs and once for the place where it ends.
            #expect(sweep.split(separator: "job_queued").count == 3, "\(sweep)")
            let claim = try await expect(
                statements.claimSuspect, "\(worker), '{default}'",
                walks: "job_suspect", mode, in: database)
            #expect(!claim.contains("job_queued"), "\(claim)")
            let turn = try await expect(
                statements.turn, "\(worker), '{default}'", walks: "job_suspect", mode, in: database)
            #expect(!turn.contains("job_queued"), "\(turn)")
        }
    }

    @Test func `The hot statements walk their indexes with a long history behind them`()
        async throws
    {
        try await withStore { _, database in
            try await makeHistory(in: database)
            let statements = Statements(schema: "tasq")
            let id = "'{\(JobID())}'"
            let worker = "'\(WorkerID())'"
            for (statement, arguments, index) in [
                (statements.claim, "\(id), \(worker), '{default}'", "job_pkey"),
                (statements.settle, "\(id), \(id), '{success}', '{0}', '{NULL}'", "job_pkey"),
                (
                    statements.sweep, "\(worker), '{default}', 10, 2000, '{}', '{}', '{}'",
                    "job_queued"
                ),
                (statements.queued, "'', 0, now(), \(worker), 10", "job_queued"),
                (statements.promote, "10", "job_scheduled"),
                (statements.hasten, "'{default}', 10, 100", "job_queued"),
                (statements.claimSuspect, "\(worker), '{default}'", "job_suspect"),
            ] {
                try await expect(statement, arguments, walks: index, in: database)
            }
        }
    }

    @Test func `The statements behind the dashboard do not read a long history`() async throws {
        try await withStore { _, database in
            try await makeHistory(in: database)
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, source, content_type, body)
                SELECT tasq.uuid_v7(), CASE WHEN n % 50 = 0 THEN 's' END, 'text/plain', ''
                FROM generate_series(1, 20000) AS n;
                ANALYZE tasq.payload
                """)
            let statements = Statements(schema: "tasq")
            let (first, last) = ("'\(JobID(high: 0, low: 0))'", "'\(JobID())'")
            let list =
                "\(last), 50, NULL, NULL, NULL, NULL, \(first), NULL, NULL, NULL, NULL, 100, FALSE, "
                + "NULL, NULL"
            for (statement, arguments, index) in [
                (statements.queues, "1000, 100, 1000", "job_queued"),
                (statements.failures, "1000, 100", "job_failed"),
                (statements.failures, "1000, 100", "job_retrying"),
                (statements.jobs, list, "job_unordered"),
                (statements.jobs, list, "job_pkey"),
                (statements.explain, last, "job_pkey"),
                (statements.kinds, "2000, 100", "job_pkey"),
                (statements.kinds, "2000, 100", "job_unordered"),
                (statements.events, "NULL, 50, NULL, NULL, NULL, 100", "payload_received"),
                (statements.eventJobs, last, "job_shared_payload"),
                (statements.eventOutcomes, "'{\(JobID())}', 100", "job_shared_payload"),
                (statements.bodies, "'{\(JobID())}', 'x', 1000, 1000", "payload_pkey"),
            ] {
                let plan = try await expect(statement, arguments, walks: index, in: database)
                #expect(!plan.contains("Seq Scan on payload"), "\(statement.name): \(plan)")
            }
        }
    }

    /// An index with shorter entries may be a level lower, and as good where the statistics know of no
    /// failure: all of them would be read and sorted once for every kind.
    @Test(arguments: ["force_generic_plan", "force_custom_plan"])
    func `Failures are counted in their own indexes, whatever others have the same rows`(
        mode: String
    ) async throws {
        try await withStore { _, database in
            try await database.execute("ALTER TABLE tasq.job SET (autovacuum_enabled = false)")
            try await makeHistory(in: database)
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at,
                    finished_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), repeat('q', 100), repeat('k', 100),
                    (CASE WHEN n % 2 = 0 THEN 'error' ELSE 'scheduled' END)::tasq.job_status, 1, 3, 1,
                    now() + n * interval '1 s',
                    CASE WHEN n % 2 = 0 THEN now() - n * interval '1 s' END
                FROM generate_series(1, 10000) AS n
                """)
            let failures = Statements(schema: "tasq").failures
            let plan = try await expect(
                failures, "1000, 100", walks: "job_failed", mode, in: database)
            #expect(plan.contains("job_retrying"), "\(plan)")
            for other in ["job_error", "job_scheduled", "job_stopped", "job_pkey"] {
                #expect(!plan.contains(other), "\(plan)")
            }
        }
    }

    private func makeHistory(in database: TestDatabase, analyzed: Bool = true) async throws {
        try await database.execute(
            """
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
            SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop',
                (CASE WHEN n % 100 = 0 THEN 'queued' ELSE 'success' END)::tasq.job_status, 1, 3,
                now(), CASE WHEN n % 100 = 0 THEN NULL ELSE now() END
            FROM generate_series(1, 40000) AS n
            """)
        if analyzed { try await database.execute("ANALYZE tasq.job") }
    }

    /// Returns the plan.
    @discardableResult
    private func expect(
        _ statement: Statement, _ arguments: String, walks index: String,
        _ mode: String? = nil, in database: TestDatabase
    ) async throws -> String {
        let usual = "force_\(statement.isPlannedAnew ? "custom" : "generic")_plan"
        let plan = try await database.execute(
            """
            SET plan_cache_mode = \(mode ?? usual);
            PREPARE p AS \(statement.text);
            EXPLAIN EXECUTE p\(arguments.isEmpty ? "" : "(\(arguments))")
            """)
        #expect(plan.contains(index), "\(statement.name): \(plan)")
        #expect(!plan.contains("Seq Scan on job"), "\(statement.name): \(plan)")
        return plan
    }
}
