import Synchronization
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// What the desk for remote workers makes of locked rows, lost answers and many workers.
@Suite(.medium) struct ClaimDeskTests {
    private func desk(on store: PostgresStore) -> ClaimDesk {
        ClaimDesk(
            store: store, catalog: store, announcer: NoAnnouncer(), meters: Meters(),
            logger: quiet, holdUpPatience: .seconds(60).onThisMachine)
    }

    private func claimed(
        _ count: Int, at desk: ClaimDesk, from store: PostgresStore
    ) async throws -> [ClaimedJob] {
        for _ in 0..<count { _ = try await store.job() }
        let worker = try RemoteWorker(id: WorkerID(), limit: count)
        let jobs = try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs
        try #require(jobs.count == count)
        return jobs
    }

    /// Its row stays locked until the session's transaction ends.
    private func lock(_ job: JobID, in database: TestDatabase) async throws -> Session {
        let locker = Session(
            settings: try PostgresSettings(url: database.url).patient, logger: quiet)
        _ = try await locker.script(
            "BEGIN; SELECT FROM tasq.job WHERE id = '\(job)' FOR UPDATE")
        return locker
    }

    @Test func `An outcome whose job somebody has locked keeps no other one waiting`()
        async throws
    {
        try await withStore { store, database in
            let desk = desk(on: store)
            let jobs = try await claimed(6, at: desk, from: store)
            let locker = try await lock(jobs[0].id, in: database)
            let answered = Record<JobID>()
            @Sendable func succeed(_ job: ClaimedJob) async throws(StoreError) -> Settled? {
                defer { answered.append(job.id) }
                return try await desk.settle(job.claim, of: job.id, as: .success)
            }
            let held = Task { try await succeed(jobs[0]) }
            try await eventually("its row was found to be locked") {
                try await database.execute(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                        AND query LIKE '-- What became of claims%'
                    """) != "0"
            }
            let statuses = try await withThrowingTaskGroup(of: JobStatus?.self) { group in
                for job in jobs.dropFirst() {
                    group.addTask { try await succeed(job)?.status }
                }
                return try await group.reduce(into: [JobStatus?]()) { $0.append($1) }
            }
            #expect(statuses.count == 5 && statuses.allSatisfy { $0 == .success })
            #expect(!answered.all.contains(jobs[0].id), "it was answered before the others")
            _ = try await locker.script("COMMIT")
            #expect(try await held.value?.status == .success)
            await locker.close()
        }
    }

    @Test func `Outcomes of a batch are settled, held up or too late, each for itself`()
        async throws
    {
        try await withStore { store, database in
            let jobs = try await claimed(3, at: desk(on: store), from: store)
            let locker = try await lock(jobs[0].id, in: database)
            var batch = jobs.map {
                Settlement(job: $0.id, claim: $0.claim, verdict: .success)
            }
            batch[1] = Settlement(job: jobs[1].id, claim: ClaimToken(), verdict: .success)
            // The second time is a repetition, for the first answer gets lost.
            let saboteur = Saboteur(of: store, [.forgets])
            let endings = try await ClaimDesk.endings(of: batch, in: saboteur)
            #expect(endings[0] == .heldUp && endings[1] == .gone)
            guard case .settled(let settled) = endings[2] else {
                Issue.record("\(endings)")
                return
            }
            #expect(settled.job == jobs[2].id && settled.status == .success)
            #expect(saboteur.calls.all == ["settle 3", "settle 3"])
            _ = try await locker.script("ROLLBACK")
            await locker.close()
        }
    }

    @Test func `A row is renewed once what was claimed under it has ended, and not before`()
        async throws
    {
        try await withStore { store, database in
            let desk = desk(on: store)
            let worker = try RemoteWorker(id: WorkerID())
            let id = try await store.job()
            let first = try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs
            try #require(first.map(\.id) == [id])
            let beats = "SELECT heartbeat_seq FROM tasq.worker WHERE id = '\(worker.id)'"
            let before = try #require(Int(try await database.execute(beats)))
            for _ in 0..<3 {
                let none = try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs
                #expect(none.isEmpty)
            }
            #expect(try await database.execute(beats) == "\(before)")
            // Whoever ends it, as another server may.
            #expect(try await store.settle(first[0], .success)?.status == .success)
            _ = try await desk.claim(for: worker, wait: .zero, gone: Signal())
            #expect(try await database.execute(beats) == "\(before + 1)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.worker") == "2")
        }
    }

    @Test func `A row under which nobody knows what was claimed is not renewed`() async throws {
        try await withStore { store, database in
            let desk = desk(on: store)
            let worker = try RemoteWorker(id: WorkerID())
            try await database.execute(Self.gate)
            let gate = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            let id = try await store.job()
            let lost = Task { try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs }
            try await cutOff(in: database)
            let outcome = await lost.result
            #expect(throws: StoreError.self) { try outcome.get() }
            try await gate.script("COMMIT")
            await gate.close()
            let jobs = try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs
            #expect(jobs.map(\.id) == [id])
            let rows = "SELECT count(*) FROM tasq.executing_job WHERE worker_id = '\(worker.id)'"
            #expect(try await database.execute(rows) == "0")
        }
    }

    @Test func `A claim that waits for the reaper is not kept alive by its worker's requests`()
        async throws
    {
        try await withStore { store, database in
            let desk = desk(on: store)
            let worker = try RemoteWorker(id: WorkerID())
            let id = try await store.job()
            func ask() async throws -> [JobID] {
                try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs.map(\.id)
            }
            #expect(try await ask() == [id])
            let locker = try await lock(id, in: database)
            let own = "FROM tasq.worker WHERE id = '\(worker.id)'"
            let sequence = try #require(
                Int64(try await database.execute("SELECT heartbeat_seq \(own)")))
            #expect(try await store.bury(worker.id, at: sequence))
            #expect(try await store.reap(upTo: 10).isEmpty)

            #expect(try await ask().isEmpty)
            #expect(try await database.execute("SELECT count(*) \(own)") == "0")
            // As when it is seen that none of its rows stands.
            desk.state.withLock { $0.rows.forget(Set($0.rows.all)) }
            #expect(try await ask().isEmpty)
            #expect(try await database.execute("SELECT count(*) \(own)") == "0")
            desk.state.withLock { $0.rows.forget(Set($0.rows.all)) }
            _ = try await locker.script("COMMIT")
            await locker.close()
            #expect(try await store.reap(upTo: 10).map(\.announcement.id) == [id])
            // It holds none any more.
            #expect(try await ask() == [id])
            #expect(try await database.execute("SELECT count(*) \(own)") == "1")
        }
    }

    @Test func `A row under which an announced job may have been claimed is not renewed`()
        async throws
    {
        try await withStore { store, database in
            let desk = desk(on: store)
            let worker = try RemoteWorker(id: WorkerID())
            _ = try await desk.claim(for: worker, wait: .zero, gone: Signal())
            let own = "FROM tasq.worker WHERE id = '\(worker.id)'"
            let before = try await database.execute("SELECT heartbeat_seq \(own)")
            try await database.execute(Self.gate)
            let gate = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            let id = try await store.job()
            let offered = Task { await offer(id, to: worker, at: desk) }
            try await cutOff(in: database)
            #expect(await offered.value.isEmpty)
            try await gate.script("COMMIT")
            await gate.close()
            let jobs = try await desk.claim(for: worker, wait: .zero, gone: Signal()).jobs
            #expect(jobs.map(\.id) == [id])
            #expect(try await database.execute("SELECT heartbeat_seq \(own)") == before)
            let rows = "SELECT count(*) FROM tasq.executing_job WHERE worker_id = '\(worker.id)'"
            #expect(try await database.execute(rows) == "0")
        }
    }

    @Test func `What a claim brings later than the lease is given back, and claimed again`()
        async throws
    {
        try await withStore { store, database in
            let desk = desk(on: store)
            try await database.execute(Self.gate)
            let gate = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            @Sendable func claim(waiting: Duration) async throws -> [JobID] {
                let worker = try RemoteWorker(id: WorkerID(), lease: .seconds(3))
                let batch = try await desk.claim(for: worker, wait: waiting, gone: Signal())
                return batch.jobs.map(\.id)
            }
            let stands = Task { try await claim(waiting: .seconds(60)) }
            try await eventually("it waits for an announced job") {
                desk.state.withLock { !$0.waiters.isEmpty }
            }
            let announced = try await store.job()
            let offer = Task { await desk.handOut([announced]) }
            try await waits(1, for: "0", in: database)
            let queued = try await store.job()
            let sweeps = Task { try await claim(waiting: .zero) }
            try await waits(2, for: "3 s", in: database)
            try await gate.script("COMMIT")
            await gate.close()
            _ = await offer.value
            #expect(try await Set(stands.value + sweeps.value) == [announced, queued])
            #expect(desk.meters.unstarted.value == 2)
            let states = "SELECT DISTINCT status, attempt, crashes, handbacks FROM tasq.job"
            #expect(try await database.execute(states) == "executing|1|0|0")
        }
    }

    /// So many claims have waited at the gate for longer than this.
    private func waits(
        _ count: Int, for time: String, in database: TestDatabase
    ) async throws {
        try await eventually("\(count) claims have waited for \(time)") {
            try await database.execute(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'advisory'
                    AND clock_timestamp() - query_start > interval '\(time)'
                """) == "\(count)"
        }
    }

    /// As to a request that waits.
    private func offer(
        _ job: JobID, to worker: RemoteWorker, at desk: ClaimDesk
    ) async -> [ClaimedJob] {
        await withCheckedContinuation { answer in
            let waiter = ClaimDesk.Waiter(
                number: 0, row: worker.id, queues: worker.queues, limit: 1, answer: answer)
            desk.state.withLock { $0.waiters.append(waiter) }
            Task { _ = await desk.handOut([job]) }
        }
    }

    /// Claims wait at it.
    private static let gate = """
        CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
        CREATE TRIGGER gate BEFORE INSERT ON tasq.executing_job
            FOR EACH ROW EXECUTE FUNCTION gate()
        """

    /// Ends the session whose claim waits.
    private func cutOff(in database: TestDatabase) async throws {
        try await eventually("the claim is cut off") {
            try await database.execute(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'advisory'
                """) != "0"
        }
    }

    @Test func `Where too many rows stand a new worker is refused, and a known one is not`()
        async throws
    {
        try await withStore { store, database in
            let desk = desk(on: store)
            let known = try RemoteWorker(id: WorkerID())
            _ = try await desk.claim(for: known, wait: .zero, gone: Signal())
            desk.state.withLock { state in
                for _ in 1..<RemoteRows.limit { state.rows.note(WorkerID()) }
            }
            let id = try await store.job()
            let new = try RemoteWorker(id: WorkerID())
            let error = await failure { () throws(StoreError) in
                try await desk.claim(for: new, wait: .zero, gone: Signal())
            }
            #expect(error?.word == "unavailable")
            let rows = try await database.execute("SELECT id FROM tasq.worker")
            #expect(rows == "\(known.id)")
            let jobs = try await desk.claim(for: known, wait: .zero, gone: Signal()).jobs
            #expect(jobs.map(\.id) == [id])
        }
    }
}
