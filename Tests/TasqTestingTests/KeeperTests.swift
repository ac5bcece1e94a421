import Foundation
import TasqTesting
import TestSizes
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.medium) struct KeeperTests {
    @Test func `A process that is killed with SIGKILL leaves no server and no file`() async throws {
        let result = await #expect(
            processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
        ) {
            let postgres = try await PrivatePostgres.start(durable: false)
            let redis = try await PrivateRedis.start()
            let child = try await ChildProcess.start("/bin/sleep", ["1000"])
            for pid in [postgres.pid, redis.pid, child.pid] { print("\npid \(pid)") }
            for path in [postgres.directory, redis.directory] { print("\npath \(path)") }
            fflush(nil)
            raise(SIGKILL)
        }
        let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
        let lines = output.split(separator: "\n").map(String.init)
        let pids = lines.filter { $0.hasPrefix("pid ") }.compactMap { Int32($0.dropFirst(4)) }
        let paths = lines.filter { $0.hasPrefix("path ") }.map { String($0.dropFirst(5)) }
        #expect(pids.count == 3 && paths.count == 2)
        for pid in pids {
            try await eventually("process \(pid) is gone") { isGone(pid) }
        }
        for path in paths {
            try await eventually("\(path) is removed") {
                !FileManager.default.fileExists(atPath: path)
            }
        }
    }

    @Test func `A process that exits leaves no server and no file`() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
        ) {
            let postgres = try await TestServers.postgres()
            let directory = try await postgres.execute("SHOW data_directory")
            print("\npath \(directory)")
            fflush(nil)
            exit(0)
        }
        let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
        let path = try #require(
            output.split(separator: "\n").first { $0.hasPrefix("path ") }?.dropFirst(5))
        try await eventually("\(path) is removed") {
            !FileManager.default.fileExists(atPath: String(path))
        }
    }
}
