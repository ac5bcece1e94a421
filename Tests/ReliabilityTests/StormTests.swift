import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// Whole systems under faults: real servers, real processes.
@Suite(.large) struct StormTests {
    @Test func `20 000 jobs survive three flushes, a kill and a shutdown, and none overlap`()
        async throws
    {
        try await Fleet.with { fleet in
            var workers: [ChildProcess] = []
            for _ in 0..<4 { workers.append(try await fleet.worker(slots: 16)) }
            for step in 1...4 {
                try await fleet.enqueue(5000)
                try await fleet.reaches(step * 2500, .success)
                switch step {
                case 1, 2, 3: _ = try await fleet.redis.command("flushall")
                default: break
                }
                if step == 2 { workers[0].signal(SIGKILL) }
                if step == 3 { workers[1].signal(SIGTERM) }
            }
            try await fleet.reaches(20_000, .success, within: .seconds(240).onThisMachine)
            #expect(try await fleet.number("SELECT count(*) FROM tasq.job") == 20_000)
            #expect(try await fleet.number("SELECT count(*) FROM tasq.executing_job") == 0)
            #expect(fleet.log.overlaps == 0)
            #expect(Set(fleet.log.runs.map(\.job)).count == 20_000)
            // What ran twice was on board when a worker crashed, and only one did.
            let crashes = try await fleet.number("SELECT sum(crashes) FROM tasq.job")
            #expect(fleet.log.count <= 20_000 + crashes)
            for worker in workers.dropFirst() {
                #expect(!worker.lines.contains { $0.contains("this worker was reaped") })
            }
            #expect(try await workers[0].wait() == .signal(SIGKILL))
            #expect(try await workers[1].wait() == .code(0))
            try await fleet.stop(Array(workers.dropFirst(2)))
            print("20 000 jobs: \(fleet.log.count) runs, \(fleet.log.overlaps) overlapping")
        }
    }

    @Test func `Every id announced ten times in random order runs once`() async throws {
        try await Fleet.with { fleet in
            let before = try await fleet.number(Self.deadlocks)
            var workers: [ChildProcess] = []
            for _ in 0..<4 { workers.append(try await fleet.worker(slots: 8)) }
            for _ in 0..<4 {
                let ids = try await fleet.enqueue(500)
                let announcements = ids.flatMap { id in
                    (0..<10).map { _ in
                        Announcement(id: id, queue: .defaultQueue, priority: .default)
                    }
                }
                await fleet.announcer.announce(announcements.shuffled())
            }
            try await fleet.reaches(2000, .success)
            try await eventually("the lists are empty") {
                try await fleet.redis.command("llen", "tasq:{default}:ready:1") == "0"
            }
            try await fleet.stop(workers)
            #expect(fleet.log.count == 2000)
            #expect(try await fleet.number(Self.deadlocks) == before)
            #expect(try await fleet.number("SELECT count(*) FROM tasq.executing_job") == 0)
        }
    }

    @Test func `Ids lost from a list that never empties run all the same`() async throws {
        try await Fleet.with { fleet in
            let lostIDs = try await fleet.enqueue(3000).shuffled().prefix(200)
            for id in lostIDs {
                _ = try await fleet.redis.command(
                    "lrem", "tasq:{default}:ready:1", "0", id.description)
            }
            let workers = [try await fleet.worker(slots: 8)]
            let start = ContinuousClock.now
            let lost = lostIDs.map { "'\($0)'" }.joined(separator: ",")
            try await eventually(within: .seconds(120).onThisMachine, "the lost ones have run") {
                // The list is kept filled, so that no take ever times out.
                let listed = try await fleet.redis.command("llen", "tasq:{default}:ready:1")
                if try #require(Int(listed)) < 500 {
                    try await fleet.enqueue(500)
                }
                return try await fleet.number(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success' AND id IN (\(lost))")
                    == lostIDs.count
            }
            print("200 lost ids beside a filled list: all run after \(ContinuousClock.now - start)")
            try await fleet.stop(workers)
        }
    }

    @Test func `A timeout costs memory only while its job runs`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 64)
            // As many as are measured: a busy machine makes the allocator's own share larger.
            try await fleet.enqueue(20_000, kind: "timed")
            try await fleet.reaches(20_000, .success)
            let before = try fleet.memory(of: worker)
            try await fleet.enqueue(20_000, kind: "timed")
            try await fleet.reaches(40_000, .success)
            let growth = try fleet.memory(of: worker) - before
            print("20 000 jobs under a timeout of 600 s: \(growth) kB more")
            #expect(growth < 8000, "a timer for each job would be 14 MB")
            try await fleet.stop([worker])
        }
    }

    static let deadlocks =
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
}
