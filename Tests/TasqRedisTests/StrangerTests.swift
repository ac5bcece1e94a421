import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct StrangerTests {
    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n:1\r\n+what\r\n", "*2147483647\r\n", "\0\u{1}",
        "+OK\r\n:1\r\n:x\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    ])
    func `A server that is no Redis is an error, never a trap`(_ speech: String) async throws {
        let stranger = try await Stranger.start(saying: speech)
        let bell = try Doorbell(stranger.url)
        for _ in 0..<2 {
            await #expect(throws: AnnouncerError.self) {
                try await bell.exchangeEpoch("e")
            }
            await #expect(throws: AnnouncerError.self) {
                try await bell.announcer.take(
                    upTo: 1, from: [.defaultQueue], wait: .milliseconds(100))
            }
        }
        await bell.announcer.close()
        try await stranger.stop()
    }

    @Test(arguments: [
        "*2\r\n$3\r\nfoo\r\n*0\r\n", "*2\r\n:1\r\n:2\r\n", "*1\r\n$-1\r\n", "+OK\r\n", ":7\r\n",
        "$3\r\nfoo\r\n", "*0\r\n", "*3\r\n:1\r\n:1\r\n:1\r\n",
    ])
    func `An answer of the wrong shape to a take is an error`(_ answer: String) async throws {
        let stranger = try await Stranger.start(saying: "+OK\r\n:1\r\n", answer, oneByOne: true)
        let bell = try Doorbell(stranger.url)
        await #expect(throws: AnnouncerError.self) {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .milliseconds(100))
        }
        await bell.announcer.close()
        try await stranger.stop()
    }

    @Test(arguments: [
        ("-LOADING Redis is loading the dataset in memory\r\n", "still loading"),
        ("-MASTERDOWN Link with MASTER is down\r\n", "without its primary"),
        (
            "-MOVED 3999 127.0.0.1:6381\r\n",
            "a node of a cluster: write redis+cluster:// in REDIS_URL"
        ),
        ("-NOAUTH Authentication required.\r\n", "asks for a password"),
        ("-MISCONF Redis is configured to save RDB snapshots\r\n", "cannot save to disk"),
        ("-BUSY Redis is busy running a script\r\n", "busy with a script"),
    ])
    func `A server that cannot work now is told in words, and asked again later`(
        answer: String, words: String
    ) async throws {
        // While the connection is set up such a server answers as ever.
        let stranger = try await Stranger.start(saying: "+OK\r\n:1\r\n", answer, answer)
        let bell = try Doorbell(stranger.url)
        for _ in 0..<2 {
            let error = try await #require(throws: AnnouncerError.self) {
                try await bell.exchangeEpoch("e")
            }
            #expect(error.description.contains(words), "\(error)")
        }
        await bell.announcer.close()
        try await stranger.stop()
    }

    @Test func `What a server echoes of a command is not repeated`() async throws {
        let stranger = try await Stranger.start(
            saying: "-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n")
        let bell = try Doorbell("redis://:hunter2@127.0.0.1:\(stranger.port)")
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.exchangeEpoch("e")
        }
        #expect(!error.description.contains("hunter2"))
        #expect(!bell.log.lines.contains { $0.text.contains("hunter2") })
        await bell.announcer.close()
        try await stranger.stop()
    }
}
