import Logging
import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct OutageTests {
    @Test func `A server that was never started is no more than a quick failure`() async throws {
        let redis = try await PrivateRedis.start()
        await redis.stop()
        let bell = try Doorbell(redis.url)
        let job = Announcement.new()
        for _ in 0..<200 { await bell.announcer.announce([job]) }
        try await eventually("every announcement is counted as failed") {
            bell.announcer.counts.announceFailures == 200
        }
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(1))
        }
        #expect(error.description == "redis 127.0.0.1:\(redis.port): connection refused")
        // One warning for commands and takes together, however often they fail.
        #expect(bell.log.lines(at: .warning).count == 1)
        try await redis.restart()
        try await eventually("an announcement arrives") {
            await bell.announcer.announce([job])
            return bell.announcer.counts.announced > 0
        }
        #expect(try await bell.takeInTime().contains(job.id))
        #expect(bell.log.lines(at: .info, containing: "works again").count == 1)
        #expect(bell.log.lines(at: .warning).count == 1)
    }

    @Test func `One who announces to a slow server and ends leaves nothing behind`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        let job = Announcement.new()
        // Longer than an announcement keeps its caller, shorter than it may take.
        try await redis.command("CLIENT", "PAUSE", "300")
        await bell.announcer.announce([job])
        await bell.announcer.close()
        #expect(bell.announcer.counts.announced == 1)
        #expect(try await redis.command("LLEN", bell.list()) == "1")
        await redis.stop()
    }

    @Test func `Failing takes rest between attempts`() async throws {
        let bell = try Doorbell("redis://127.0.0.1:1")
        let end = ContinuousClock.now + .seconds(3)
        var takes = 0
        while ContinuousClock.now < end {
            takes += 1
            await #expect(throws: AnnouncerError.self) {
                try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(1))
            }
        }
        // 50, 100, 200, 400, 800, 1600 ms, each at least half of that: a spin would be thousands.
        #expect(takes <= 10)
    }

    @Test func `A wrong type at a key is told, and the other queues' announcements go on`()
        async throws
    {
        let (bell, redis) = try await Doorbell.shared()
        let other = Name(unchecked: "other")
        try await redis.command("SET", bell.list(), "x")
        for _ in 0..<3 {
            await bell.announcer.announce([.new(), .new(other)])
        }
        try await eventually("all are counted") {
            bell.announcer.counts.announceFailures == 3 && bell.announcer.counts.announced == 3
        }
        try await bell.announcer.refill([.new(), .new(other)])
        #expect(bell.announcer.counts.announced == 4)
        #expect(try await bell.announcer.depths(of: [other, .defaultQueue]) == [other: 4])
        let counting = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.depths(of: [.defaultQueue])
        }
        #expect(counting.description.contains(bell.list()))
        #expect(bell.log.lines(at: .warning, containing: "(announcing)").count == 1)
        #expect(bell.log.lines(at: .warning, containing: "(counting)").count == 1)
        try await redis.command("DEL", bell.list())
        let job = Announcement.new()
        try await bell.announce([job])
        #expect(try await bell.takeInTime() == [job.id])
        #expect(bell.announcer.counts.connects == 2)
    }

    @Test(arguments: ["new", "old", "cluster"])
    func `A key of another type keeps takes from its own list alone, and is told once`(
        _ kind: String
    ) async throws {
        let bell: Doorbell
        let strange: Name
        let other: Name
        let redis: any RedisServer
        if kind == "cluster" {
            let (shared, cluster) = try await Doorbell.sharedByCluster()
            bell = shared
            (strange, other) = (
                try bell.queue(on: 0, of: cluster), try bell.queue(on: 1, of: cluster)
            )
            redis = cluster.primaries[0]
        } else {
            let server = try await PrivateRedis.start(arguments: kind == "old" ? Doorbell.old : [])
            bell = try Doorbell(server.url)
            (strange, other) = (.defaultQueue, Name(unchecked: "other"))
            redis = server
        }
        let key = bell.list(strange, 0)
        try await redis.command("SET", key, "x")
        let queues = [strange, other]
        for queue in [strange, other, strange, other] {
            let job = Announcement.new(queue)
            try await bell.announce([job])
            let ids = try await bell.announcer.take(upTo: 9, from: queues, wait: .seconds(60))
            #expect(ids == [job.id])
        }
        let warnings = bell.log.lines(at: .warning)
        #expect(warnings.count == 1, "\(warnings)")
        #expect(warnings.first?.contains("\(key) holds something that is not tasq's") ?? false)
        #expect(bell.announcer.counts.takeFailures == 0)
        // The caller is to look at the table instead.
        #expect(
            try await bell.announcer.take(upTo: 9, from: queues, wait: .seconds(60)).isEmpty)
        try await redis.command("DEL", key)
        let urgent = Announcement.new(strange, 0)
        try await bell.announce([urgent])
        try await eventually("it is taken from again") {
            try await bell.announcer.take(upTo: 9, from: queues, wait: .seconds(1)) == [urgent.id]
        }
        #expect(bell.log.lines(at: .info, containing: "\(key) is taken from again").count == 1)
    }

    @Test func `Where all lists are something else takes throw, and rest`() async throws {
        let (bell, redis) = try await Doorbell.shared()
        for level in 0...3 { try await redis.command("SET", bell.list(.defaultQueue, level), "x") }
        for _ in 0..<3 {
            let error = try await #require(throws: AnnouncerError.self) {
                try await bell.announcer.take(
                    upTo: 1, from: [.defaultQueue], wait: .milliseconds(50))
            }
            #expect(error.description.contains("not tasq's"))
        }
        #expect(bell.log.lines(at: .warning, containing: "takes leave it out").count == 4)
    }

    @Test func `A wrong type at the epoch mark is told with its key`() async throws {
        let (bell, redis) = try await Doorbell.shared()
        try await redis.command("LPUSH", "\(bell.prefix):{epoch}", "x")
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.exchangeEpoch("e")
        }
        #expect(error.description.contains("\(bell.prefix):{epoch}"))
    }

    @Test func `A full server fails announcements until there is room again`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        let before = Announcement.new()
        try await bell.announce([before])
        try await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        try await redis.command("CONFIG", "SET", "maxmemory", "1")
        for _ in 0..<3 { await bell.announcer.announce([.new()]) }
        try await eventually("the failures are counted") {
            bell.announcer.counts.announceFailures == 3
        }
        #expect(bell.log.lines(at: .warning, containing: "out of memory").count == 1)
        #expect(try await bell.drain() == [before.id])
        try await redis.command("CONFIG", "SET", "maxmemory", "0")
        try await bell.announce([.new()])
        #expect(bell.announcer.counts.announced == 2)
        #expect(bell.log.lines(at: .info, containing: "announcing works again").count == 1)
    }

    @Test func `A server that became a replica is left and comes back as primary`() async throws {
        let primary = try await PrivateRedis.start()
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        try await bell.announce([.new(Name(unchecked: "x"))])
        let waiting = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await redis.waitForBlockedClients(1)
        try await redis.command("REPLICAOF", "127.0.0.1", "\(primary.port)")
        let error = try await #require(throws: AnnouncerError.self) { try await waiting.value }
        #expect(error.description.contains("its role changed"))
        try await eventually("the replica is told") {
            await bell.announcer.announce([.new()])
            return !bell.log.lines(at: .warning, containing: "read-only replica").isEmpty
        }
        try await redis.command("REPLICAOF", "NO", "ONE")
        let job = Announcement.new()
        try await eventually("an announcement arrives") {
            try await bell.announce([job])
            return true
        }
        #expect(try await bell.takeInTime().contains(job.id))
        #expect(bell.announcer.counts.reconnects >= 1)
    }

    @Test func `After a killed connection the next take works`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        let waiting = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await redis.waitForBlockedClients(1)
        try await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await #expect(throws: AnnouncerError.self) { try await waiting.value }
        let job = Announcement.new()
        try await bell.announce([job])
        #expect(try await bell.takeInTime() == [job.id])
    }

    @Test func `A killed command connection is replaced without a failure`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        for round in 1...5 {
            try await bell.announce([.new()])
            try await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            try await eventually("the loss is noticed, if it is") {
                try await bell.announcer.depths(of: [.defaultQueue]) == [.defaultQueue: round]
            }
        }
        #expect(bell.announcer.counts.reconnects >= 5)
    }

    @Test(arguments: ["SIGSTOP", "CLIENT PAUSE"])
    func `A server that hangs costs a take its deadline and nothing after`(
        _ how: String
    ) async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        try await bell.announce([.new(Name(unchecked: "x"))])
        _ = try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .milliseconds(50))
        if how == "SIGSTOP" {
            redis.pause()
        } else {
            try await redis.command("CLIENT", "PAUSE", "60000", "ALL")
        }
        let job = Announcement.new()
        let taken = Task {
            try await bell.announcer.take(
                upTo: 1, from: [.defaultQueue], wait: .milliseconds(200))
        }
        for _ in 0..<20 { await bell.announcer.announce([job]) }
        let error = try await #require(throws: AnnouncerError.self) { try await taken.value }
        #expect(error.description.contains("no answer"))
        await #expect(throws: AnnouncerError.self) { try await bell.exchangeEpoch("e") }
        try await eventually("every announcement is counted as failed") {
            bell.announcer.counts.announceFailures == 20
        }
        #expect(bell.log.lines(at: .warning, containing: "no answer").count <= 1)
        if how == "SIGSTOP" {
            redis.resume()
        } else {
            await redis.kill()
            try await redis.restart()
        }
        try await eventually("an announcement arrives") {
            try await bell.announce([job])
            return true
        }
        #expect(try await bell.takeInTime().contains(job.id))
    }

    @Test func `A server that is far too old is told once and takes throw`() async throws {
        let redis = try await PrivateRedis.start(
            arguments: Doorbell.old + ["--rename-command", "BRPOP", ""])
        let bell = try Doorbell(redis.url)
        for _ in 0..<3 {
            let error = try await #require(throws: AnnouncerError.self) {
                try await bell.announcer.take(
                    upTo: 1, from: [.defaultQueue], wait: .milliseconds(300))
            }
            #expect(error.description.contains("redis needs version 6.0 or newer"))
        }
        #expect(bell.log.lines(at: .warning, containing: "version 6.0").count == 1)
    }

    @Test func `A node of a cluster is told, not used`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--cluster-enabled", "yes"])
        for url in [redis.url, redis.url + "/1"] {
            let bell = try Doorbell(url)
            let error = try await #require(throws: AnnouncerError.self) {
                try await bell.announcer.refill([.new()])
            }
            #expect(error.description.contains("redis+cluster://"))
        }
    }

    @Test func `A server without a free slot says so, and is used once it has one`() async throws {
        let redis = try await PrivateRedis.start()
        try await redis.command("CONFIG", "SET", "maxclients", "1")
        let crowd = try Doorbell(redis.url)
        try await crowd.announce([.new()])
        let bell = try Doorbell(redis.url)
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.exchangeEpoch("e")
        }
        // The server says why and hangs up; the kernel may drop the words, but not the mend.
        #expect(error.description.contains("maxclients"))
        await crowd.announcer.close()
        try await eventually("there is room") { try await bell.exchangeEpoch("e") == nil }
    }
}
