import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqRedis

/// `redis+cluster://` against real clusters whose slots move and whose nodes die.
@Suite(.medium) struct ClusterTests {
    @Test func `Slots are reckoned as the servers do`() async throws {
        let (_, cluster) = try await Doorbell.sharedByCluster()
        for _ in 0..<50 {
            let alphabet = Array("ab{}:é0")
            let key = (0..<Int.random(in: 1..<12)).reduce(into: "") { key, _ in
                key.append(alphabet[Int.random(in: alphabet.indices)])
            }
            #expect(try await cluster.slot(of: key) == KeySlot(of: key).number, "\(key)")
        }
    }

    @Test(arguments: [false, true])
    func `Each queue is on its node, and all are announced, taken, counted and cleared`(
        isOld: Bool
    ) async throws {
        let (bell, cluster) = try await Doorbell.byCluster(isOld: isOld)
        let queues = try bell.queues(of: cluster)
        let jobs = (0..<30).map { Announcement.new(queues[$0 % 3], $0 % 4) }
        try await bell.announce(jobs)
        for (node, queue) in zip(cluster.primaries, queues) {
            #expect(try await node.command("EXISTS", bell.list(queue, 1)) == "1")
        }
        let depths = try await bell.announcer.depths(of: queues)
        #expect(depths == Dictionary(uniqueKeysWithValues: queues.map { ($0, 10) }))
        #expect(Set(try await bell.announcer.announcedQueues()).isSuperset(of: queues))
        let listed = try await bell.announcer.announced(
            on: queues[0], Priority.all[0], from: 0, limit: 10)
        #expect(listed.contains(jobs[0].id.description))
        let drained = try await bell.drain(queues)
        #expect(Set(drained) == Set(jobs.map(\.id)) && drained.count == jobs.count)
        let urgent = Set(jobs.filter { $0.priority == .all[0] }.map(\.id))
        #expect(Set(drained.prefix(urgent.count)) == urgent)
        try await bell.announce(jobs)
        try await bell.announcer.clear(queues)
        #expect(try await bell.drain(queues).isEmpty)
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `A take that waits at several queues is woken by any of them`() async throws {
        let (bell, cluster) = try await Doorbell.sharedByCluster()
        let queues = try bell.queues(of: cluster)
        for queue in queues {
            async let taken = bell.announcer.take(upTo: 5, from: queues, wait: .seconds(60))
            try await eventually("a take waits at each node") {
                for (node, queue) in zip(cluster.primaries, queues) {
                    let clients = try await node.command("CLIENT", "LIST", "TYPE", "NORMAL")
                    // Clients of other tests wait here too; the lists' names are not shown.
                    guard clients.contains("flags=b"), !queue.description.isEmpty else {
                        return false
                    }
                }
                return true
            }
            let job = Announcement.new(queue)
            try await bell.announce([job])
            #expect(try await taken == [job.id])
        }
    }

    @Test(arguments: [false, true])
    func `No id is lost among takes that wait at several queues, cancelled or not`(
        isOld: Bool
    ) async throws {
        let (bell, cluster) = try await Doorbell.byCluster(isOld: isOld)
        let queues = try bell.queues(of: cluster)
        let jobs = (0..<1500).map { Announcement.new(queues[$0 % 3]) }
        async let announcing: Void = {
            for start in stride(from: 0, to: jobs.count, by: 5) {
                try await bell.announce(Array(jobs[start..<start + 5]))
            }
        }()
        var taken: [JobID] = []
        for round in 0..<150 {
            let task = Task {
                try await bell.announcer.take(upTo: 3, from: queues, wait: .milliseconds(500))
            }
            if round % 2 == 0 {
                for _ in 0..<(round % 40) { await Task.yield() }
                task.cancel()
            }
            taken += try await task.value
        }
        try await announcing
        let left = try await bell.drain(queues)
        #expect(taken.count + left.count == jobs.count)
        #expect(Set(taken + left) == Set(jobs.map(\.id)))
        #expect(bell.announcer.counts.giveBackFailures == 0)
    }

    @Test func `A slot that has moved is followed, by a waiting take too`() async throws {
        let (bell, cluster) = try await Doorbell.sharedByCluster()
        let queue = try bell.queue(on: 0, of: cluster)
        let kept = Announcement.new(queue, 3)
        try await bell.announce([kept])
        #expect(try await bell.drain([queue]) == [kept.id])
        async let taken = bell.announcer.take(upTo: 5, from: [queue], wait: .seconds(60))
        let migration = try await Migration(of: queue, bell, cluster)
        try await migration.begin()
        try await migration.end()
        let job = Announcement.new(queue)
        try await bell.announce([job])
        #expect(try await taken == [job.id])
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `While a slot is on its way, nothing on either side is missed`() async throws {
        let (bell, cluster) = try await Doorbell.sharedByCluster()
        let queue = try bell.queue(on: 1, of: cluster)
        let (stays, moves) = (Announcement.new(queue, 0), Announcement.new(queue, 2))
        try await bell.announce([stays, moves])
        let migration = try await Migration(of: queue, bell, cluster)
        try await migration.begin()
        try await migration.move(bell.list(queue, 2))
        // One list here, one there, and two that are nowhere: new ones begin on the other side.
        let new = Announcement.new(queue, 1)
        try await bell.announce([new])
        #expect(try await bell.announcer.depths(of: [queue]) == [queue: 3])
        #expect(try await bell.drain([queue]) == [stays, new, moves].map(\.id))
        async let taken = bell.announcer.take(upTo: 5, from: [queue], wait: .seconds(60))
        let late = Announcement.new(queue)
        try await bell.announce([late])
        #expect(try await taken == [late.id])
        try await bell.announce([new])
        try await bell.announcer.clear([queue])
        #expect(try await bell.announcer.depths(of: [queue]) == [queue: 0])
        try await migration.end()
        try await bell.announce([late])
        #expect(try await bell.drain([queue]) == [late.id])
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `A node that is lost takes its queues with it and no others`() async throws {
        let cluster = try await PrivateRedisCluster.start(
            arguments: ["--cluster-require-full-coverage", "no"])
        let bell = try Doorbell(cluster.url)
        let queues = try bell.queues(of: cluster)
        try await bell.announce(queues.map { .new($0) })
        let fresh = try await bell.announcer.exchangeEpoch("e:1", beside: queues)
        let none = queues.map { ($0, EpochMark.replaced(nil)) }
        #expect(fresh == .parts(Dictionary(uniqueKeysWithValues: none)))
        #expect(try await bell.drain(queues).count == 3)
        await cluster.primaries[0].kill()
        let (lost, whole) = (queues[0], Array(queues.dropFirst()))
        let job = Announcement.new(whole[1])
        let taken = Task {
            try await bell.announcer.take(upTo: 5, from: queues, wait: .seconds(60))
        }
        await bell.announcer.announce([.new(lost), job])
        #expect(try await taken.value == [job.id])
        await #expect(throws: AnnouncerError.self) {
            try await bell.announcer.take(upTo: 5, from: [lost], wait: .milliseconds(200))
        }
        try await bell.announce([job])
        #expect(try await bell.drain(whole) == [job.id])
        #expect(
            try await bell.announcer.exchangeEpoch("e:2", beside: queues)
                == .parts([
                    lost: .unreachable, whole[0]: .replaced("e:1"), whole[1]: .replaced("e:1"),
                ]))
        #expect(try await bell.announcer.servedSlots()?.all == KeySlot.count)
        for _ in 0..<20 {
            await bell.announcer.announce([.new(lost)])
            _ = try? await bell.announcer.take(upTo: 5, from: [lost], wait: .milliseconds(20))
        }
        let warnings = bell.log.lines(at: .warning).count
        // It is gone, and then the others know and say so: for takes and for the rest.
        #expect(warnings <= 4, "\(bell.log.lines(at: .warning))")
        try await cluster.primaries[0].restart()
        try await eventually("the lost queue is announced again") {
            try await bell.announce([.new(lost)])
            return true
        }
        #expect(try await bell.drain([lost]).count >= 1)
        #expect(
            try await bell.announcer.exchangeEpoch("e:3", beside: [lost])
                == .parts([lost: .replaced(nil)]))
    }

    @Test func `A replica that takes over is found, with what it had heard`() async throws {
        let cluster = try await PrivateRedisCluster.start(replicas: 1)
        let bell = try Doorbell(cluster.url)
        let queue = try bell.queue(on: 0, of: cluster)
        _ = try await bell.announcer.exchangeEpoch("e:1", beside: [queue])
        try await eventually("the replica has the mark") {
            try await cluster.replicas[0].command("DBSIZE") == "1"
        }
        let waiting = Task {
            try await bell.announcer.take(upTo: 1, from: [queue], wait: .seconds(60))
        }
        try await cluster.primaries[0].waitForBlockedClients(1)
        await cluster.primaries[0].kill()
        let death = ContinuousClock.now
        await #expect(throws: AnnouncerError.self) { try await waiting.value }
        let job = Announcement.new(queue)
        try await eventually("an announcement arrives") {
            try await bell.announce([job])
            return true
        }
        print("cluster: announced", ContinuousClock.now - death, "after a node was killed")
        #expect(try await cluster.replicas[0].command("ROLE").hasPrefix("master"))
        #expect(
            try await bell.announcer.take(upTo: 5, from: [queue], wait: .seconds(5)) == [job.id])
        #expect(
            try await bell.announcer.exchangeEpoch("e:2", beside: [queue])
                == .parts([queue: .replaced("e:1")]))
    }

    @Test func `A node that hangs is left when its replica has taken over`() async throws {
        let cluster = try await PrivateRedisCluster.start(replicas: 1)
        let bell = try Doorbell(cluster.url)
        let queue = try bell.queue(on: 0, of: cluster)
        let waiting = Task {
            try await bell.announcer.take(upTo: 1, from: [queue], wait: .seconds(60))
        }
        try await cluster.primaries[0].waitForBlockedClients(1)
        cluster.primaries[0].pause()
        let death = ContinuousClock.now
        let error = try await #require(throws: AnnouncerError.self) { try await waiting.value }
        print("cluster: left", ContinuousClock.now - death, "after a node hung")
        #expect(error.description.contains("serves no slots any more"))
        let job = Announcement.new(queue)
        try await bell.announce([job])
        #expect(
            try await bell.announcer.take(upTo: 5, from: [queue], wait: .seconds(5)) == [job.id])
        cluster.primaries[0].resume()
    }

    @Test func `A slot whose nodes name each other ends the take`() async throws {
        let cluster = try await PrivateRedisCluster.start()
        let bell = try Doorbell(cluster.url)
        let queue = try bell.queue(on: 0, of: cluster)
        // Only the one that gives the slot away is told, so each believes that the other has it.
        let move = try await Migration(of: queue, bell, cluster)
        let other = try await move.target.command("CLUSTER", "MYID")
        try await move.source.command("CLUSTER", "SETSLOT", move.slot, "NODE", other)
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.take(upTo: 1, from: [queue], wait: .seconds(60))
        }
        #expect(error.description.contains("on its way between nodes"))
    }

    @Test func `Any node that answers is enough, and none is told`() async throws {
        let (whole, cluster) = try await Doorbell.sharedByCluster()
        let queue = try whole.queue(on: 2, of: cluster)
        let bell = try Doorbell(
            "redis+cluster://127.0.0.1:9,127.0.0.1:\(cluster.primaries[1].port)")
        try await bell.announce([.new(queue)])
        #expect(bell.log.lines(at: .warning).isEmpty)
        let redis = try await TestServers.redis()
        for (url, text) in [
            ("redis+cluster://127.0.0.1:9", "127.0.0.1:9: connection refused"),
            (redis.url.replacing("redis:", with: "redis+cluster:"), "use redis:// in REDIS_URL"),
        ] {
            let bad = try Doorbell(url)
            let error = try await #require(throws: AnnouncerError.self) {
                try await bad.announcer.refill([.new()])
            }
            #expect(error.description.contains(text), "\(error.description)")
            let end = ContinuousClock.now + .seconds(1)
            var takes = 0
            while ContinuousClock.now < end {
                takes += 1
                await #expect(throws: AnnouncerError.self) {
                    try await bad.announcer.take(
                        upTo: 1, from: [.defaultQueue], wait: .milliseconds(500))
                }
            }
            // Each rests: a spin would be thousands.
            #expect(takes <= 10)
            #expect(bad.log.lines(at: .warning).count <= 2, "\(bad.log.lines(at: .warning))")
        }
    }
}
