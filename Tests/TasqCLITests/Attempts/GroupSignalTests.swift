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

/// Supervisors that signal every process of a service at once: the programs of its jobs die before
/// the worker has decided what becomes of them.
@Suite(.medium) struct GroupSignalTests {
    private static let plain = "echo $$ > \"$0\"; exec sleep 600"
    private static let trapping =
        "trap 'exit 143' TERM; echo $$ > \"$0\"; while :; do sleep 600 & wait; done"

    @Test(arguments: [plain, trapping], [SIGTERM, SIGKILL])
    func `A program that dies with its worker's SIGTERM is handed back, without an attempt`(
        script: String, signal: Int32
    ) async throws {
        let file = try TemporaryFile("", name: "pid")
        try await RunningSystem.with { system in
            let worker = try await system.startWorker(
                "handlers: { nap: { command: [/bin/sh, -c, '\(script.replacing("'", with: "''"))', \"\(file.path)\"] } }"
            )
            _ = try await system.enqueue("nap", "--max-attempts", "1")
            let group = try await leader(in: file)
            #expect(kill(-group, signal) == 0)
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
            #expect(
                try await system.database.execute(
                    "SELECT status, attempt, handbacks FROM tasq.job") == "queued|0|1")
        }
    }

    @Test func `A program that dies of a signal while its worker stays has failed`() async throws {
        let file = try TemporaryFile("", name: "pid")
        try await RunningSystem.with { system in
            try await system.startWorker(
                "handlers: { nap: { command: [/bin/sh, -c, '\(Self.plain)', \"\(file.path)\"] } }")
            _ = try await system.enqueue("nap", "--max-attempts", "1")
            #expect(kill(-(try await leader(in: file)), SIGTERM) == 0)
            try await system.wait(
                for: "error|1|signal 15",
                "SELECT status, j.attempt, reason FROM tasq.job j JOIN tasq.attempt a ON job_id = id"
            )
        }
    }

    /// The program's number, which is its group's, once it runs.
    private func leader(in file: TemporaryFile) async throws -> Int32 {
        var number: Int32?
        try await eventually("the program runs") {
            let text = try String(contentsOfFile: file.path, encoding: .utf8)
            guard text.hasSuffix("\n") else { return false }
            number = Int32(text.dropLast())
            return number != nil
        }
        return try #require(number)
    }
}
