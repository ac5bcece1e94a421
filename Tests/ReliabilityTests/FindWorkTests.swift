import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// The three designs of the note this grew from, run by one body.
@Suite(.system) struct FindWorkTests {
    @Test(arguments: FindWork.allCases)
    func `Old jobs and new ones run, however the worker finds them`(mode: FindWork) async throws {
        try await Fleet.with { fleet in
            try await fleet.enqueue(50)
            let worker = try await fleet.worker(slots: 4, ["TASQ_FIND_WORK": mode.rawValue])
            try await fleet.reaches(50, .success)
            try await fleet.enqueue(50)
            try await fleet.reaches(100, .success)
            #expect(fleet.log.count == 100)
            try await fleet.stop([worker])
        }
    }

    @Test func `A job enqueued by SQL is picked up though no program announced it`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker()
            for _ in 0..<5 {
                let id = try #require(
                    JobID(try await fleet.sql("SELECT tasq.enqueue('noop', '{}')")))
                try await eventually("it has run") {
                    try await fleet.store.job(id)?.status == .success
                }
            }
            let waits = try await fleet.sql(
                "SELECT round(extract(epoch FROM claimed_at - enqueued_at) * 1000) FROM tasq.job")
            print("enqueued by SQL, claimed after (ms):", waits.split(separator: "\n"))
            try await fleet.stop([worker])
        }
    }

    @Test func `A delayed job runs when it is due`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker()
            let job = try NewJob(
                kind: Name("run"), start: .after(.milliseconds(700)),
                payload: Payload(Array("{}".utf8)))
            _ = try await fleet.queue.enqueue(job)
            try await fleet.reaches(1, .success)
            #expect(
                try await fleet.number(
                    """
                    SELECT count(*) FROM tasq.job
                    WHERE claimed_at >= run_at AND run_at >= enqueued_at + interval '700 ms'
                    """) == 1)
            try await fleet.stop([worker])
        }
    }

    @Test func `Two workers that know a kind each run the jobs of both, and fail none`()
        async throws
    {
        try await Fleet.with { fleet in
            var workers: [ChildProcess] = []
            for kind in ["one", "two"] {
                let file = try Self.configuration("\(kind): { noop: {} }")
                defer { try? FileManager.default.removeItem(at: file) }
                workers.append(try await fleet.worker(["TASQ_CONFIG": file.path]))
            }
            let jobs = try (0..<400).map { number in
                try NewJob(
                    kind: Name(number % 2 == 0 ? "one" : "two"), maxAttempts: 1,
                    payload: Payload(Array("{}".utf8)))
            }
            _ = try await fleet.queue.enqueue(jobs)
            try await fleet.enqueue(5, kind: "three")
            try await fleet.reaches(400, .success)
            #expect(try await fleet.count(.error) == 0)
            // The rest waits, for nobody knows it, until somebody does.
            #expect(try await fleet.number("SELECT sum(attempt) FROM tasq.job") == 400)
            #expect(try await fleet.count(.queued) == 5)
            let file = try Self.configuration("\"*\": { noop: {} }")
            defer { try? FileManager.default.removeItem(at: file) }
            workers.append(try await fleet.worker(["TASQ_CONFIG": file.path]))
            try await fleet.reaches(405, .success)
            try await fleet.stop(workers)
        }
    }

    @Test func `An id that got lost is found by workers that go by announcements, too`()
        async throws
    {
        try await Fleet.with { fleet in
            var handlers = HandlerTable()
            try handlers.add("noop", Handler { _ in })
            let worker = Worker(
                of: fleet.queue, handlers: handlers,
                settings: try WorkerSettings(
                    findWork: .push, pollInterval: .milliseconds(50)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let running = Task { try await worker.run() }
            defer { running.cancel() }
            try await fleet.enqueue(1, kind: "noop")
            try await fleet.reaches(1, .success)
            // The first may still be found by the look at the start.
            for number in 2..<6 {
                let lost = try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
                _ = try await fleet.store.enqueue([lost])
                try await fleet.reaches(number, .success)
            }
        }
    }

    @Test(arguments: FindWork.allCases)
    func `A job behind thousands of kinds nobody here knows is found without an announcement`(
        mode: FindWork
    ) async throws {
        try await Fleet.with { fleet in
            let meters = Meters()
            var handlers = HandlerTable()
            try handlers.add("noop", Handler { _ in })
            let worker = Worker(
                store: fleet.store, announcer: fleet.announcer, handlers: handlers,
                settings: try WorkerSettings(findWork: mode, pollInterval: .milliseconds(50)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, meters: meters)
            let running = Task { try await worker.run() }
            defer { running.cancel() }
            try await fleet.enqueue(1, kind: "noop")
            try await fleet.reaches(1, .success)
            _ = try await fleet.sql(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'foreign', 'queued', 1, 3, now()
                FROM generate_series(1, \(10 * Sweep.reach)) AS n
                """)
            let lost = try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
            _ = try await fleet.store.enqueue([lost])
            try await fleet.reaches(2, .success)
        }
    }

    @Test func `What was claimed ahead is given back where no slot comes free`() async throws {
        try await Fleet.with { fleet in
            let (meters, gate) = (Meters(), Signal())
            var handlers = HandlerTable()
            try handlers.add("noop", Handler { _ in })
            try handlers.add("hold", Handler { _ in await gate.wait() })
            let worker = Worker(
                store: fleet.store, announcer: fleet.announcer, handlers: handlers,
                settings: try WorkerSettings(concurrency: 2),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, meters: meters)
            let running = Task { try await worker.run() }
            defer { running.cancel() }
            // Short jobs teach it to claim ahead.
            try await fleet.enqueue(500, kind: "noop")
            try await fleet.reaches(500, .success)
            try await fleet.enqueue(2, kind: "hold")
            try await eventually("both slots are taken") { worker.executor.load == 2 }
            try await fleet.enqueue(20, kind: "noop")
            try await eventually("some of them waited in vain") { meters.unstarted.value > 0 }
            let other = try await fleet.worker(slots: 2)
            try await fleet.reaches(520, .success)
            gate.raise()
            try await fleet.reaches(522, .success)
            // Each ran once, and what was given back counts for nothing.
            #expect(try await fleet.number("SELECT sum(attempt + handbacks) FROM tasq.job") == 522)
            #expect(try await fleet.number("SELECT count(*) FROM tasq.attempt") == 0)
            try await fleet.stop([other])
        }
    }

    private static func configuration(_ handlers: String) throws -> URL {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("tasq-test-\(UUID().uuidString).yaml")
        try "handlers: { \(handlers) }".write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    @Test func `Ids of jobs that are long done are taken many at a time`() async throws {
        try await Fleet.with { fleet in
            let gone = (0..<5000).map { _ in
                Announcement(id: JobID(), queue: .defaultQueue, priority: .default)
            }
            await fleet.announcer.announce(gone)
            try await fleet.enqueue(1)
            let worker = try await fleet.worker(slots: 1)
            try await fleet.reaches(1, .success)
            try await eventually("the list is empty") {
                try await fleet.redis.command("llen", "tasq:{default}:ready:1") == "0"
            }
            let statistics = try await fleet.redis.command("info", "commandstats")
            let takes = try #require(statistics.firstMatch(of: /cmdstat_blmpop:calls=(\d+)/)?.1)
            #expect(try #require(Int(takes)) < 200, "one at a time it would be 5000")
            try await fleet.stop([worker])
        }
    }

    @Test func `A sweep that takes long holds up no announced job`() async throws {
        try await Fleet.with { fleet in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            // Sweeps are long, as over rows of ended jobs that somebody's open transaction keeps, and
            // do not end while a row is locked.
            _ = try await fleet.sql(
                """
                CREATE TABLE public.bar (); INSERT INTO public.bar DEFAULT VALUES;
                CREATE FUNCTION public.gate() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
                BEGIN
                    PERFORM pg_sleep(0.02);
                    PERFORM FROM public.bar FOR SHARE;
                    RETURN 0;
                END $$
                """)
            let limit = "= $1::uuid)\n    LIMIT $3::bigint"
            var settings = try PostgresSettings(url: fleet.databaseURL)
            settings.statementTimeout = .seconds(100)
            settings.lockTimeout = .seconds(100)
            let store = PostgresStore(settings, logger: logger) { statement in
                guard statement.name == "tasq_sweep" else { return statement }
                precondition(statement.text.contains(limit), "the gate no longer fits")
                return Statement(
                    name: statement.name,
                    text: statement.text.replacing(limit, with: limit + " + public.gate()"),
                    isPlannedAnew: statement.isPlannedAnew)
            }
            var handlers = HandlerTable()
            try handlers.add("run", Handler { _ in })
            let worker = Worker(
                of: Queue(store: store, announcer: fleet.announcer), handlers: handlers,
                settings: try WorkerSettings(pollInterval: .milliseconds(50)), logger: logger)
            let running = Task { try await worker.run() }
            defer { running.cancel() }
            try await eventually("it is there") {
                try await fleet.number("SELECT count(*) FROM tasq.worker") == 1
            }
            try await fleet.enqueue(1)
            try await fleet.reaches(1, .success)
            let locker = Session(settings: settings, logger: logger)
            _ = try await locker.script(
                """
                SET idle_in_transaction_session_timeout = 0; BEGIN;
                SELECT FROM public.bar FOR UPDATE
                """)
            func isSweeping() async throws -> Bool {
                try await fleet.number(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                        AND query LIKE '-- Claims the oldest due%'
                    """) > 0
            }
            try await eventually("a sweep waits") { try await isSweeping() }
            try await fleet.enqueue(10)
            try await fleet.reaches(11, .success)
            #expect(try await isSweeping())
            let silent = Queue(store: store)
            _ = try await silent.enqueue(
                NewJob(kind: Name("run"), payload: Payload(Array("{}".utf8))))
            _ = try await locker.script("COMMIT")
            await locker.close()
            try await fleet.reaches(12, .success)
            running.cancel()
            _ = await running.result
            await store.close()
        }
    }
}
