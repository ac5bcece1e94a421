import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting

/// One schema with everything that works on it, for one measurement.
struct Stage: Sendable {
    let schema: String
    let servers: BenchServers
    let store: PostgresStore
    let announcer: RedisAnnouncer
    let queue: Queue
    /// Whether its Redis is the run's, and answers.
    let announces: Bool
    /// The worker's counts.
    let meters = Meters()

    static let kind = "bench"

    /// Lends a stage and closes its connections. Both stores are empty at the beginning, except
    /// that a schema that is `kept` stays as the last stage left it.
    ///
    /// `redisURL` names another Redis than the run's, as one that is not there; `suffix` is put
    /// after the prefix of the run's keys.
    static func with<Result>(
        _ servers: BenchServers, schema: String? = nil, kept: Bool = false,
        redisURL: String? = nil, suffix: String = "", _ body: (Stage) async throws -> Result
    ) async throws -> Result {
        let schema = schema ?? servers.schema
        if !kept { try await servers.renew(schema) }
        try await servers.forget()
        let store = PostgresStore(
            try PostgresSettings(url: servers.databaseURL, schema: schema), logger: .silent)
        let announcer = RedisAnnouncer(
            try RedisSettings(url: redisURL ?? servers.redis.url, prefix: servers.prefix + suffix),
            logger: .silent)
        let stage = Stage(
            schema: schema, servers: servers, store: store, announcer: announcer,
            queue: Queue(store: store, announcer: announcer), announces: redisURL == nil)
        do {
            let result = try await body(stage)
            await stage.close()
            return result
        } catch {
            await stage.close()
            throw error
        }
    }

    private func close() async {
        await announcer.close()
        await store.close()
    }

    /// A job with a body of so many bytes.
    static func job(_ bytes: Int = 1000, priority: Int = 1) throws -> NewJob {
        try job(body: [UInt8](repeating: UInt8(ascii: "x"), count: bytes), priority: priority)
    }

    static func job(body: [UInt8], priority: Int = 1) throws -> NewJob {
        try NewJob(
            kind: Name(kind), priority: Priority(priority),
            payload: Payload(body, contentType: "application/octet-stream"))
    }

    /// Puts queued jobs into the tables by one statement and lets PostgreSQL look at them, unless its
    /// statistics are to stay as they are.
    func fill(_ count: Int, bytes: Int = 1000, settles: Bool = true) async throws {
        try await servers.admin.script(
            """
            WITH input AS MATERIALIZED (
                SELECT \(schema).uuid_v7() AS id FROM generate_series(1, \(count))
            ),
            bodies AS (
                INSERT INTO \(schema).payload (id, content_type, body)
                SELECT i.id, 'application/octet-stream', repeat('x', \(bytes))::bytea
                FROM input AS i ORDER BY i.id
            )
            INSERT INTO \(schema).job
                (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
            SELECT i.id, i.id, 'default', '\(Self.kind)', 'queued', 1, 20, now()
            FROM input AS i ORDER BY i.id
            """)
        if settles { try await settleDown() }
    }

    /// Puts finished jobs with small bodies into the tables.
    ///
    /// A finished row is wider than a queued one, so a table of nothing else has on every page a
    /// gap that fits exactly one new job, and each job would then dirty a page of its own. A table
    /// that jobs went through has no such gaps: new rows fill them before they become finished.
    /// The rows are therefore packed closer than the table's own fillfactor.
    func fillHistory(_ count: Int) async throws {
        let options: String = try await servers.rows(
            "SELECT array_to_string(reloptions, ', ') FROM pg_class "
                + "WHERE oid = '\(schema).job'::regclass")[0].at(0)
        try await servers.admin.script(
            """
            ALTER TABLE \(schema).job SET (fillfactor = 90);
            WITH input AS MATERIALIZED (
                SELECT \(schema).uuid_v7() AS id FROM generate_series(1, \(count))
            ),
            bodies AS (
                INSERT INTO \(schema).payload (id, content_type, body)
                SELECT i.id, 'application/octet-stream', repeat('x', 100)::bytea
                FROM input AS i ORDER BY i.id
            )
            INSERT INTO \(schema).job
                (id, payload_id, queue, kind, status, priority, attempt, max_attempts, run_at,
                claimed_at, finished_at, last_claim)
            SELECT i.id, i.id, 'default', '\(Self.kind)', 'success', 1, 1, 20, now(), now(), now(),
                gen_random_uuid()
            FROM input AS i ORDER BY i.id;
            ALTER TABLE \(schema).job SET (\(options))
            """)
        try await settleDown()
    }

    /// Puts jobs that failed, jobs that are tried again and webhooks with a finished job each into the
    /// tables, so many of each.
    func fillTroubles(_ count: Int) async throws {
        try await servers.admin.script(
            """
            WITH input AS MATERIALIZED (
                SELECT \(schema).uuid_v7() AS id, n % 3 AS sort
                FROM generate_series(1, 3 * \(count)) AS n
            ),
            bodies AS (
                INSERT INTO \(schema).payload (id, source, event_id, content_type, body)
                SELECT i.id, CASE WHEN i.sort = 0 THEN '\(Self.kind)' END,
                    CASE WHEN i.sort = 0 THEN i.id::text END, 'application/json',
                    convert_to('{"order":{"id":1}}', 'UTF8')
                FROM input AS i ORDER BY i.id
            ),
            attempts AS (
                INSERT INTO \(schema).attempt
                    (job_id, claim, attempt, worker_id, outcome, reason, started_at)
                SELECT i.id, gen_random_uuid(), 1, gen_random_uuid(),
                    CASE i.sort WHEN 1 THEN 'error' ELSE 'retry' END, 'connection refused', now()
                FROM input AS i WHERE i.sort > 0
            )
            INSERT INTO \(schema).job
                (id, payload_id, queue, kind, status, priority, attempt, max_attempts, run_at,
                claimed_at, finished_at)
            SELECT i.id, i.id, 'default', '\(Self.kind)',
                (ARRAY['success', 'error', 'scheduled'])[i.sort + 1]::\(schema).job_status, 1, 1, 20,
                now() + CASE i.sort WHEN 2 THEN interval '1 hour' ELSE interval '0' END, now(),
                CASE WHEN i.sort < 2 THEN now() END
            FROM input AS i ORDER BY i.id
            """)
        try await settleDown()
    }

    /// Announces every queued job.
    func announceAll() async throws {
        var cursor: QueuedCursor?
        repeat {
            let page = try await store.queued(after: cursor, limit: 8192)
            try await announcer.refill(page.jobs)
            cursor = page.next
        } while cursor != nil
    }

    /// Jobs of a status in the table.
    func count(of status: JobStatus) async throws -> Int {
        try await servers.rows(
            "SELECT count(*) FROM \(schema).job WHERE status = '\(status.rawValue)'")[0].at(0)
    }

    /// Fresh statistics, and on private servers no checkpoint left over from the preparation.
    func settleDown() async throws {
        for table in ["job", "payload"] {
            try await servers.admin.script("VACUUM (ANALYZE) \(schema).\(table)")
        }
        if servers.isPrivate { try await servers.admin.script("CHECKPOINT") }
    }

    /// Every row read once, statistics as they were or fresh, and no checkpoint left over, on a server
    /// of somebody else's if it lets us ask for one.
    ///
    /// Whoever reads a row first marks it as committed, which dirties its page; where pages have
    /// checksums (the default since PostgreSQL 18) it puts the page's image into the log as well.
    /// ANALYZE does that in passing: without this, fresh statistics would look better than they are.
    func readThrough(analyzes: Bool) async throws {
        for table in ["job", "payload"] {
            try await servers.admin.script("SELECT count(t) FROM \(schema).\(table) AS t")
            if analyzes { try await servers.admin.script("ANALYZE \(schema).\(table)") }
        }
        do {
            try await servers.admin.script("CHECKPOINT")
        } catch {
            if servers.isPrivate { throw error }
        }
    }

    /// Runs a worker with one handler, for the kinds named, while the body runs.
    func withWorker<Result: Sendable>(
        slots: Int, kinds: [String] = ["*"],
        handler: @escaping @Sendable (JobContext) async throws -> Void = { _ in },
        _ body: () async throws -> Result
    ) async throws -> Result {
        var handlers = HandlerTable()
        for kind in kinds { try handlers.add(kind, Handler(run: handler)) }
        return try await withWorker(slots: slots, handlers: handlers, body)
    }

    /// Runs a worker with these handlers while the body runs.
    func withWorker<Result: Sendable>(
        slots: Int, handlers: HandlerTable, _ body: () async throws -> Result
    ) async throws -> Result {
        let worker = Worker(
            store: store, announcer: announcer, handlers: handlers,
            settings: try WorkerSettings(concurrency: slots), logger: .silent, meters: meters)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            let result = try await body()
            group.cancelAll()
            try await group.waitForAll()
            return result
        }
    }

    /// Returns when so many claims have been ended. Throws ``Failure`` when nothing moves for long.
    func settled(_ count: Int) async throws {
        var last = (settled: -1, time: ContinuousClock.now)
        while meters.settled.value < count {
            if meters.settled.value != last.settled {
                last = (meters.settled.value, .now)
            } else if .now - last.time > Self.patience {
                throw Failure(.internal, "\(last.settled) of \(count) jobs settled, then no more")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private static let patience = Duration.seconds(30)

    /// The one number that a reading statement gives.
    func number(_ sql: String) async throws -> Int {
        try await servers.rows(sql)[0].at(0)
    }

    /// Looks again and again until it is so; throws ``Failure`` when that takes too long.
    func until(
        _ what: String, for limit: Duration = .seconds(60),
        every pause: Duration = .milliseconds(20), _ isSo: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + limit
        while try await !isSo() {
            guard ContinuousClock.now < end else {
                throw Failure(.internal, "not within \(DurationText.format(limit)): \(what)")
            }
            try await Task.sleep(for: pause)
        }
    }
}
