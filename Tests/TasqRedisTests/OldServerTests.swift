import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqRedis

/// Servers without `BLMPOP` and `LMPOP`: Redis before 7.0, and its forks.
@Suite(.medium) struct OldServerTests {
    private static let mail = Name(unchecked: "mail")
    private static let build = Name(unchecked: "build")

    private func start(_ more: [String] = []) async throws -> (Doorbell, PrivateRedis) {
        let redis = try await PrivateRedis.start(arguments: Doorbell.old + more)
        return (try Doorbell(redis.url), redis)
    }

    @Test(arguments: [Duration.zero, .seconds(5)])
    func `Ids come by priority, then by the caller's order of queues, then by age`(
        wait: Duration
    ) async throws {
        let (bell, redis) = try await start()
        let (mail, build) = (Self.mail, Self.build)
        let jobs: [Announcement] = [
            .new(build, 3), .new(mail, 3), .new(mail, 1), .new(build, 1), .new(build, 1),
            .new(mail, 0), .new(build, 2),
        ]
        try await bell.announce(jobs)
        var taken: [JobID] = []
        while taken.count < jobs.count {
            taken += try await bell.announcer.take(upTo: 9, from: [mail, build], wait: wait)
        }
        #expect(taken == [jobs[5], jobs[2], jobs[3], jobs[4], jobs[6], jobs[1], jobs[0]].map(\.id))
        #expect(try await bell.announcer.take(upTo: 9, from: [mail, build], wait: .zero).isEmpty)
        #expect(bell.announcer.counts.takeFailures == 0)
        #expect(bell.log.lines(at: .warning).isEmpty)
        await redis.stop()
    }

    @Test func `A take brings as many as it may in two steps, and leaves the rest`() async throws {
        let (bell, redis) = try await start()
        let jobs = Announcement.new(1000)
        try await bell.announce(jobs)
        for (limit, wait) in [(300, Duration.seconds(5)), (1, .seconds(5)), (600, .zero)] {
            let start =
                jobs.count
                - (try await bell.announcer.depths(of: [.defaultQueue]))
                .values.reduce(0, +)
            let ids = try await bell.announcer.take(
                upTo: limit, from: [.defaultQueue], wait: wait)
            #expect(ids == jobs[start..<start + limit].map(\.id))
        }
        #expect(try await redis.calls(of: "brpop") == 3)
        #expect(try await redis.calls(of: "lrange") == 2)
        #expect(try await bell.drain() == jobs.suffix(99).map(\.id))
    }

    @Test func `An idle take waits at the server, in one command`() async throws {
        let (bell, redis) = try await start()
        let job = Announcement.new()
        async let taken = bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(60))
        try await redis.waitForBlockedClients(1)
        try await bell.announce([job])
        #expect(try await taken == [job.id])
        // Newer servers count the wait and its end.
        #expect(try await redis.calls(of: "brpop") <= 2)
        #expect(
            try await bell.announcer.take(
                upTo: 9, from: [.defaultQueue], wait: .milliseconds(20)
            ).isEmpty)
        #expect(bell.announcer.counts.takeFailures == 0)
    }

    @Test func `What a server refuses after the first id keeps nobody from that one`()
        async throws
    {
        let (bell, redis) = try await start(["--rename-command", "LRANGE", ""])
        let jobs = Announcement.new(2)
        try await bell.announce(jobs)
        for job in jobs {
            #expect(
                try await bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(30))
                    == [job.id])
        }
        #expect(bell.log.lines(at: .warning).count == 1)
        await redis.stop()
    }

    @Test func `A user with no more rights than tasq needs can work`() async throws {
        let (root, redis) = try await start()
        try await redis.command(
            "ACL", "SETUSER", "tasq", "on", ">x", "~\(root.prefix):*", "+lpush", "+rpush", "+brpop",
            "+rpop", "+multi", "+exec", "+llen", "+lrange", "+ltrim", "+unlink", "+set", "+get")
        let bell = try Doorbell("redis://tasq:x@127.0.0.1:\(redis.port)", prefix: root.prefix)
        let jobs = Announcement.new(3)
        try await bell.announce(jobs)
        #expect(
            try await bell.announcer.withdraw(
                [jobs[0].id], upTo: 1, from: .defaultQueue, jobs[0].priority) == 1)
        #expect(
            try await bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(5))
                == jobs.dropFirst().map(\.id))
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `Where SET does not answer what it replaces, another command does`() async throws {
        let (bell, redis) = try await start(["--rename-command", "SET", ""])
        #expect(try await bell.exchangeEpoch("a 1") == nil)
        #expect(try await bell.exchangeEpoch("a 2") == "a 1")
        #expect(bell.log.lines(at: .warning).isEmpty)
        await redis.stop()
    }
}
