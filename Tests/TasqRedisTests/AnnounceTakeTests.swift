import Logging
import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct AnnounceTakeTests {
    private static let mail = Name(unchecked: "mail")
    private static let build = Name(unchecked: "build")

    @Test func `Ids come by priority, then by the caller's order of queues, then by age`()
        async throws
    {
        let (bell, _) = try await Doorbell.shared()
        let (mail, build) = (Self.mail, Self.build)
        let jobs: [Announcement] = [
            .new(build, 3), .new(mail, 3), .new(mail, 1), .new(build, 1), .new(build, 1),
            .new(mail, 0), .new(build, 2),
        ]
        await bell.announcer.announce(jobs)
        try await bell.announce([.new(Name(unchecked: "other"), 0)])
        #expect(bell.announcer.counts.announced == jobs.count + 1)
        #expect(
            try await bell.drain([mail, build])
                == [jobs[5], jobs[2], jobs[3], jobs[4], jobs[6], jobs[1], jobs[0]].map(\.id))
    }

    @Test func `A take returns no more than its limit and leaves the rest`() async throws {
        let (bell, _) = try await Doorbell.shared()
        let jobs = Announcement.new(5)
        try await bell.announce(jobs)
        let first = try await bell.announcer.take(
            upTo: 3, from: [.defaultQueue], wait: .seconds(5))
        #expect(first == jobs.prefix(3).map(\.id))
        #expect(try await bell.announcer.depths(of: [.defaultQueue]) == [.defaultQueue: 2])
        #expect(try await bell.drain() == jobs.suffix(2).map(\.id))
        #expect(bell.announcer.counts.taken == 5)
    }

    @Test func `A take without room or queues returns nothing and takes nothing`() async throws {
        let (bell, _) = try await Doorbell.shared()
        try await bell.announce([.new()])
        #expect(try await bell.announcer.take(upTo: 0, from: [.defaultQueue], wait: .zero).isEmpty)
        #expect(try await bell.announcer.take(upTo: 1, from: [], wait: .zero).isEmpty)
        #expect(try await bell.drain().count == 1)
    }

    @Test func `A waiting take wakes when a job is announced`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        let job = Announcement.new()
        async let taken = bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(60))
        try await redis.waitForBlockedClients(1)
        await bell.announcer.announce([job])
        #expect(try await taken == [job.id])
    }

    @Test func `A take returns nothing when its wait is over`() async throws {
        let (bell, _) = try await Doorbell.shared()
        for wait in [Duration.zero, .milliseconds(3), .milliseconds(120)] {
            let ids = try await bell.announcer.take(upTo: 9, from: [Self.mail], wait: wait)
            #expect(ids.isEmpty)
        }
        #expect(bell.announcer.counts.takeFailures == 0)
    }

    @Test func `A wait too short to block is made between two looks`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        // A machine at its limit may take all of that wait for the first look.
        try await eventually("a take looks twice") {
            let before = try await redis.calls(of: "lmpop")
            let ids = try await bell.announcer.take(
                upTo: 9, from: [Self.mail], wait: .milliseconds(9))
            #expect(ids.isEmpty)
            return try await redis.calls(of: "lmpop") == before + 2
        }
        #expect(try await redis.calls(of: "blmpop") == 0)
        await redis.stop()
    }

    @Test func `Two takes of one announcer wait side by side`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        async let mail = bell.announcer.take(upTo: 1, from: [Self.mail], wait: .seconds(60))
        async let build = bell.announcer.take(upTo: 1, from: [Self.build], wait: .seconds(60))
        try await redis.waitForBlockedClients(2)
        let jobs: [Announcement] = [.new(Self.build), .new(Self.mail)]
        await bell.announcer.announce(jobs)
        #expect(try await build == [jobs[0].id])
        #expect(try await mail == [jobs[1].id])
    }

    @Test func `Fifty callers at once announce a thousand ids each, and all arrive once`()
        async throws
    {
        let (bell, _) = try await Doorbell.shared()
        let batches = (0..<50).map { _ in Announcement.new(1000) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in batches { group.addTask { try await bell.announce(batch) } }
            try await group.waitForAll()
        }
        let drained = try await bell.drain()
        #expect(drained.count == 50_000)
        #expect(Set(drained) == Set(batches.joined().map(\.id)))
        #expect(bell.announcer.counts.announced == 50_000)
        #expect(bell.announcer.counts.connects == 2)
    }

    @Test func `Clearing empties all lists of the named queues and no others`() async throws {
        let (bell, _) = try await Doorbell.shared()
        let (mail, build) = (Self.mail, Self.build)
        try await bell.announce([.new(mail, 0), .new(mail, 3), .new(build, 2)])
        #expect(try await bell.announcer.depths(of: [mail, build]) == [mail: 2, build: 1])
        try await bell.announcer.clear([mail])
        #expect(try await bell.announcer.depths(of: [mail, build]) == [mail: 0, build: 1])
    }

    @Test func `The epoch mark is exchanged and gone after a flush`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        #expect(try await bell.exchangeEpoch("a 1") == nil)
        #expect(try await bell.exchangeEpoch("a 2") == "a 1")
        #expect(try await redis.command("GET", "\(bell.prefix):{epoch}") == "a 2")
        try await redis.command("FLUSHALL")
        #expect(try await bell.exchangeEpoch("a 3") == nil)
    }

    @Test func `What is no id is dropped and told once, by its list and not by its content`()
        async throws
    {
        let (bell, redis) = try await Doorbell.shared()
        let job = Announcement.new()
        try await bell.announce([job])
        let long = String(repeating: "hush", count: 20_000)
        for _ in 0..<2 {
            try await redis.command(
                "LPUSH", bell.list(), "hush", "", long, String(repeating: "h", count: 36))
        }
        #expect(try await bell.drain() == [job.id])
        #expect(bell.announcer.counts.malformed == 8)
        // A batch may lack any id and still not be the last.
        try await redis.command("LPUSH", bell.list(), "hush")
        #expect(try await bell.drain().isEmpty)
        #expect(bell.log.lines(at: .warning, containing: bell.list()).count == 1)
        #expect(!bell.log.lines.contains { $0.text.contains("hush") })
    }
}
