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
        ["run", "--fault", "calm", "--at-once", "17"],
        ["run", "--fault", "calm", "--build", "one"],
        ["run", "--fault", "poison", "--record", "/nowhere", "--mistake", "counted-on-failure"],
        ["table"],
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

    @Test func `What has held by a record is not made again, and its table is printed`()
        async throws
    {
        let path = NSTemporaryDirectory() + "tasq-record-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let runs: [Document] = [
            .run("calm", seed: 1, build: "one"), .run("calm", seed: 2, build: "one"),
            .run("order", seed: 1, build: "two"),
        ]
        let lines = try runs.map { try $0.line() } + ["{\"fault\":\"calm\",\"se"]
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
        let calm = "| `calm`: nothing is disturbed | 2 | 20020 | 0 |"
        let table = try await run("table", path, "--build", "one")
        #expect(table.exit == .code(0))
        #expect(table.standardOutput.contains(calm))
        #expect(!table.standardOutput.contains("`order`"))
        #expect(table.standardError.contains("line 4 is cut off"))
        #expect(table.standardError.contains("1 run of the build two is not counted"))
        #expect(table.standardError.contains("one: 2 runs of 1 fault, 20020 jobs"))
        let newest = try await run("table", path)
        #expect(newest.standardOutput.contains("| `order`: "))
        let other = try await run("table", path, "--build", "three")
        #expect(other.exit == .code(1))
        #expect(other.standardOutput.isEmpty)
        let again = try await run(
            "run", "--fault", "calm", "--seeds", "2", "--jobs", "10000", "--record", path,
            "--build", "one", "--markdown",
            environment: ["TASQ_TEST_SLOW": "\(Slowness.factor)"])
        #expect(again.exit == .code(0), "\(again)")
        #expect(again.standardError.contains("2 of 2 runs have held, by the build one"))
        #expect(again.standardOutput.contains(calm))
    }

    @Test func `A build without a name is called by its bytes`() throws {
        let name = try Build.fingerprint()
        #expect(name.hasPrefix("programs-"))
        #expect(name.count == "programs-".count + 12)
        #expect(try Build.fingerprint() == name)
    }

    @Test func `Ctrl-C in the middle of a run stops and removes everything, and records nothing`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "tasq-chaos-test-" + UUID().uuidString
        let process = try await ChildProcess.start(
            ChildProcess.built("tasq-chaos"),
            [
                "run", "--fault", "calm", "--keep", folder, "--record", folder + ".jsonl",
                "--build", "one",
            ])
        defer {
            for path in [folder, folder + ".jsonl"] {
                try? FileManager.default.removeItem(atPath: path)
            }
        }
        var pids: [Int32] = []
        try await eventually(within: .seconds(120).onThisMachine, "its processes work") {
            pids = try Self.born(in: folder)
            return pids.count >= 4
        }
        process.signal(SIGINT)
        #expect(try await process.wait() == .code(130))
        // What was broken off is no run that failed.
        #expect(try Record(at: folder + ".jsonl").runs.isEmpty)
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
