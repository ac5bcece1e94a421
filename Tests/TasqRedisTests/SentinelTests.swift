import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqRedis

/// `redis+sentinel://` against real sentinels and servers that die.
@Suite(.medium) struct SentinelTests {
    /// A primary, its replica and two sentinels that agree about them.
    private struct Watched {
        let primary: PrivateRedis
        let replica: PrivateRedis
        let sentinels: [PrivateSentinel]

        static func start() async throws -> Watched {
            let primary = try await PrivateRedis.start()
            let replica = try await PrivateRedis.start(
                arguments: ["--replicaof", "127.0.0.1", "\(primary.port)"])
            try await eventually("the replica follows") {
                try await primary.command("INFO", "replication").contains("state=online")
            }
            var sentinels: [PrivateSentinel] = []
            for _ in 0..<2 {
                sentinels.append(
                    try await PrivateSentinel.start(watching: primary, as: "bells", quorum: 1))
            }
            let watched = Watched(primary: primary, replica: replica, sentinels: sentinels)
            for sentinel in sentinels {
                try await eventually("the sentinels know of all") {
                    let state = try await sentinel.command("INFO", "sentinel")
                    return state.contains("slaves=1,sentinels=2")
                }
            }
            return watched
        }

        var url: String {
            "redis+sentinel://" + sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
                + "/bells"
        }
    }

    @Test func `The primary is found by the first sentinel that answers`() async throws {
        let watched = try await Watched.start()
        await watched.sentinels[0].kill()
        let bell = try Doorbell(watched.url)
        let job = Announcement.new()
        try await bell.announce([job])
        #expect(try await watched.primary.command("LLEN", bell.list()) == "1")
        #expect(try await bell.drain() == [job.id])
        let opinions = try #require(await bell.announcer.opinions())
        #expect(opinions.map(\.primary) == [nil, "127.0.0.1:\(watched.primary.port)"])
        #expect(opinions[0].fault.contains("connection refused"))
        #expect(bell.log.lines(at: .warning).isEmpty)
    }

    @Test
    func `A primary that is killed is replaced, with one warning for takes and one for the rest`()
        async throws
    {
        let watched = try await Watched.start()
        let bell = try Doorbell(watched.url)
        try await bell.announce([.new(Name(unchecked: "x"))])
        #expect(try await bell.exchangeEpoch("e:1") == nil)
        let waiting = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await watched.primary.waitForBlockedClients(1)
        try await eventually("the replica has the mark") {
            try await watched.replica.command("EXISTS", "\(bell.prefix):{epoch}") == "1"
        }
        await watched.primary.kill()
        let death = ContinuousClock.now
        await #expect(throws: AnnouncerError.self) { try await waiting.value }
        let job = Announcement.new()
        try await eventually("an announcement arrives") {
            // As a worker does meanwhile.
            async let taken = bell.announcer.take(
                upTo: 1, from: [Name(unchecked: "y")], wait: .milliseconds(100))
            await bell.announcer.announce([.new(Name(unchecked: "x"))])
            _ = try? await taken
            try await bell.announce([job])
            return true
        }
        print("sentinel: announced", ContinuousClock.now - death, "after the primary was killed")
        #expect(try await bell.takeInTime() == [job.id])
        #expect(try await watched.replica.command("ROLE").hasPrefix("master"))
        #expect(try await bell.exchangeEpoch("e:2") == "e:1")
        let warnings = bell.log.lines(at: .warning)
        #expect(warnings.count <= 2, "\(warnings)")
        #expect(warnings.allSatisfy { $0.contains("redis bells of sentinel 127.0.0.1:") })
    }

    @Test func `A primary that hangs is left when the sentinels name another`() async throws {
        let watched = try await Watched.start()
        let bell = try Doorbell(watched.url)
        let waiting = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await watched.primary.waitForBlockedClients(1)
        // Its connections stay open, and nothing comes over them any more.
        watched.primary.pause()
        let death = ContinuousClock.now
        let error = try await #require(throws: AnnouncerError.self) { try await waiting.value }
        print("sentinel: left", ContinuousClock.now - death, "after the primary hung")
        #expect(error.description.contains("the primary is 127.0.0.1:\(watched.replica.port) now"))
        let job = Announcement.new()
        try await eventually("an announcement arrives") {
            try await bell.announce([job])
            return true
        }
        #expect(try await bell.takeInTime() == [job.id])
        watched.primary.resume()
    }

    @Test func `What a sentinel names is left again when it is no primary`() async throws {
        let watched = try await Watched.start()
        let port = "\(watched.replica.port)"
        let liar = try await Stranger.start(
            saying: "+OK\r\n:1\r\n", "*2\r\n$9\r\n127.0.0.1\r\n$\(port.count)\r\n\(port)\r\n")
        let bell = try Doorbell(
            watched.url.replacing(
                "redis+sentinel://", with: "redis+sentinel://127.0.0.1:\(liar.port),"))
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.refill([.new()])
        }
        #expect(
            error.description.contains(
                "127.0.0.1:\(port) is named by the sentinels and is not the primary"))
        try await eventually("the next sentinel is believed") {
            try await bell.announce([.new()])
            return true
        }
        #expect(try await watched.primary.command("LLEN", bell.list()) == "1")
        try await liar.stop()
    }

    @Test func `Nothing of that name, a wrong password and no sentinel are told`() async throws {
        let primary = try await PrivateRedis.start(arguments: ["--requirepass", "hunter2"])
        let sentinel = try await PrivateSentinel.start(
            watching: primary, as: "bells",
            settings: ["requirepass hunter3", "sentinel auth-pass bells hunter2"])
        let place = "127.0.0.1:\(sentinel.port)"
        let good = try Doorbell(
            "redis+sentinel://:hunter2@\(place)/bells?sentinel_password=hunter3")
        try await good.announce([.new()])
        #expect(try await good.drain().count == 1)
        for (url, text) in [
            (
                "redis+sentinel://:hunter2@\(place)/others?sentinel_password=hunter3",
                "sentinel \(place): watches nothing named others"
            ),
            ("redis+sentinel://:hunter2@\(place)/bells", "sentinel \(place): asks for a password"),
            (
                "redis+sentinel://:hunter2@\(place)/bells?sentinel_password=hunter4",
                "sentinel \(place): refused the user or the password"
            ),
            ("redis+sentinel://\(place)/bells?sentinel_password=hunter3", "asks for a password"),
            (
                "redis+sentinel://:hunter2@127.0.0.1:9/bells",
                "sentinel 127.0.0.1:9: connection refused"
            ),
        ] {
            let bad = try Doorbell(url)
            let error = try await #require(throws: AnnouncerError.self) {
                try await bad.announcer.refill([.new()])
            }
            #expect(error.description.contains(text), "\(error.description)")
            #expect(!bad.log.lines.contains { $0.text.contains("hunter") })
        }
    }
}
