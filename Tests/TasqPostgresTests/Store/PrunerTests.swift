import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// Who prunes, while others do the same or something fails.
@Suite(.medium) struct PrunerTests {
    private let nothing = Retention(.init(success: .zero, error: .zero, cancelled: .zero))

    /// 2600 jobs that ended a day ago, and three that did not end.
    private func fill(_ database: TestDatabase) async throws {
        try await database.execute(
            """
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
            SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop',
                (ARRAY['success', 'error'])[n % 2 + 1]::tasq.job_status, 1, 3, now(),
                now() - interval '1 day'
            FROM generate_series(1, 2600) AS n;
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
            SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'scheduled', 1, 3,
                now() + interval '1 hour'
            FROM generate_series(1, 3) AS n
            """)
    }

    @Test func `Two that hold the term at once delete each job once, and count exactly`()
        async throws
    {
        try await withStore { store, database in
            try await fill(database)
            let meters = [Meters(), Meters()]
            let pruners = meters.map { self.pruner(of: store, $0) }
            try await running(pruners, { await $0.run() }) {
                try await eventually("all have been counted") {
                    meters.reduce(0) { $0 + count($1) } >= 2600
                }
            }
            #expect(meters.reduce(0) { $0 + count($1) } == 2600)
            #expect(meters.reduce(0) { $0 + ($1.prunings[.error]?.value ?? 0) } == 1300)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "3")
        }
    }

    @Test func `Of two that keep up the deployment the holder of the term prunes, by its own ages`()
        async throws
    {
        try await withStore { store, database in
            try await fill(database)
            let meters = Meters()
            let ids = [WorkerID(), WorkerID()]
            // The first has the term already, and the other would keep everything.
            #expect(try await store.ask(as: ids[0]).isHeld)
            let both = zip(ids, [nothing, .forever]).map { id, retention -> Maintenance in
                let doorbell = Doorbell(NoAnnouncer(), meters: meters)
                let promoter = Promoter(
                    store: store, doorbell: doorbell, meters: meters, logger: quiet)
                return Maintenance(
                    store: store, doorbell: doorbell, promoter: promoter, meters: meters,
                    logger: quiet, retention: retention, holder: { id })
            }
            try await running(both, { await $0.run() }) {
                try await eventually("all have been counted") { count(meters) >= 2600 }
            }
            #expect(count(meters) == 2600)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "3")
        }
    }

    @Test func `A deletion that fails is tried again, and loses nothing of the walk`() async throws
    {
        try await withStore { _, database in
            try await fill(database)
            try await database.execute("CREATE SEQUENCE public.tries")
            let failing = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: quiet,
                editing: { statement in
                    guard statement.name == "tasq_prune" else { return statement }
                    return Statement(
                        name: statement.name,
                        text: statement.text + """

                            UNION ALL
                            SELECT NULL::uuid
                            WHERE (SELECT 1 / (nextval('public.tries') > 2)::integer) < 0
                            """,
                        isPlannedAnew: statement.isPlannedAnew)
                })
            let meters = Meters()
            do {
                let pruner = self.pruner(of: failing, meters)
                try await running([pruner], { await $0.run() }) {
                    try await eventually("all have been counted") { count(meters) >= 2600 }
                }
            } catch {
                await failing.close()
                throw error
            }
            await failing.close()
            // Two of them failed.
            #expect(try await database.execute("SELECT last_value >= 8 FROM public.tries") == "t")
            #expect(count(meters) == 2600)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "3")
        }
    }

    @Test func `A job that cannot be deleted holds back no other`() async throws {
        try await withStore { store, database in
            try await fill(database)
            try await database.execute(
                """
                CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN RAISE EXCEPTION ''this one stays''; END';
                UPDATE tasq.job SET priority = 3 WHERE id = (
                    SELECT j.id FROM tasq.job AS j ORDER BY j.id LIMIT 1 OFFSET 1200);
                CREATE TRIGGER refuse BEFORE DELETE ON tasq.job FOR EACH ROW
                    WHEN (OLD.priority = 3) EXECUTE FUNCTION public.refuse()
                """)
            var walk = PruneWalk(nothing)
            var (steps, failures, isAtEnd) = (0, 0, false)
            while !isAtEnd, steps < 200 {
                steps += 1
                do throws(StoreError) {
                    if case .end = try await walk.step(in: store) { isAtEnd = true }
                } catch {
                    failures += 1
                }
            }
            #expect(isAtEnd && failures > 1)
            #expect(walk.total == 2599 && walk.failed == 1 && walk.examined == 2603)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "4")
        }
    }

    @Test func `Nothing is pruned while the server's clock is far ahead of this machine's`()
        async throws
    {
        try await withStore { _, database in
            try await fill(database)
            let ahead = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: quiet,
                editing: { statement in
                    guard statement.name == "tasq_expired" else { return statement }
                    return Statement(
                        name: statement.name,
                        text: statement.text.replacing(
                            "now()", with: "now() + interval '2 hours'"),
                        isPlannedAnew: statement.isPlannedAnew)
                })
            var walk = PruneWalk(nothing)
            let error = await failure { () async throws(StoreError) in
                try await walk.step(in: ahead)
            }
            await ahead.close()
            #expect(error?.word == "misconfigured", "\(String(describing: error))")
            #expect(walk.examined == 0 && walk.total == 0)
        }
    }

    private func pruner(of store: PostgresStore, _ meters: Meters) -> Pruner {
        Pruner(
            store: store, retention: nothing, meters: meters, logger: quiet, isWanted: { true })
    }

    private func count(_ meters: Meters) -> Int {
        meters.prunings.values.reduce(0) { $0 + $1.value }
    }
}
