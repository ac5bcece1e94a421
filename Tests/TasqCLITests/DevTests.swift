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
        for row in ["received", "executed", "lost", "duplicates run", "pickup p99", "recovery"] {
            #expect(dev.standardOutput.contains("\n\(row) "))
        }
        #expect(!FileManager.default.fileExists(atPath: place.directory + "/.tasq/postgres"))
    }

    @Test func `Nothing outlives a killed run, and the next one finds its data`() async throws {
        let place = try TemporaryFile("handlers: { noop: { noop: {} } }")
        func start() async throws -> (dev: ChildProcess, database: [String: String]) {
            let dev = try await ChildProcess.start(
                TasqProgram.path, ["dev", "--config", place.path], directory: place.directory)
            let line = try await dev.waitForLine(containing: "DATABASE_URL")
            let url = try #require(line.split(separator: " ").last)
            _ = try await dev.waitForLine(containing: "logs")
            return (dev, ["DATABASE_URL": String(url)])
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
}
