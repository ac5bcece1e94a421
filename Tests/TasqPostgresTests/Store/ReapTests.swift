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
            #expect(record.outcome == "crashed")
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
            #expect(sweep.jobs.isEmpty && sweep.isSuspectsTurn)
            #expect(try await store.claimSuspect(for: worker, from: defaultQueues)?.id == id)
            let after = try await store.sweep(upTo: 5, for: worker, from: defaultQueues)
            #expect(!after.isSuspectsTurn)
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
                for worker in workers {
                    let sweep = try await store.sweep(upTo: 5, for: worker, from: defaultQueues)
                    if sweep.isSuspectsTurn { turns.append(worker) }
                }
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
                let look = try await store.lead(as: holder, for: .seconds(60), counter: 1)
                guard let sight = look.workers.first else { return false }
                return sight.sequence >= 2 && !sight.lockFell
            }
            try await database.execute("DELETE FROM tasq.worker")
            await reaped.wait()
            await heartbeat.stop()
        }
    }

    @Test func `A worker that beats no more is seen with its lock fallen`() async throws {
        try await withStore { store, _ in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 1,
                version: "test", heartbeat: .milliseconds(100), lease: .seconds(1))
            try await store.register(worker)
            let heartbeat = store.startHeartbeat(of: worker) { _ in }
            let holder = WorkerID()
            try await eventually("it beats") {
                try await store.lead(as: holder, for: .seconds(60), counter: 1)
                    .workers.first.map { $0.sequence > 0 } ?? false
            }
            await heartbeat.stop()
            try await eventually("its lock is seen to have fallen") {
                try await store.lead(as: holder, for: .seconds(60), counter: 1)
                    .workers.first?.lockFell == true
            }
        }
    }

    @Test func `One holder at a time, until its term runs out`() async throws {
        try await withStore { store, database in
            let (first, second) = (WorkerID(), WorkerID())
            let held = try await store.lead(as: first, for: .seconds(60), counter: 5)
            #expect(held.isHeld && held.term == 1)
            #expect(try await store.lead(as: second, for: .seconds(60), counter: 0).isHeld == false)
            #expect(try await store.lead(as: first, for: .seconds(60), counter: 9).term == 1)
            try await database.execute("UPDATE tasq.leader SET expires_at = now() - interval '1 s'")
            let taken = try await store.lead(as: second, for: .seconds(60), counter: 0)
            #expect(taken.isHeld && taken.term == 2 && taken.counter == 9)
            let epoch = try await database.execute(
                "SELECT value FROM tasq.setting WHERE name = 'epoch'")
            #expect(taken.epoch == epoch && held.epoch == epoch)
        }
    }

    @Test func `A holder loses the term as soon as its session ends`() async throws {
        try await withStore { store, _ in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 1,
                version: "test", heartbeat: .milliseconds(100), lease: .seconds(60))
            try await store.register(worker)
            let heartbeat = store.startHeartbeat(of: worker) { _ in }
            let other = WorkerID()
            try await eventually("it holds the term over its lock") {
                let look = try await store.lead(as: worker.id, for: .seconds(600), counter: 1)
                return look.isHeld && look.workers.first.map { $0.sequence > 0 } ?? false
            }
            #expect(try await store.lead(as: other, for: .seconds(60), counter: 0).isHeld == false)
            await heartbeat.stop()
            try await eventually("another takes it") {
                try await store.lead(as: other, for: .seconds(60), counter: 0).isHeld
            }
        }
    }

    @Test func `A holder that leaves in order leaves the term too`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let held = try await store.lead(as: worker, for: .seconds(600), counter: 1)
            #expect(held.isHeld)
            try await store.deregister(worker)
            let taken = try await store.lead(as: WorkerID(), for: .seconds(60), counter: 0)
            #expect(taken.isHeld && taken.term == 2)
        }
    }
}
