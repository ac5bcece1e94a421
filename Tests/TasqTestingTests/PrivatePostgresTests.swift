import Foundation
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct PrivatePostgresTests {
    @Test func `Rows outlive a fast stop, and the port stays`() async throws {
        let server = try await PrivatePostgres.start(durable: false)
        let port = server.port
        try await server.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1), (2)")
        await server.stop()
        #expect(!server.isRunning)
        await #expect(throws: TestingError.self) { try await server.execute("SELECT 1") }
        try await server.restart()
        #expect(server.port == port)
        #expect(try await server.execute("SELECT n FROM kept ORDER BY n") == "1\n2")
        await server.stop()
    }

    @Test func `Committed rows outlive an immediate stop, as after a crash`() async throws {
        let server = try await PrivatePostgres.start()
        let before = server.pid
        try await server.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
        await server.stop(.immediate)
        try await server.restart()
        #expect(server.pid != before)
        #expect(try await server.execute("SELECT n FROM kept") == "1")
        await server.stop()
    }

    @Test func `Restarting a running server starts a new postmaster`() async throws {
        let server = try await PrivatePostgres.start(durable: false)
        let before = server.pid
        try await server.restart()
        #expect(server.pid != before && server.isRunning)
    }

    @Test func `Settings reach the server, which listens on loopback only and is not root's`()
        async throws
    {
        let server = try await PrivatePostgres.start(
            settings: ["max_connections": "17"], durable: true)
        #expect(try await server.execute("SHOW max_connections") == "17")
        #expect(try await server.execute("SHOW fsync") == "on")
        #expect(try await server.execute("SHOW listen_addresses") == "127.0.0.1")
        #expect(try await server.execute("SHOW server_encoding") == "UTF8")
        // PostgreSQL refuses to run as root.
        let process = try FileManager.default.attributesOfItem(atPath: "/proc/\(server.pid)")
        let owner = process[.ownerAccountName] as? String
        #expect(owner == (NSUserName() == "root" ? "postgres" : NSUserName()))
    }

    @Test func `A wrong setting is an error with the server's own words`() async throws {
        await #expect {
            try await PrivatePostgres.start(settings: ["shared_buffers": "lots"])
        } throws: { error in
            "\(error)".contains("shared_buffers")
        }
    }

    @Test func `A directory that is given keeps its rows for the next server`() async throws {
        let path = NSTemporaryDirectory() + "tasq-given-" + UUID().uuidString
        let first = try await PrivatePostgres.start(in: path, durable: false)
        try await first.execute("CREATE TABLE kept AS SELECT 42 AS n")
        await first.stop()
        let second = try await PrivatePostgres.start(in: path, durable: false)
        #expect(try await second.execute("SELECT n FROM kept") == "42")
        await second.stop()
        #expect(second.directory == path)
        try FileManager.default.removeItem(atPath: path)
    }

    @Test func `A temporary directory goes with its server`() async throws {
        let path = try await directoryOfAServerThatIsDropped()
        try await eventually("\(path) is removed") { !FileManager.default.fileExists(atPath: path) }
    }

    private func directoryOfAServerThatIsDropped() async throws -> String {
        let server = try await PrivatePostgres.start(durable: false)
        #expect(FileManager.default.fileExists(atPath: server.directory))
        return server.directory
    }

    @Test func `An error in SQL is thrown with its text`() async throws {
        let server = try await TestServers.postgres()
        await #expect {
            try await server.execute("SELECT 1; SELECT nonsense")
        } throws: { error in
            "\(error)".contains("nonsense")
        }
    }
}
