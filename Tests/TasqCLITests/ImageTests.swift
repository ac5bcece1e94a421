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

/// What the image starts, as the first process of a system of its own.
@Suite(.medium, .enabled(if: mayUnshare, "only root may make a space of processes"))
struct ImageTests {
    @Test func `What programs of jobs leave behind is buried, and SIGTERM ends the worker with 0`()
        async throws
    {
        try await withDatabase { database in
            let log = try TemporaryFile("", name: "orphans")
            let file = try TemporaryFile(
                """
                handlers:
                  leave: { command: [/bin/sh, -c, '(read x; echo x >> "$0") & :', "\(log.path)"] }
                """)
            let environment = ["DATABASE_URL": database.url, "PATH": "/usr/bin:/bin"]
            let space = try await ChildProcess.start(
                "/usr/bin/unshare",
                ["--pid", "--fork", "--kill-child"] + (try Self.entry()) + [
                    "work", "--config", file.path,
                ], environment: environment, directory: "/")
            _ = try await space.waitForLine(containing: "worker registered")
            for _ in 0..<20 {
                _ = try await TasqProgram.run("enqueue", "leave", environment: environment)
            }
            try await eventually("all have left one behind, and those have ended") {
                try String(contentsOfFile: log.path, encoding: .utf8)
                    == String(repeating: "x\n", count: 20)
            }
            try await eventually("none is left") { Self.dead(below: space.pid) == 0 }
            let first = try #require(Self.children(of: space.pid).first)
            kill(first, SIGTERM)
            #expect(try await space.wait() == .code(0), "\(space.standardError)")
        }
    }

    /// The words of the image's ENTRYPOINT, with the program of this build.
    private static func entry() throws -> [String] {
        let path =
            URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path() + "compose/Dockerfile"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let line = try #require(text.split(separator: "\n").last { $0.hasPrefix("ENTRYPOINT ") })
        let words = try JSONDecoder().decode(
            [String].self, from: Data(line.dropFirst("ENTRYPOINT ".count).utf8))
        return words.map { $0 == "tasq" ? TasqProgram.path : $0 }
    }

    /// How many descendants of a process have ended and are waited for by nobody.
    private static func dead(below pid: Int32) -> Int {
        children(of: pid).reduce(0) { $0 + (isAlive($1) ? dead(below: $1) : 1) }
    }

    private static func children(of parent: Int32) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { Int32($0) }.filter { process in
            let status = FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data()
            return String(decoding: status, as: UTF8.self).contains("PPid:\t\(parent)\n")
        }
    }
}

private let mayUnshare = {
    let unshare = Process()
    unshare.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    unshare.arguments = ["--pid", "--fork", "true"]
    unshare.standardError = FileHandle.nullDevice
    guard (try? unshare.run()) != nil else { return false }
    unshare.waitUntilExit()
    return unshare.terminationStatus == 0
}()
