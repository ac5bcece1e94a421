import Logging
import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct AccessTests {
    @Test func `A password opens the door, its absence or another one do not`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--requirepass", "hunter2"])
        let job = Announcement.new()
        let good = try Doorbell("redis://:hunter2@127.0.0.1:\(redis.port)")
        try await good.announce([job])
        #expect(try await good.drain() == [job.id])
        for (url, text) in [
            ("redis://127.0.0.1:\(redis.port)", "asks for a password"),
            ("redis://:hunter3@127.0.0.1:\(redis.port)", "refused the user or the password"),
            ("redis://ann:hunter2@127.0.0.1:\(redis.port)", "refused the user or the password"),
        ] {
            let bad = try Doorbell(url)
            let error = try await #require(throws: AnnouncerError.self) {
                try await bad.announcer.refill([job])
            }
            #expect(error.description.contains(text))
            #expect(error.description.contains("redis 127.0.0.1:\(redis.port)"))
            await bad.announcer.announce([job])
            #expect(bad.announcer.counts.announceFailures == 2)
            await #expect(throws: AnnouncerError.self) {
                try await bad.announcer.take(upTo: 1, from: [.defaultQueue], wait: .zero)
            }
            #expect(!bad.log.lines.contains { $0.text.contains("hunter") })
        }
    }

    @Test func `A password for a server that has none is refused with the mend`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell("redis://:hunter2@127.0.0.1:\(redis.port)")
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.refill([.new()])
        }
        #expect(error.description.contains("has no password set"))
        #expect(!error.description.contains("hunter"))
    }

    @Test func `A user with no more rights than tasq needs can work`() async throws {
        let redis = try await PrivateRedis.start()
        try await redis.command(
            "ACL", "SETUSER", "tasq", "on", ">p@ss:w/rd", "~tasq:*", "+lpush", "+rpush", "+lmpop",
            "+blmpop", "+llen", "+unlink", "+set", "+get", "+select")
        let bell = try Doorbell(
            "redis://tasq:p%40ss%3Aw%2Frd@127.0.0.1:\(redis.port)/1", prefix: "tasq")
        let job = Announcement.new()
        try await bell.announce([job])
        #expect(
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(5))
                == [job.id])
        #expect(try await bell.exchangeEpoch("e") == nil)
        // Without the right to `CLIENT` a cancelled take is cut instead of woken.
        let task = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await redis.waitForBlockedClients(1)
        task.cancel()
        #expect(try await task.value.isEmpty)
        try await redis.waitForBlockedClients(0)
    }

    @Test func `The rights a cluster takes beyond that are few`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--cluster-enabled", "yes"])
        try await redis.serveAllSlots()
        try await redis.command(
            "ACL", "SETUSER", "tasq", "on", ">x", "~tasq:*", "+lpush", "+rpush", "+lmpop",
            "+blmpop",
            "+llen", "+unlink", "+set", "+get", "+cluster|slots", "+asking")
        let bell = try Doorbell("redis+cluster://tasq:x@127.0.0.1:\(redis.port)", prefix: "tasq")
        let queues = [Name(unchecked: "a"), Name(unchecked: "b")]
        async let taken = bell.announcer.take(upTo: 1, from: queues, wait: .seconds(60))
        try await redis.waitForBlockedClients(2)
        let job = Announcement.new(queues[1])
        try await bell.announce([job])
        #expect(try await taken == [job.id])
        try await redis.waitForBlockedClients(0)
        #expect(
            try await bell.announcer.exchangeEpoch("e", beside: [queues[0]])
                == .parts([queues[0]: .replaced(nil)]))
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test func `A missing right is told with the key it concerns`() async throws {
        let redis = try await PrivateRedis.start()
        try await redis.command("ACL", "SETUSER", "ann", "on", ">x", "~other:*", "+@all")
        let bell = try Doorbell("redis://ann:x@127.0.0.1:\(redis.port)")
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.refill([.new()])
        }
        #expect(error.description.contains("no permission"))
        #expect(error.description.contains(bell.list()))
    }

    @Test func `The database of the URL is used, one that does not exist is told`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url + "/5")
        try await bell.announce([.new(), .new()])
        #expect(try await redis.command("-n", "5", "LLEN", bell.list()) == "2")
        #expect(try await redis.command("LLEN", bell.list()) == "0")
        let lost = try Doorbell(redis.url + "/99")
        let error = try await #require(throws: AnnouncerError.self) {
            try await lost.exchangeEpoch("e")
        }
        #expect(error.description.contains("no database of the number"))
    }

    @Test func `Connections carry a name`() async throws {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url)
        try await bell.announce([.new()])
        #expect(try await bell.drain().count == 1)
        let clients = try await redis.command("CLIENT", "LIST").split(whereSeparator: \.isNewline)
        #expect(clients.filter { $0.contains(" name=tasq ") }.count == 2)
    }
}
