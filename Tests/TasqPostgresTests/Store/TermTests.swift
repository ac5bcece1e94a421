import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// The maintenance term, when the database's clock is not what it was.
@Suite(.medium) struct TermTests {
    @Test func `A term that ends in an hour and whose holder is gone stops nothing for an hour`()
        async throws
    {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.leader (name, holder, term, counter, expires_at)
                VALUES ('maintenance', gen_random_uuid(), 7, 0, now() + interval '1 hour')
                """)
            let orphan = try await store.job()
            let dead = try await store.registeredWorker()
            _ = try await store.claim([orphan], for: dead, from: defaultQueues)
            try await database.execute("DELETE FROM tasq.worker")
            let scheduled = try await store.job(start: .after(.milliseconds(1)))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    let maintenance = maintenance(of: store)
                    group.addTask { await maintenance.run() }
                }
                await #expect(throws: Never.self) {
                    try await eventually(
                        within: .seconds(30).onThisMachine, "both are queued"
                    ) {
                        try await database.execute(
                            "SELECT count(*) FROM tasq.job WHERE status = 'queued'") == "2"
                    }
                }
                group.cancelAll()
            }
            #expect(try await store.job(orphan)?.crashes == 1)
            #expect(try await store.job(scheduled)?.status == .queued)
            let term = try await database.execute("SELECT term FROM tasq.leader")
            #expect(term == "8")
        }
    }

    @Test func `Jobs that a transaction holds hide no other one that a dead worker had`()
        async throws
    {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'held', 'executing', 1, 3, 1,
                    now()
                FROM generate_series(1, \(Maintenance.reapLimit)) AS n
                """)
            let last = try await store.job()
            try await database.execute(
                """
                UPDATE tasq.job
                SET id = 'ffffffff-ffff-7fff-8fff-ffffffffffff', status = 'executing', attempt = 1
                WHERE id = '\(last)';
                INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                SELECT j.id, gen_random_uuid(), gen_random_uuid(), 1, now() FROM tasq.job AS j
                """)
            let locker = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            _ = try await locker.script(
                """
                SET idle_in_transaction_session_timeout = 0;
                BEGIN;
                SELECT FROM tasq.job WHERE kind = 'held' FOR UPDATE
                """)
            await withTaskGroup(of: Void.self) { group in
                let maintenance = maintenance(of: store)
                group.addTask { await maintenance.run() }
                await #expect(throws: Never.self) {
                    try await eventually("the one that nobody holds is queued") {
                        try await database.execute(
                            "SELECT kind FROM tasq.job WHERE status = 'queued'") == "noop"
                    }
                }
                group.cancelAll()
            }
            _ = try await locker.script("COMMIT")
            await locker.close()
        }
    }

    @Test(arguments: ["now() + interval '1 hour'", "now() - interval '1 hour'", "'infinity'"])
    func `One holder at a time, whatever the clock says, until its term is seen to stand still`(
        end: String
    ) async throws {
        try await withStore { store, database in
            let (first, second) = (WorkerID(), WorkerID())
            let held = try await store.ask(as: first, counter: 5)
            #expect(held.isHeld && held.term == 1 && held.standing == nil)
            #expect(try await store.ask(as: first, counter: 9).term == 1)
            try await database.execute("UPDATE tasq.leader SET expires_at = \(end)")
            let refused = try await store.ask(as: second)
            #expect(!refused.isHeld && refused.workers.isEmpty)
            let standing = try #require(refused.standing)
            #expect(try await store.ask(as: second).standing == standing)
            #expect(try await store.ask(as: first).isHeld)
            let renewed = try await store.ask(as: second, takingOver: standing)
            #expect(!renewed.isHeld && renewed.standing != standing)
            let taken = try await store.ask(as: second, takingOver: renewed.standing)
            #expect(taken.isHeld && taken.term == 2 && taken.counter == 9)
            #expect(try await store.ask(as: first).isHeld == false)
            let epoch = try await database.execute(
                "SELECT value FROM tasq.setting WHERE name = 'epoch'")
            #expect(taken.epoch == epoch && held.epoch == epoch)
        }
    }

    @Test func `Of many who take over what they saw abandoned, one does`() async throws {
        try await withStore { store, database in
            #expect(try await store.ask(as: WorkerID()).isHeld)
            let standing = try await store.ask(as: WorkerID()).standing
            let holders = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await store.ask(as: WorkerID(), takingOver: standing).isHeld
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(holders == 1)
            #expect(try await database.execute("SELECT term FROM tasq.leader") == "2")
        }
    }

    @Test func `A term that was given back is anybody's, and keeps its counter`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            #expect(try await store.ask(as: worker, counter: 7).isHeld)
            try await store.deregister(worker)
            try await database.execute(
                "UPDATE tasq.leader SET expires_at = now() + interval '1 hour'")
            let taken = try await store.ask(as: WorkerID())
            #expect(taken.isHeld && taken.term == 2 && taken.counter == 7)
        }
    }

    /// As a clock leaves them that was an hour ahead.
    private static let hourAhead =
        "UPDATE tasq.job SET run_at = run_at + interval '1 hour', "
        + "enqueued_at = enqueued_at + interval '1 hour' WHERE status = 'queued'"

    @Test func `What was queued before the clock went back runs as if it had not`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            for priority in 0..<4 {
                for _ in 0..<5 { _ = try await store.job(priority: priority) }
            }
            try await database.execute(Self.hourAhead)
            #expect(
                try await store.sweep(upTo: 50, for: worker, from: defaultQueues).jobs.isEmpty)
            await withTaskGroup(of: Void.self) { group in
                let maintenance = maintenance(of: store)
                group.addTask { await maintenance.run() }
                await #expect(throws: Never.self) {
                    try await eventually("all are due") {
                        try await database.execute(
                            "SELECT count(*) FROM tasq.job WHERE run_at <= now()") == "20"
                    }
                }
                group.cancelAll()
            }
            let sweep = try await store.sweep(upTo: 50, for: worker, from: defaultQueues)
            #expect(sweep.jobs.count == 20)
        }
    }

    @Test func `Nothing is made due that somebody put off, that is scheduled, locked or elsewhere`()
        async throws
    {
        try await withStore { store, database in
            let (due, locked) = (try await store.job(), try await store.job(priority: 0))
            let others = [try await store.job(), try await store.job(), try await store.job()]
            _ = try await store.job(start: .after(.seconds(3600)))
            try await database.execute(Self.hourAhead)
            for (other, change) in [
                (others[0], "queue = 'other'"), (others[1], "run_at = 'infinity'"),
                (others[2], "run_at = now() + interval '25 hours'"),
            ] {
                try await database.execute(
                    "UPDATE tasq.job SET \(change) WHERE id = '\(other)'")
            }
            let locker = Session(settings: try PostgresSettings(url: database.url), logger: quiet)
            _ = try await locker.script(
                "BEGIN; SELECT FROM tasq.job WHERE id = '\(locked)' FOR UPDATE")
            #expect(try await store.hasten(on: defaultQueues, upTo: 10).due.map(\.id) == [due])
            _ = try await locker.script("ROLLBACK")
            let second = try await store.hasten(on: defaultQueues, upTo: 10)
            #expect(second.due.map(\.id) == [locked])
            let third = try await store.hasten(on: defaultQueues, upTo: 10)
            #expect(third.due.isEmpty && third.putBack == 0)
            let left = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE run_at > now()")
            #expect(left == "4")
            await locker.close()
        }
    }

    @Test func `What a clock that was ahead has only promoted is scheduled again`() async throws {
        try await withStore { store, database in
            var ids: [JobID] = []
            for _ in 0..<6 { ids.append(try await store.job(start: .after(.seconds(10_800)))) }
            try await database.execute("UPDATE tasq.job SET status = 'queued'")
            for (id, stamp) in zip(ids, ["enqueued_at", "claimed_at", "put_off_at"]) {
                try await database.execute(
                    "UPDATE tasq.job SET \(stamp) = now() + interval '1 hour' WHERE id = '\(id)'")
            }
            for (id, end) in zip(ids[3...], ["1 hour", "-1 hour"]) {
                try await database.execute(
                    """
                    UPDATE tasq.job SET last_claim = id WHERE id = '\(id)';
                    INSERT INTO tasq.attempt
                        (job_id, claim, attempt, outcome, started_at, ended_at)
                    VALUES ('\(id)', '\(id)', 1, 'retry', now(), now() + interval '\(end)')
                    """)
            }
            let jobs = try await store.hasten(on: defaultQueues, upTo: 10)
            #expect(Set(jobs.due.map(\.id)) == Set(ids[..<4]) && jobs.putBack == 2)
            let putBack = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE status = 'scheduled' "
                    + "AND run_at > now() + interval '2 hours'")
            #expect(putBack == "2")
            let due = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE status = 'queued' AND run_at <= now()")
            #expect(due == "4")
        }
    }

    @Test func `Of many that lie ahead as many are made due as are asked for, the oldest first`()
        async throws
    {
        try await withStore { store, database in
            var ids: [JobID] = []
            for _ in 0..<5 { ids.append(try await store.job()) }
            try await database.execute(Self.hourAhead)
            for part in [ids[..<2], ids[2..<4], ids[4...]] {
                let jobs = try await store.hasten(on: defaultQueues, upTo: 2)
                #expect(Set(jobs.due.map(\.id)) == Set(part))
            }
        }
    }

    @Test(arguments: ["interval '1 hour'", "- interval '1 hour'"])
    func `A remote worker goes when it was seen silent, whatever the clock says`(
        jump: String
    ) async throws {
        try await withStore { store, database in
            let worker = try RemoteWorker(id: WorkerID()).record(id: WorkerID())
            func attend() async throws -> Bool {
                try await store.attend(worker, renewing: true, unlessRunning: [])
            }
            func retire(silentAt sequence: Int64) async throws -> [WorkerSight] {
                try await store.retire(
                    [worker.id], silentAt: [worker.id: sequence], unlessRunning: [])
            }
            #expect(try await attend())
            try await database.execute("UPDATE tasq.worker SET seen_at = seen_at + \(jump)")
            let standing = try await retire(silentAt: -1)
            let sequence = try #require(standing.first).sequence
            #expect(standing.map(\.lease) == [worker.lease])
            #expect(try await attend())
            #expect(try await retire(silentAt: sequence).map(\.sequence) == [sequence + 1])
            #expect(try await retire(silentAt: sequence + 1).isEmpty)
        }
    }

    private func maintenance(of store: PostgresStore) -> Maintenance {
        let meters = Meters()
        let doorbell = Doorbell(NoAnnouncer(), meters: meters)
        let promoter = Promoter(store: store, doorbell: doorbell, meters: meters, logger: quiet)
        let id = WorkerID()
        return Maintenance(
            store: store, doorbell: doorbell, promoter: promoter, meters: meters, logger: quiet,
            holder: { id })
    }
}
