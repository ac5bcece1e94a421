import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct PrivateRedisTests {
    @Test func `A command is answered, an error thrown`() async throws {
        let redis = try await TestServers.redis()
        #expect(try await redis.command("ECHO", "a b") == "a b")
        await #expect {
            try await redis.command("NONSENSE")
        } throws: { error in
            "\(error)".contains("unknown command")
        }
    }

    @Test func `Keys are gone after a stop, kept after a stop that saves`() async throws {
        let redis = try await PrivateRedis.start()
        try await redis.command("SET", "k", "1")
        await redis.stop(save: true)
        #expect(!redis.isRunning)
        try await redis.restart()
        #expect(try await redis.command("GET", "k") == "1")
        try await redis.command("SET", "k", "2")
        await redis.kill()
        try await redis.restart()
        #expect(try await redis.command("GET", "k") == "1")
    }

    @Test func `A server that wants a password stops without it`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--requirepass", "hunter2"])
        await redis.stop()
        #expect(!redis.isRunning)
    }

    @Test func `The port stays over a restart`() async throws {
        let redis = try await PrivateRedis.start()
        let url = redis.url
        await redis.stop()
        await #expect(throws: TestingError.self) { try await redis.command("PING") }
        try await redis.restart()
        #expect(redis.url == url)
        #expect(try await redis.command("PING") == "PONG")
    }

    @Test func `A paused server answers nothing until it is resumed`() async throws {
        let redis = try await PrivateRedis.start()
        try await redis.command("SET", "k", "1")
        redis.pause()
        async let answer = redis.command("GET", "k")
        try await eventually("the process is stopped") {
            state(of: redis.pid) == "T"
        }
        #expect(redis.isRunning)
        redis.resume()
        #expect(try await answer == "1")
        redis.pause()
        await redis.stop()
        #expect(!redis.isRunning)
    }

    @Test func `A port that is taken is an error that names it`() async throws {
        let redis = try await PrivateRedis.start()
        await #expect {
            try await PrivateRedis.start(port: redis.port)
        } throws: { error in
            "\(error)".contains("\(redis.port)")
        }
    }

    @Test func `Arguments reach the server`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--maxmemory-policy", "noeviction"])
        #expect(
            try await redis.command("CONFIG", "GET", "maxmemory-policy")
                == "maxmemory-policy\nnoeviction")
    }
}
