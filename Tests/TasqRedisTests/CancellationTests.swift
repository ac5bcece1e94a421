import Logging
import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct CancellationTests {
    @Test(arguments: [[], Doorbell.old])
    func `A cancelled take ends its wait, on the server too`(arguments: [String]) async throws {
        let redis = try await PrivateRedis.start(arguments: arguments)
        let bell = try Doorbell(redis.url)
        let task = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await redis.waitForBlockedClients(1)
        task.cancel()
        #expect(try await task.value.isEmpty)
        try await redis.waitForBlockedClients(0)
        // Nobody waits any more who could swallow this.
        try await bell.announce([.new()])
        #expect(try await bell.drain().count == 1)
        #expect(bell.announcer.counts.takeFailures == 0)
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `A take by a cancelled task takes nothing`() async throws {
        let (bell, _) = try await Doorbell.shared()
        try await bell.announce([.new()])
        let ids = try await withThrowingTaskGroup(of: [JobID].self) { group in
            group.cancelAll()
            group.addTask {
                try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
            }
            return try await group.next()
        }
        #expect(ids == [])
        #expect(try await bell.drain().count == 1)
    }

    @Test(arguments: [[], Doorbell.old])
    func `No id is lost among takes cancelled at any moment`(arguments: [String]) async throws {
        let redis = try await PrivateRedis.start(arguments: arguments)
        let bell = try Doorbell(redis.url)
        let jobs = Announcement.new(4000)
        async let announcing: Void = {
            for start in stride(from: 0, to: jobs.count, by: 5) {
                try await bell.announce(Array(jobs[start..<start + 5]))
            }
        }()
        var taken: [JobID] = []
        for round in 0..<400 {
            let task = Task {
                try await bell.announcer.take(upTo: 7, from: [.defaultQueue], wait: .seconds(20))
            }
            // As many hops as the round says, so that the blow falls at ever other moments.
            for _ in 0..<(round % 40) { await Task.yield() }
            task.cancel()
            taken += try await task.value
        }
        try await announcing
        let left = try await bell.drain()
        #expect(taken.count + left.count == jobs.count)
        #expect(Set(taken + left) == Set(jobs.map(\.id)))
        #expect(bell.announcer.counts.giveBackFailures == 0)
    }

    @Test(arguments: [[], Doorbell.old])
    func `Ids given back are the next to be taken, in their order`(
        arguments: [String]
    ) async throws {
        let redis = try await PrivateRedis.start(arguments: arguments)
        let bell = try Doorbell(redis.url)
        let jobs = Announcement.new(60)
        try await eventually("a take is cancelled after Redis has popped for it") {
            try await redis.command("DEL", bell.list())
            let task = Task {
                try await bell.announcer.take(upTo: 10, from: [.defaultQueue], wait: .seconds(20))
            }
            try await redis.waitForBlockedClients(1)
            // The answer is on its way when the announcement has been answered.
            try await bell.announce(jobs)
            task.cancel()
            // One that was quicker keeps its ids; they go back by hand, as a worker would do.
            let kept = try await task.value
            if !kept.isEmpty {
                try await redis.command(
                    ["RPUSH", bell.list()] + kept.reversed().map(\.description))
            }
            return bell.announcer.counts.givenBack > 0
        }
        #expect(try await bell.drain() == jobs.map(\.id))
        let page = try Exposition(PrometheusText.page(of: bell.announcer.metrics))
        #expect(page["tasq_given_back_ids_total", ["outcome": "sent"]] ?? 0 > 0)
    }

    @Test func `Closing fails who waits and refuses who comes later, twice over`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        try await bell.announce([.new(Name(unchecked: "x"))])
        let taken = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await redis.waitForBlockedClients(1)
        await bell.announcer.close()
        await bell.announcer.close()
        let error = try await #require(throws: AnnouncerError.self) { try await taken.value }
        #expect(error.description.contains("closed"))
        await #expect(throws: AnnouncerError.self) { try await bell.announcer.refill([.new()]) }
        await #expect(throws: AnnouncerError.self) {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        await bell.announcer.announce([.new()])
        #expect(bell.announcer.counts.announceFailures == 2)
        try await eventually("no connection of ours is left") {
            try await !redis.command("CLIENT", "LIST").contains(" name=tasq ")
        }
    }

    @Test func `A forgotten announcer leaves no connection open`() async throws {
        let redis = try await PrivateRedis.start()
        do {
            let bell = try Doorbell(redis.url)
            try await bell.announce([.new()])
            #expect(try await bell.drain().count == 1)
        }
        try await eventually("no connection of ours is left") {
            try await !redis.command("CLIENT", "LIST").contains(" name=tasq ")
        }
    }
}
