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
        for (limit, wait) in [(300, Duration.seconds(5)), (1, .seconds(5)), (500, .zero)] {
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
        #expect(try await bell.drain() == jobs.suffix(199).map(\.id))
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
            "+multi", "+exec", "+llen", "+lrange", "+ltrim", "+lrem", "+unlink", "+set", "+get")
        let bell = try Doorbell("redis://tasq:x@127.0.0.1:\(redis.port)", prefix: root.prefix)
        let jobs = Announcement.new(3)
        try await bell.announce(jobs)
        #expect(
            try await bell.announcer.withdraw(
                [jobs[0].id], from: .defaultQueue, jobs[0].priority) == 1)
        #expect(
            try await bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(5))
                == jobs.dropFirst().map(\.id))
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `With an answer that gets lost no more than 499 ids are, and takes go on`()
        async throws
    {
        // Redis hangs up on who is to get a long answer, and has trimmed the list by then.
        let (bell, redis) = try await start([
            "--client-output-buffer-limit", "normal", "1kb", "0", "0",
        ])
        let jobs = Announcement.new(3000)
        try await bell.announce(jobs)
        #expect(
            try await bell.announcer.take(upTo: 3000, from: [.defaultQueue], wait: .seconds(30))
                == [jobs[0].id])
        #expect(try await redis.command("LLEN", bell.list()) == "2500")
        #expect(bell.log.lines(at: .warning, containing: "(taking)").count == 1)
        try await redis.command("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        var rest: [JobID] = []
        for _ in 0..<10 where rest.count < 2500 {
            rest += try await bell.announcer.take(
                upTo: 3000, from: [.defaultQueue], wait: .seconds(2))
        }
        #expect(rest == jobs.dropFirst(500).map(\.id))
        await redis.stop()
    }

    @Test func `An element that is none keeps nobody from the others`() async throws {
        let jobs = Announcement.new(2)
        let ids = jobs.map { "$36\r\n\($0.id)\r\n" }
        let list = "p:{default}:ready:1"
        let stranger = try await Stranger.start(
            saying: "+OK\r\n:1\r\n", "-ERR unknown command 'BLMPOP'\r\n",
            "*2\r\n$\(list.utf8.count)\r\n\(list)\r\n\(ids[0])",
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*3\r\n:7\r\n\(ids[1])$-1\r\n+OK\r\n")
        let bell = try Doorbell(stranger.url, prefix: "p")
        #expect(
            try await bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(5))
                == jobs.map(\.id))
        #expect(bell.announcer.counts.malformed == 2)
        await bell.announcer.close()
        try await stranger.stop()
    }

    @Test func `A server that finds fault with the words of a take is not taken for an old one`()
        async throws
    {
        // What is called BLMPOP here is SET, which understands nothing of it.
        let redis = try await PrivateRedis.start(
            arguments: ["--rename-command", "BLMPOP", "", "--rename-command", "SET", "BLMPOP"])
        let bell = try Doorbell(redis.url)
        try await bell.announce([.new()])
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.take(upTo: 9, from: [.defaultQueue], wait: .seconds(1))
        }
        #expect(error.description.contains("answered ERR syntax error"))
        #expect(try await redis.calls(of: "brpop") == 0)
        await redis.stop()
    }

    /// One that has no such command, and one that has it, but not this form.
    @Test(arguments: [[], ["--rename-command", "GETEX", "SET"]])
    func `Where SET does not answer what it replaces, another command does`(
        form: [String]
    ) async throws {
        let (bell, redis) = try await start(["--rename-command", "SET", ""] + form)
        #expect(try await bell.exchangeEpoch("a 1") == nil)
        #expect(try await bell.exchangeEpoch("a 2") == "a 1")
        #expect(bell.log.lines(at: .warning).isEmpty)
        await redis.stop()
    }
}
