import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `tasq dev` with everything it starts.
@Suite(.system)
struct DevTests {
    @Test func `The demo runs to its end and loses nothing`() async throws {
        let place = try TemporaryFile("", name: "unused")
        let dev = try await ChildProcess.start(
            TasqProgram.path, ["dev", "--once"], directory: place.directory)
        let exit = try await dev.wait(within: .seconds(300).onThisMachine)
        #expect(exit == .code(0), "\(dev.standardError)\n\(dev.standardOutput)")
        for row in [
            "received", "executed", "failed", "lost", "duplicates run", "pickup p50", "pickup p99",
            "FLUSHALL", "recovery",
        ] { #expect(dev.standardOutput.contains("\n\(row) "), "\(row): \(dev.standardOutput)") }
        #expect(!FileManager.default.fileExists(atPath: place.directory + "/.tasq/postgres"))
    }

    @Test func `Nothing outlives a killed run, and the next one finds its data`() async throws {
        let place = try TemporaryFile("schema: own\nhandlers: { noop: { noop: {} } }")
        func start() async throws -> (dev: ChildProcess, database: [String: String]) {
            let dev = try await ChildProcess.start(
                TasqProgram.path, ["dev", "--config", place.path], directory: place.directory)
            let line = try await dev.waitForLine(containing: "DATABASE_URL")
            let url = try #require(line.split(separator: " ").last)
            _ = try await dev.waitForLine(containing: "logs")
            return (dev, ["DATABASE_URL": String(url), "TASQ_SCHEMA": "own"])
        }
        let first = try await start()
        let second = try await ChildProcess.start(
            TasqProgram.path, ["dev"], directory: place.directory)
        #expect(try await second.wait() == .code(1))
        let job = try await TasqProgram.run("enqueue", "noop", environment: first.database).output
        first.dev.signal(SIGKILL)
        _ = try await first.dev.wait()
        try await eventually("the killed run's database is gone") {
            try await TasqProgram.run("queues", "list", environment: first.database).exit
                == .code(69)
        }
        let again = try await start()
        try await eventually("the job of the killed run is a success") {
            try await TasqProgram.run("jobs", "show", job, environment: again.database)
                .output.contains("success")
        }
        again.dev.signal(SIGINT)
        #expect(try await again.dev.wait() == .code(0))
    }

    @Test func `A port that is taken ends it with one line, and what it started`() async throws {
        let place = try TemporaryFile("", name: "unused")
        let redis = try await PrivateRedis.start()
        let dev = try await ChildProcess.start(
            TasqProgram.path, ["dev", "--port", "\(redis.port)"], directory: place.directory)
        #expect(try await dev.wait() == .code(69))
        #expect(
            dev.standardError.hasPrefix(
                "tasq: serve did not start: cannot listen on 127.0.0.1:\(redis.port): "),
            "\(dev.standardError)")
        await redis.stop()
    }

    @Test func `Without a configuration the job that it names is run`() async throws {
        let place = try TemporaryFile("", name: "unused")
        let dev = try await ChildProcess.start(
            TasqProgram.path, ["dev"], directory: place.directory)
        let line = try await dev.waitForLine(containing: "tasq enqueue ")
        let words = line.split(separator: " ").drop { $0 != "enqueue" }.map { word in
            word.filter { $0 != "'" }
        }
        let enqueue = try await TasqProgram.start(words)
        #expect(try await enqueue.wait() == .code(0), "\(enqueue.standardError)")
        let url = try #require(words.last)
        try await eventually("the job is a success") {
            try await TasqProgram.run(
                "jobs", "show", enqueue.standardOutput, "--database-url", url
            ).output.contains("success")
        }
        dev.signal(SIGINT)
        #expect(try await dev.wait() == .code(0), "\(dev.lines)")
    }

    @Test func `The demo goes on where it was told to listen, and a signal ends all it started`()
        async throws
    {
        let place = try TemporaryFile("", name: "unused")
        // Below the ports that private servers and outgoing connections take.
        let port = Int.random(in: 15_000..<19_000)
        let dev = try await Pty.start(
            ["dev", "--demo", "--port", "\(port)"], environment: [:], directory: place.directory)
        let webhooks = try await dev.waitForLine(containing: "webhooks ")
        #expect(webhooks.hasSuffix(" http://127.0.0.1:\(port)/in/SOURCE"), "\(webhooks)")
        let dashboard = try await dev.waitForLine(containing: "dashboard ")
        #expect(dashboard.hasSuffix(" http://127.0.0.1:\(port + 1)"), "\(dashboard)")
        let line = try await dev.waitForLine(containing: "DATABASE_URL ")
        let database = ["DATABASE_URL": String(try #require(line.split(separator: " ").last))]
        try await eventually("a sample has been executed") {
            try await !TasqProgram.run(
                "jobs", "list", "--status", "success", "--json", environment: database
            ).output.isEmpty
        }
        try await eventually("the line on the terminal tells of it") {
            dev.standardOutput.firstMatch(
                of: #/\n\d+ received · [1-9]\d* executed · \d+ queued · /#) != nil
        }
        // PostgreSQL, Redis, a server, two workers and the program itself.
        #expect(Self.processes(in: place.directory).count >= 6)
        dev.signal(SIGINT)
        #expect(try await dev.wait() == .code(0), "\(dev.lines)")
        try await eventually("nothing of it is left") {
            Self.processes(in: place.directory).isEmpty
        }
        let gone = try await TasqProgram.run("queues", "list", environment: database)
        #expect(gone.exit == .code(69), "\(gone.errors)")
    }

    /// The processes whose working directory is this one or below it.
    private static func processes(in directory: String) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { Int32($0) }.filter { process in
            let place = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(process)/cwd")
            return place?.hasPrefix(directory) ?? false
        }
    }
}
