import Foundation
import Logging
import Synchronization
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// Jobs that were on board when two workers died, in workers that run.
@Suite(.system) struct SuspectTests {
    @Test func `A handler that kills its worker ends in error, and the innocent succeed`()
        async throws
    {
        try await Fleet.with { fleet in
            try await fleet.enqueue(150)
            let pill = try await fleet.enqueue(1, kind: "pill")[0]
            try await fleet.enqueue(150)
            var crashes = 0
            var worker = try await fleet.worker(slots: 8)
            while try await fleet.store.job(pill)?.status.isFinal != true, crashes < 10 {
                if worker.exit != nil {
                    crashes += 1
                    worker = try await fleet.worker(slots: 8)
                }
                try await eventually("the worker dies or the pill ends") {
                    if worker.exit != nil { return true }
                    return try await fleet.store.job(pill)?.status.isFinal == true
                }
            }
            try await fleet.reaches(300, .success)
            let record = try #require(try await fleet.store.job(pill))
            #expect(record.status == .error)
            #expect(record.crashes <= JobLimits.maxCrashes)
            #expect(try await fleet.count(.error) == 1)
            let more = try await fleet.enqueue(1)
            try await eventually("the queue goes on") {
                try await fleet.store.job(more[0])?.status == .success
            }
            try await fleet.stop([worker])
        }
    }

    @Test func `No suspect runs before the end of the last one is written`()
        async throws
    {
        try await Fleet.with { fleet in
            let innocent = try await fleet.enqueue(1)[0]
            let pill = try await fleet.enqueue(1, kind: "pill")[0]
            // Two workers died with both; a third death would be the end of either.
            _ = try await fleet.sql("UPDATE tasq.job SET crashes = 2")
            fleet.log.hold()
            let worker = try await fleet.worker(slots: 4)
            try await eventually("the innocent runs") { fleet.log.count == 1 }
            let locker = Session(
                settings: try PostgresSettings(url: fleet.directURL),
                logger: .init(label: "test"))
            _ = try await locker.script(
                """
                SET idle_in_transaction_session_timeout = 0;
                BEGIN;
                SELECT FROM tasq.job WHERE id = '\(innocent)' FOR UPDATE
                """)
            fleet.log.release()
            // Its success cannot be written. Others may go on beside that, but no suspect.
            try await fleet.enqueue(1, kind: "noop")
            try await eventually("another job runs, or the worker dies") {
                if worker.exit != nil { return true }
                return try await fleet.count(.success) == 1
            }
            #expect(worker.exit == nil)
            _ = try await locker.script("COMMIT")
            await locker.close()
            #expect(try await worker.wait() == .signal(SIGKILL))
            let next = try await fleet.worker(slots: 4)
            try await eventually("the pill is given up") {
                try await fleet.store.job(pill)?.status == .error
            }
            #expect(try await fleet.store.job(innocent)?.status == .success)
            try await fleet.stop([next])
        }
    }

    @Test func `A suspect runs where work is found by announcements alone`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 4, ["TASQ_FIND_WORK": "push"])
            try await fleet.enqueue(1)
            try await fleet.reaches(1, .success)
            // Of two the announcement got lost.
            let ids = try await Self.suspects(3, in: fleet)
            await fleet.announcer.announce([
                Announcement(id: ids[2], queue: .defaultQueue, priority: .default)
            ])
            try await fleet.reaches(4, .success)
            try await fleet.stop([worker])
        }
    }

    @Test func `A worker that only starts with a look at the table finds a suspect in it`()
        async throws
    {
        try await Fleet.with { fleet in
            try await Self.standIns(100, version: "test", in: fleet)
            _ = try await Self.suspects(1, in: fleet)
            let worker = try await fleet.worker(slots: 4, ["TASQ_FIND_WORK": "push"])
            try await fleet.reaches(1, .success)
            try await fleet.stop([worker])
        }
    }

    @Test func `A suspect that a worker had heard of when it left is announced again`() async throws
    {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 4, ["TASQ_FIND_WORK": "push"])
            fleet.log.hold()
            let ids = try await Self.suspects(2, in: fleet)
            await fleet.announcer.announce(
                ids.map { Announcement(id: $0, queue: .defaultQueue, priority: .default) })
            try await eventually("one runs") { fleet.log.count == 1 }
            let list = "tasq:{default}:ready:1"
            try await eventually("the other's id was taken") {
                try await fleet.redis.command("llen", list) == "0"
            }
            let other = try await fleet.sql("SELECT id FROM tasq.job WHERE status = 'queued'")
            worker.signal(SIGTERM)
            // Perhaps not alone: a worker that starts announces again what is queued, and one that
            // has no more grace hands back what still runs.
            try await eventually("the other's id is there for others") {
                try await fleet.redis.command("lrange", list, "0", "-1")
                    .split(whereSeparator: \.isNewline).contains { $0 == other }
            }
            fleet.log.release()
            _ = try await worker.wait()
        }
    }

    @Test func `200 remote workers at work do not keep the turn from the one that is there`()
        async throws
    {
        try await Fleet.with { fleet in
            try await Self.standIns(200, version: "claims/1", in: fleet)
            let worker = try await fleet.worker(slots: 4)
            _ = try await Self.suspects(1, in: fleet)
            try await fleet.reaches(1, .success, within: .seconds(45).onThisMachine)
            try await fleet.stop([worker])
        }
    }

    @Test func `Suspects on two queues run beside each other`() async throws {
        try await Fleet.with { fleet in
            let queues = ["TASQ_WORKER_QUEUES": "default,other"]
            var workers: [ChildProcess] = []
            for _ in 0..<2 { workers.append(try await fleet.worker(slots: 4, queues)) }
            fleet.log.hold()
            let ids = try await Self.suspects(2, in: fleet)
            _ = try await fleet.sql("UPDATE tasq.job SET queue = 'other' WHERE id = '\(ids[1])'")
            try await eventually("both run") { fleet.log.count == 2 }
            fleet.log.release()
            try await fleet.reaches(2, .success)
            try await fleet.stop(workers)
        }
    }

    @Test func `50 suspects make one worker of four at a time make way`() async throws {
        try await Fleet.with { fleet in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let (board, queue) = (Board(), fleet.queue)
            var running: [Task<Void, any Error>] = []
            defer {
                board.finish()
                for worker in running { worker.cancel() }
            }
            for number in 0..<4 {
                var handlers = HandlerTable()
                try handlers.add(
                    "suspect",
                    Handler { _ in
                        board.enter(number)
                        // None starts here meanwhile: these are others' jobs.
                        await board.waitForStarts(12)
                        board.leave(number)
                    })
                try handlers.add(
                    "run",
                    Handler { _ in
                        // So a worker has some on board at any time, and needs patience with them. As
                        // many as two workers have slots are enough to go on.
                        board.start()
                        await board.waitForStarts(6)
                        // Another one takes its place for as long as there are suspects.
                        guard board.end() else { return }
                        _ = try await queue.enqueue(Self.job())
                    })
                let worker = Worker(
                    of: Queue(store: fleet.store, announcer: fleet.announcer), handlers: handlers,
                    settings: try WorkerSettings(
                        concurrency: 4, pollInterval: .milliseconds(200)), logger: logger)
                running.append(Task { try await worker.run() })
            }
            try await eventually("they are there") {
                try await fleet.number("SELECT count(*) FROM tasq.worker") == 4
            }
            try await fleet.enqueue(100)
            let start = ContinuousClock.now
            let ids = try await Self.suspects(50, kind: "suspect", in: fleet)
            try await eventually("the suspects have run") {
                try await fleet.number(
                    "SELECT count(*) FROM tasq.job WHERE kind = 'suspect' AND status = 'success'")
                    == ids.count
            }
            // After half a minute every second one may make way.
            #expect(board.most <= (ContinuousClock.now - start < .seconds(29) ? 1 : 2))
            print("50 suspects: \(board.others) other jobs ended between the first and the last")
            #expect(board.others > 50)
            board.finish()
            for worker in running { worker.cancel() }
            for worker in running { _ = await worker.result }
        }
    }

    private static func job() throws -> NewJob {
        try NewJob(kind: Name("run"), payload: Payload(Array("{}".utf8)))
    }

    /// Queued and announced to nobody; two workers died with them.
    private static func suspects(
        _ count: Int, kind: String = "run", in fleet: Fleet
    ) async throws -> [JobID] {
        let jobs = try (0..<count).map { _ in
            try NewJob(
                kind: Name(kind), start: .after(.seconds(3600)), payload: Payload(Array("{}".utf8))
            )
        }
        let ids = try await Queue(store: fleet.store).enqueue(jobs).map(\.id)
        _ = try await fleet.sql(
            """
            UPDATE tasq.job SET crashes = 2, status = 'queued', run_at = now()
            WHERE status = 'scheduled'
            """)
        return ids
    }

    /// Rows of workers that look for nothing, each with a claim.
    private static func standIns(_ count: Int, version: String, in fleet: Fleet) async throws {
        _ = try await fleet.sql(
            """
            INSERT INTO tasq.worker
                (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us)
            SELECT gen_random_uuid(), 'h', 0, '{default}', 1, '\(version)', 1000000, 3600000000
            FROM generate_series(1, \(count));
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, attempt, max_attempts, run_at)
            SELECT gen_random_uuid(), gen_random_uuid(), 'default', 'run', 'executing', 1, 1, 3, now()
            FROM generate_series(1, \(count));
            INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
            SELECT j.id, gen_random_uuid(), w.id, 1, now()
            FROM (SELECT id, row_number() OVER () AS n FROM tasq.job WHERE status = 'executing') AS j
            JOIN (SELECT id, row_number() OVER () AS n FROM tasq.worker) AS w ON w.n = j.n
            """)
    }

    /// Which workers have a suspect on board, and how many other jobs have started.
    private final class Board: Sendable {
        private struct Wait {
            let end: Int
            let signal: Signal
        }

        private struct State {
            var workers: Set<Int> = []
            var most = 0
            var suspects = 0
            var others = 0
            var starts = 0
            var waits: [Wait] = []
            var isOver = false
        }

        private let state = Mutex(State())

        func enter(_ worker: Int) {
            state.withLock { state in
                state.workers.insert(worker)
                state.suspects += 1
                state.most = max(state.most, state.workers.count)
            }
        }

        func leave(_ worker: Int) {
            state.withLock { _ = $0.workers.remove(worker) }
        }

        /// Another job starts.
        func start() {
            let ended = state.withLock { state in
                state.starts += 1
                let starts = state.starts
                defer { state.waits.removeAll { $0.end <= starts } }
                return state.waits.filter { $0.end <= starts }
            }
            for wait in ended { wait.signal.raise() }
        }

        /// Waits until so many more other jobs have started, on whichever worker.
        func waitForStarts(_ count: Int) async {
            let signal = state.withLock { state -> Signal? in
                guard !state.isOver else { return nil }
                let wait = Wait(end: state.starts + count, signal: Signal())
                state.waits.append(wait)
                return wait.signal
            }
            await signal?.wait()
        }

        /// Another job ends; says whether more are wanted.
        func end() -> Bool {
            state.withLock { state in
                // After the first suspect and before the last.
                if (1..<50).contains(state.suspects) { state.others += 1 }
                return !state.isOver
            }
        }

        /// Nobody waits any more.
        func finish() {
            let waits = state.withLock { state in
                state.isOver = true
                defer { state.waits = [] }
                return state.waits
            }
            for wait in waits { wait.signal.raise() }
        }

        /// Workers that had one at the same moment, at most.
        var most: Int { state.withLock { $0.most } }
        var others: Int { state.withLock { $0.others } }
    }
}
