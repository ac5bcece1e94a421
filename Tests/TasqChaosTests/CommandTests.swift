import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The program as people run it.
@Suite(.medium) struct CommandTests {
    @Test func `It lists every fault`() async throws {
        let run = try await run("list")
        #expect(run.exit == .code(0))
        for fault in Fault.all { #expect(run.standardOutput.contains(" \(fault.name) ")) }
    }

    @Test(arguments: [
        ["run"], ["run", "--fault", "nonsense"], ["run", "--fault", "calm", "--workers", "0"],
        ["run", "--fault", "calm", "--jobs", "many"], ["nonsense"],
        ["run", "--fault", "calm", "--at-once", "0"],
    ])
    func `Wrong usage exits with 64`(arguments: [String]) async throws {
        let process = try await ChildProcess.start(
            ChildProcess.built("tasq-chaos"), arguments)
        #expect(try await process.wait() == .code(64))
        #expect(process.standardOutput.isEmpty)
    }

    @Test func `What cannot be done here is skipped by name, and nothing at all is no success`()
        async throws
    {
        let nowhere = ["PATH": "/nowhere"]
        let list = try await run("list", environment: nowhere)
        #expect(list.standardOutput.contains("(not here: faketime not found: apt-get install"))
        #expect(list.standardOutput.contains("(not here: TASQ_OLD_BIN names no tasq of an older"))
        let run = try await run(
            "run", "--fault", "clock-jump", "--markdown", environment: nowhere)
        #expect(run.exit == .code(69))
        #expect(run.standardError.contains("clock-jump: skipped, faketime not found"))
        #expect(run.standardOutput.contains("| `clock-jump` | skipped"))
    }

    @Test func `Ctrl-C in the middle of a run stops and removes everything`() async throws {
        let folder = NSTemporaryDirectory() + "tasq-chaos-test-" + UUID().uuidString
        let process = try await ChildProcess.start(
            ChildProcess.built("tasq-chaos"), ["run", "--fault", "calm", "--keep", folder])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var pids: [Int32] = []
        try await eventually(within: .seconds(120).onThisMachine, "its processes work") {
            pids = try Self.born(in: folder)
            return pids.count >= 4
        }
        process.signal(SIGINT)
        #expect(try await process.wait() == .code(130))
        try await eventually("its processes are gone") {
            pids.allSatisfy { kill($0, 0) != 0 }
        }
    }

    /// The processes that a run's log tells of.
    private static func born(in folder: String) throws -> [Int32] {
        let runs = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard let run = runs.first,
            let log = FileManager.default.contents(atPath: "\(folder)/\(run)/chaos.jsonl")
        else { return [] }
        return String(decoding: log, as: UTF8.self).split(separator: "\n")
            .filter { $0.contains("\"e\":\"born\"") }
            .compactMap { line in
                line.split(separator: "\"pid\":").last?.prefix { $0.isNumber }
            }
            .compactMap { Int32($0) }
    }

    private func run(
        _ arguments: String..., environment: [String: String] = [:]
    ) async throws -> (exit: ChildProcess.Exit, standardOutput: String, standardError: String) {
        let process = try await ChildProcess.start(
            ChildProcess.built("tasq-chaos"), arguments, environment: environment)
        let exit = try await process.wait()
        return (exit, process.standardOutput, process.standardError)
    }
}
