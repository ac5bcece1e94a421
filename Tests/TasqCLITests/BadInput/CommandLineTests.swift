import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What a tired operator types: refused by name with the right code, nothing stored, no trap.
@Suite(.medium) struct CommandLineBadInputTests {
    /// Nothing below reaches it: what is wrong is told before a connection is made.
    private static let nowhere = ["DATABASE_URL": "postgres://127.0.0.1:9/none"]

    private static let names = [
        "a b", "../x", "q;drop table tasq.job--", "'", "\"", "%s%n", "{}", "a{b}", "a\nb",
        "a\u{0}b", "ü", "😀", "\u{202E}abc", "*", "a/b", "$(id)", String(repeating: "x", count: 101),
        String(repeating: "x", count: 10_240),
    ]

    @Test(arguments: names.filter { !$0.contains("\0") }.map(Long.init))
    func `A text that is no name is refused as kind, queue and filter`(
        long: Long<String>
    ) async throws {
        let name = long.value
        for words in [
            ["enqueue", "--", name], ["enqueue", "a", "--queue=" + name],
            ["jobs", "list", "--queue=" + name], ["jobs", "list", "--kind=" + name],
            ["work", "--queue=" + name], ["events", "list", "--source=" + name],
            ["replay", "--source=" + name],
        ] {
            try await expect(64, words, "must be 1 to 100 of the characters")
        }
    }

    @Test(arguments: [
        "0", "-1", "9223372036854775808", "1e3", "01", "٣", " 1", "1;2", "", "null", "{}",
        "01a20a07-bbbd-7552-ab02-3cdbddd1434g", "../../etc/passwd", "'; DROP TABLE tasq.job; --",
    ])
    func `A text that is no id is refused`(id: String) async throws {
        try await expect(64, ["jobs", "show", "--", id], "the id")
        try await expect(64, ["jobs", "list", "--cursor=" + id], "--cursor")
        try await expect(64, ["events", "show", "--", id], "the id")
        try await expect(64, ["events", "replay", "--", id], "the id")
        try await expect(64, ["events", "list", "--cursor=" + id], "--cursor")
    }

    private static let numbers = [
        "-1", "2147483648", "9223372036854775808", "1e9", "1.5", "NaN", "٣", " 1", "0x1", "+1",
    ]

    @Test(arguments: numbers)
    func `A number out of its range is refused with the range`(number: String) async throws {
        for (words, range) in [
            (["enqueue", "a", "--priority=" + number], "from 0 to 3"),
            (["enqueue", "a", "--max-attempts=" + number], "from 1 to 1000"),
            (["jobs", "list", "--limit=" + number], "from 1 to 1000"),
            (["events", "list", "--limit=" + number], "from 1 to 1000"),
            (["replay", "--rate=" + number], "from 1 to 10000"),
            (["work", "--concurrency=" + number], "from 1 to 10000"),
        ] {
            try await expect(64, words, range)
        }
    }

    @Test(arguments: [
        "5", "-5s", "5 s", "5sec", "1e308s", "9223372036854775807d", "", "s", "٣s", "1.5h", "+5s",
        "NaN", "infinity", "36501d",
    ])
    func `A duration that is none, or too long, is refused`(text: String) async throws {
        try await expect(64, ["enqueue", "a", "--delay=" + text], "--delay")
    }

    @Test(arguments: [
        "294277-01-01T00:00:00Z", "-4714-01-01T00:00:00Z", "infinity", "now", "tomorrow", "",
        "1970-01-01T00:00:00Z", "2199-12-31T00:00:00Z", "2026-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z", "2026-12-01T00:00:00+25:00", "2026-12-01T00:00:00", "2026-12-01",
    ])
    func `A time that is none, or too far away, is refused`(text: String) async throws {
        try await expect(64, ["enqueue", "a", "--run-at=" + text], "--run-at")
    }

    @Test(arguments: [
        (["enqueue", "a", "--queue", "b", "--queue", "c"], "--queue is given more than once"),
        (["enqueue", "a", "--queue=b", "--queue=b"], "--queue is given more than once"),
        (["jobs", "list", "--json", "--json"], "--json is given more than once"),
        (["enqueue", "a", "b"], "b"), (["enqueue", "a", "--", "--queue"], "--queue"),
        (["enqueue", "a", "--queue"], "--queue"),
        (["enqueue", "a", "--queue", "--json"], "--queue"),
        (["jobs", "list", "show"], "show"), (["jobs"], "jobs"), (["jobs", "frob"], "frob"),
        (["--queue", "x"], "--queue"), (["enqueue", "a", "--delay", "-5s"], "--delay"),
        (["enqueue", "a", "--queue="], "--queue"), (["jobs", "list", "--limit="], "--limit"),
        (["enqueue", ""], "the kind"), (["enqueue", "a", "-x"], "-x"),
        (["enqueue", "a", "--payload"], "--payload"),
    ])
    func `What is no command line is a usage error in one line`(
        words: [String], named: String
    ) async throws {
        // A command that only groups others answers with its help.
        try await expect(words == ["jobs"] ? 0 : 64, words, named)
    }

    /// The longest argument that Linux hands to a program is a little longer.
    @Test func `An argument of 120 kB is refused in a short line`() async throws {
        let long = String(repeating: "x", count: 120_000)
        for words in [
            ["jobs", "show", long], ["enqueue", long], ["enqueue", "a", "--payload", long],
            ["jobs", "list", "--status", long], ["enqueue", "a", "--delay", long],
            ["config", "show", "--config", long], ["explain", long], [long],
            ["enqueue", "--" + long],
        ] {
            let child = try await TasqProgram.start(words, environment: Self.nowhere)
            let exit = try await child.wait()
            #expect([.code(64), .code(65), .code(78)].contains(exit), "\(words[0]): \(exit)")
            let said = child.standardError
            #expect(said.split(separator: "\n").count == 1)
            #expect(said.utf8.count < 2000, "\(words[0]): \(said.utf8.count) bytes")
        }
    }

    @Test func `A flag that may be repeated may be`() async throws {
        let run = try await TasqProgram.run(
            "work", "--queue", "a", "--queue", "b:2", environment: ["DATABASE_URL": ""])
        #expect(run.exit == .code(78))
        #expect(run.errors.contains("database_url"))
    }

    @Test(arguments: [
        ["jobs", "list", "--nope", "--help"], ["enqueue", "--help", "--priority", "9"], ["-h"], [],
    ])
    func `Help is answered whatever else stands there`(words: [String]) async throws {
        let child = try await TasqProgram.start(words)
        let exit = try await child.wait()
        #expect(exit == .code(0))
        #expect(child.standardOutput.contains("USAGE"))
    }

    /// Runs it; `named` must stand in the one line it says on standard error.
    private func expect(
        _ code: Int32, _ words: [String], _ named: String
    ) async throws {
        let child = try await TasqProgram.start(words, environment: Self.nowhere)
        let exit = try await child.wait()
        let said = child.standardError
        #expect(exit == .code(code), "\(words): \(said)")
        guard code != 0 else { return }
        #expect(said.split(separator: "\n").count == 1, "\(words): \(said)")
        #expect(said.hasPrefix("tasq: ") && said.contains(named), "\(words): \(said)")
        #expect(child.standardOutput.isEmpty)
    }
}
