import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct ReapTests {
    @Test func `Only claims of missing workers are taken back, however many live ones stand first`()
        async throws
    {
        try await withStore { store, database in
            let alive = try await store.registeredWorker()
            let dead = try await store.registeredWorker()
            var ids: [JobID] = []
            for _ in 0..<30 { ids.append(try await store.job()) }
            _ = try await store.claim(Array(ids.dropLast()), for: alive, from: defaultQueues)
            _ = try await store.claim(ids.suffix(1), for: dead, from: defaultQueues)
            #expect(try await store.reap(upTo: 1).isEmpty)
            #expect(try await store.bury(dead, at: 99) == false)
            #expect(try await store.bury(dead, at: 0))
            let reaped = try await store.reap(upTo: 1)
            #expect(reaped.map(\.announcement.id) == ids.suffix(1))
            #expect(reaped.map(\.worker) == [dead])
            #expect(try await database.execute("SELECT count(*) FROM tasq.executing_job") == "29")
            let record = try #require(try await store.attempts(of: ids[29]).first)
            #expect(record.outcome == .crashed)
        }
    }

    @Test func `Claims whose jobs somebody has locked are left, and those behind them taken`()
        async throws
    {
        try await withStore { store, database in
            let dead = try await store.registeredWorker()
            var ids: [JobID] = []
            for _ in 0..<5 { ids.append(try await store.job()) }
            ids.sort()
            let claimed = try await store.claim(ids, for: dead, from: defaultQueues)
            #expect(claimed.count == 5)
            #expect(try await store.bury(dead, at: 0))
            let locker = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            _ = try await locker.script(
                "BEGIN; SELECT FROM tasq.job WHERE id IN ('\(ids[0])', '\(ids[1])') FOR UPDATE")
            let first = try await store.reap(upTo: 2, behind: nil)
            #expect(first.claims.isEmpty && first.end == ids[1])
            let second = try await store.reap(upTo: 2, behind: first.end)
            #expect(Set(second.claims.map(\.announcement.id)) == [ids[2], ids[3]])
            #expect(second.end == ids[3])
            let third = try await store.reap(upTo: 2, behind: second.end)
            #expect(third.claims.map(\.announcement.id) == [ids[4]] && third.end == nil)
            _ = try await locker.script("COMMIT")
            await locker.close()
            let rest = try await store.reap(upTo: 10, behind: nil)
            #expect(Set(rest.claims.map(\.announcement.id)) == [ids[0], ids[1]])
            #expect(rest.end == nil)
        }
    }

    @Test func `A job that takes three workers down ends in error and frees its key`() async throws
    {
        try await withStore { store, database in
            let id = try await store.job(uniqueKey: "k", maxAttempts: 20)
            for crash in 1...3 {
                let worker = try await store.registeredWorker()
                let claimed =
                    crash < 3
                    ? try await store.claim([id], for: worker, from: defaultQueues).first
                    : try await store.claimSuspect(for: worker, from: defaultQueues)
                #expect(claimed?.id == id)
                #expect(try await store.bury(worker, at: 0))
                #expect(
                    try await store.reap(upTo: 10).map(\.status)
                        == [crash < 3 ? .queued : .error])
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.unique_key") == "0")
            #expect(try await store.job(id)?.attempt == 3)
        }
    }

    @Test func `After one crash a job is claimed like any other, after two it is a suspect`()
        async throws
    {
        try await withStore { store, _ in
            let id = try await store.job()
            for _ in 1...2 {
                let dead = try await store.registeredWorker()
                #expect(
                    try await store.claim([id], for: dead, from: defaultQueues).map(\.id) == [id])
                #expect(try await store.bury(dead, at: 0))
                _ = try await store.reap(upTo: 10)
            }
            let worker = try await store.registeredWorker()
            #expect(try await store.claim([id], for: worker, from: defaultQueues).isEmpty)
            #expect(try await store.stillQueued([id]).map(\.isSuspect) == [true])
            let sweep = try await store.sweep(upTo: 5, for: worker, from: defaultQueues)
            #expect(sweep.jobs.isEmpty && sweep.suspectsQueue == .defaultQueue)
            #expect(try await store.hasTurn(worker))
            #expect(try await store.claimSuspect(for: worker, from: defaultQueues)?.id == id)
            let after = try await store.sweep(upTo: 5, for: worker, from: defaultQueues)
            #expect(after.suspectsQueue == nil)
        }
    }

    @Test func `One worker at a time makes way for a suspect`() async throws {
        try await withStore { store, database in
            for _ in 0..<2 { _ = try await store.job() }
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            var workers: [WorkerID] = []
            for _ in 0..<5 { workers.append(try await store.registeredWorker()) }
            func turns() async throws -> [WorkerID] {
                var turns: [WorkerID] = []
                for worker in workers where try await store.hasTurn(worker) { turns.append(worker) }
                return turns
            }
            // The turn passes on every few seconds, perhaps in the middle of a look.
            var chosen: WorkerID?
            try await eventually("it is one worker's turn") {
                let turns = try await turns()
                chosen = turns.first
                return turns.count == 1
            }
            let worker = try #require(chosen)
            #expect(try await store.claimSuspect(for: worker, from: defaultQueues) != nil)
            #expect(try await turns().allSatisfy { $0 == worker })
        }
    }

    @Test(arguments: [
        (workers: 4, makeWay: 1), (workers: 8, makeWay: 1), (workers: 20, makeWay: 3),
    ])
    func `Of many suspects no more workers have the turn than of one`(workers: Int, makeWay: Int)
        async throws
    {
        try await withStore { store, database in
            for _ in 0..<50 { _ = try await store.job() }
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            var all: [WorkerID] = []
            for _ in 0..<workers { all.append(try await store.registeredWorker()) }
            let turn = "SELECT floor(extract(epoch FROM now()) / 5)"
            var chosen: [[WorkerID]] = []
            try await eventually("two turns were seen from one end to the other") {
                let before = try await database.execute(turn)
                var having: [WorkerID] = []
                for worker in all {
                    let sweep = try await store.sweep(upTo: 5, for: worker, from: defaultQueues)
                    #expect(sweep.suspectsQueue == .defaultQueue)
                    if try await store.hasTurn(worker) { having.append(worker) }
                }
                if try await database.execute(turn) == before, chosen.last != having {
                    chosen.append(having)
                }
                return chosen.count == 2
            }
            #expect(chosen.allSatisfy { (1...makeWay).contains($0.count) })
            #expect(Set(chosen[0]).isDisjoint(with: chosen[1]))
            // Nobody came: every second one's, from the moment they were taken back.
            try await database.execute("UPDATE tasq.job SET run_at = now() - interval '1 hour'")
            func turns() async throws -> Int {
                var count = 0
                for worker in all where try await store.hasTurn(worker) { count += 1 }
                return count
            }
            try await eventually("half of them have the turn") { try await turns() == workers / 2 }
            try await database.execute(
                """
                INSERT INTO tasq.attempt (job_id, claim, attempt, outcome, started_at)
                SELECT id, gen_random_uuid(), 1, 'crashed', run_at FROM tasq.job
                """)
            try await eventually("few have it again") { try await turns() == makeWay }
        }
    }

    /// A worker that looks every 10, 20 or 40 seconds sees the same turn again and again where a
    /// round has eight of them.
    @Test(arguments: [10, 20, 40])
    func `A worker that looks in step with the turns has its own all the same`(seconds: Int)
        async throws
    {
        try await withStore { store, database in
            _ = try await store.job()
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            var workers: [WorkerID] = []
            for _ in 0..<8 { workers.append(try await store.registeredWorker()) }
            var turns: [WorkerID: Int] = [:]
            for look in 0..<64 {
                let time = "to_timestamp(\(2_000_000_002 + look * seconds))"
                try await database.execute("UPDATE tasq.job SET run_at = \(time)")
                let turn = store.statements.turn.text.replacing("now()", with: time)
                    .replacing("$2", with: "'{default}'")
                let having = try await database.execute(
                    workers.map { worker in
                        "SELECT '\(worker)' WHERE EXISTS (\(turn.replacing("$1", with: "'\(worker)'")))"
                    }.joined(separator: " UNION ALL "))
                for worker in workers where having.contains("\(worker)") {
                    turns[worker, default: 0] += 1
                }
                #expect(having.split(separator: "\n").count == 1)
            }
            #expect(turns.count == workers.count, "\(turns.values.sorted())")
        }
    }

    @Test func `A suspect on one queue does not wait for that of another`() async throws {
        try await withStore { store, database in
            let workers = [try await store.registeredWorker(), try await store.registeredWorker()]
            try await database.execute("UPDATE tasq.worker SET queues = '{default,other}'")
            let queues = [Name.defaultQueue, try Name("other")]
            for _ in 0..<2 { _ = try await store.job() }
            let other = try await store.job()
            try await database.execute(
                """
                UPDATE tasq.job SET crashes = 2;
                UPDATE tasq.job SET queue = 'other', run_at = now() WHERE id = '\(other)'
                """)
            #expect(try await store.claimSuspect(for: workers[0], from: queues) != nil)
            var turn: SuspectsTurn?
            try await eventually("the second one has the turn") {
                // It was claimed a moment ago for as long as this takes.
                try await database.execute("UPDATE tasq.executing_job SET claimed_at = now()")
                turn = try await store.suspectsTurn(of: workers[1], on: queues)
                return turn != nil
            }
            #expect(turn?.queue == queues[1])
        }
    }

    @Test(arguments: [WorkerRecord.remoteVersion, "test"])
    func `Workers that do not come do not keep the turn from the one that does`(version: String)
        async throws
    {
        try await withStore { store, database in
            // Each holds a claim: a remote one's row asks for nothing more.
            try await database.execute(
                """
                INSERT INTO tasq.worker
                    (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us)
                SELECT gen_random_uuid(), 'h', 0, '{default}', 1, '\(version)', 1, 1
                FROM generate_series(1, 200);
                INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                SELECT gen_random_uuid(), gen_random_uuid(), id, 1, now() FROM tasq.worker
                """)
            let worker = try await store.registeredWorker()
            _ = try await store.job()
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            // At once beside remote ones; else in 30 seconds and two turns.
            let limit = Duration.seconds(version == "test" ? 42 : 4).onThisMachine
            try await eventually(within: limit, "it has the turn") {
                try await store.hasTurn(worker)
            }
        }
    }

    @Test func `A heartbeat keeps a worker, and tells it when it has been buried`() async throws {
        try await withStore { store, database in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 1,
                version: "test", heartbeat: .milliseconds(100), lease: .seconds(1))
            try await store.register(worker)
            let reaped = Signal()
            let heartbeat = store.startHeartbeat(of: worker) { state in
                if state == .reaped { reaped.raise() }
            }
            let holder = WorkerID()
            try await eventually("two beats over a held lock are seen") {
                let look = try await store.ask(as: holder)
                guard let sight = look.workers.first else { return false }
                return sight.sequence >= 2 && !sight.lockFell
            }
            try await database.execute("DELETE FROM tasq.worker")
            await reaped.wait()
            await heartbeat.stop()
        }
    }

    @Test func `A worker that beats no more is seen with its lock fallen`() async throws {
        try await withStore(directly: true) { store, _ in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 1,
                version: "test", heartbeat: .milliseconds(100), lease: .seconds(1))
            try await store.register(worker)
            let heartbeat = store.startHeartbeat(of: worker) { _ in }
            let holder = WorkerID()
            try await eventually("it beats") {
                try await store.ask(as: holder)
                    .workers.first.map { $0.sequence > 0 } ?? false
            }
            await heartbeat.stop()
            try await eventually("its lock is seen to have fallen") {
                try await store.ask(as: holder)
                    .workers.first?.lockFell == true
            }
        }
    }

    @Test func `A holder loses the term as soon as its session ends`() async throws {
        try await withStore(directly: true) { store, _ in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 1,
                version: "test", heartbeat: .milliseconds(100), lease: .seconds(60))
            try await store.register(worker)
            let heartbeat = store.startHeartbeat(of: worker) { _ in }
            let other = WorkerID()
            try await eventually("it holds the term over its lock") {
                let look = try await store.ask(as: worker.id)
                return look.isHeld && look.workers.first.map { $0.sequence > 0 } ?? false
            }
            #expect(try await store.ask(as: other).isHeld == false)
            await heartbeat.stop()
            try await eventually("another takes it") {
                try await store.ask(as: other).isHeld
            }
        }
    }

    @Test func `A holder that leaves in order leaves the term too`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let held = try await store.ask(as: worker)
            #expect(held.isHeld)
            try await store.deregister(worker)
            let taken = try await store.ask(as: WorkerID())
            #expect(taken.isHeld && taken.term == 2)
        }
    }
}
