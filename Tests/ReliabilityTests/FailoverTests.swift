import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqRedis

/// Redis in several processes, some of which die while workers work.
@Suite(.system) struct FailoverTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func `What one node of a cluster forgets is announced again, and no other queue`()
        async throws
    {
        try await Fleet.with { fleet in
            let cluster = try await PrivateRedisCluster.start(
                arguments: ["--cluster-require-full-coverage", "no"])
            let announcer = RedisAnnouncer(try RedisSettings(url: cluster.url), logger: logger)
            let queue = Queue(store: fleet.store, announcer: announcer)
            let names = try cluster.primaries.indices.map { try name(on: $0, of: cluster) }
            let worker = try await fleet.tasq(
                ["work", "--concurrency", "3"] + names.flatMap { ["--queue", "\($0)"] },
                ["REDIS_URL": cluster.url])
            // At its start, for there were no marks. An id that was pushed meanwhile would be on
            // its list twice, which is allowed, and could not be counted.
            _ = try await worker.waitForLine(containing: "announced queued jobs again")
            fleet.log.hold()
            func enqueue(_ count: Int, on name: Name) async throws {
                let jobs = try (0..<count).map { _ in
                    try NewJob(
                        kind: Name("run"), queue: name, payload: Payload(Array("{}".utf8)))
                }
                _ = try await queue.enqueue(jobs)
            }
            func listed(_ place: Int) async throws -> Int {
                let list = Keys(prefix: "tasq").list(names[place], .all[1])
                return Int(try await cluster.primaries[place].command("LLEN", list)) ?? -1
            }
            try await enqueue(3, on: names[0])
            try await eventually("every slot is taken") { fleet.log.count == 3 }
            for name in names { try await enqueue(50, on: name) }
            try await eventually("all are announced") {
                for place in names.indices where try await listed(place) < 50 { return false }
                return true
            }
            // Those that a look at the table found first are still on it.
            let beside = [try await listed(0), try await listed(2)]
            try await cluster.primaries[1].command("FLUSHALL")
            _ = try await worker.waitForLine(containing: "announced queued jobs again jobs=50")
            #expect(try await listed(1) == 50)
            #expect([try await listed(0), try await listed(2)] == beside)

            await cluster.primaries[2].kill()
            try await enqueue(50, on: names[2])
            fleet.log.release()
            try await fleet.reaches(203, .success)
            try await cluster.primaries[2].restart()
            try await eventually("its queue is announced again") {
                _ = try await announcer.depths(of: names)
                return true
            }
            try await enqueue(10, on: names[2])
            try await fleet.reaches(213, .success)
            #expect(fleet.log.overlaps == 0)
            #expect(worker.lines.count < 60, "no hot loop: \(worker.lines)")
            try await fleet.stop([worker])
            await announcer.close()
        }
    }

    @Test func `A primary under Sentinel dies under load: every job runs, and push resumes`()
        async throws
    {
        try await Fleet.with { fleet in
            let replica = try await PrivateRedis.start(
                arguments: ["--replicaof", "127.0.0.1", "\(fleet.redis.port)"])
            try await eventually("the replica follows") {
                try await fleet.redis.command("INFO", "replication").contains("state=online")
            }
            let sentinel = try await PrivateSentinel.start(watching: fleet.redis, as: "bells")
            try await eventually("the sentinel knows of the replica") {
                try await sentinel.command("INFO", "sentinel").contains("slaves=1")
            }
            let url = "redis+sentinel://127.0.0.1:\(sentinel.port)/bells"
            let worker = try await fleet.worker(slots: 8, ["REDIS_URL": url])
            let announcer = RedisAnnouncer(try RedisSettings(url: url), logger: logger)
            let queue = Queue(store: fleet.store, announcer: announcer)
            func enqueue(_ count: Int) async throws {
                for _ in 0..<count {
                    _ = try await queue.enqueue(
                        NewJob(kind: Name("run"), payload: Payload(Array("{}".utf8))))
                }
            }
            try await enqueue(200)
            await fleet.redis.kill()
            try await enqueue(300)
            try await fleet.reaches(500, .success)
            try await eventually("an announced job is taken from the new primary") {
                try await enqueue(1)
                let commands = try await replica.command("INFO", "commandstats")
                return commands.contains("cmdstat_lpush") && commands.contains("cmdstat_blmpop")
            }
            #expect(fleet.log.overlaps == 0)
            #expect(worker.lines.count < 60, "no hot loop: \(worker.lines)")
            try await fleet.stop([worker])
            await announcer.close()
        }
    }

    /// A queue whose lists are on a primary, by its place.
    private func name(on place: Int, of cluster: PrivateRedisCluster) throws -> Name {
        var number = 0
        while true {
            number += 1
            let queue = try Name("queue-\(number)")
            let slot = KeySlot(of: Keys(prefix: "tasq").list(queue, .all[1])).number
            if slot * cluster.primaries.count / KeySlot.count == place { return queue }
        }
    }
}
