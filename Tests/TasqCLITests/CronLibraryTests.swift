import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import Tasq

/// Cron texts against others' readers: cronsim, which follows Debian's cron, and croniter.
/// `compose/test` installs them from PyPI.
@Suite(
    .enabled(
        if: ClientLibraries.folder != nil,
        "without cronsim and croniter from PyPI, in the folder TASQ_TEST_CLIENTS"),
    .medium(limit: .seconds(400)))
struct CronLibraryTests {
    /// A text as each of them writes it.
    private struct Sample: Sendable {
        var own: String
        var cronsim: String
        var croniter: String
        /// Without a second of its own: cronsim follows Debian's cron in five fields alone.
        var hasFiveFields: Bool
        /// The days of the month and a numbered weekday are both asked for. croniter then wants the
        /// numbered weekday of every day, those of the month too, and finds fewer or none.
        var choosesNumberedWeekday: Bool
    }

    private struct Ask: Encodable {
        var library: String
        var text: String
        var zone: String
        var starts: [Int64]
        var count: Int
    }

    private struct Answer: Decodable {
        var ticks: [[Int64]]?
        var refused: String?
    }

    private static let parts: [[String]] = [
        ["0", "30", "*/15", "5,35", "10-20/5", "5/20", "59", "*", "0-4,50-54/2"],
        ["2", "*", "*/6", "0,12", "1-3", "23", "5/9"],
        ["*", "1", "L", "15,31", "*/10", "1-7", "29", "13"],
        ["*", "*", "2", "JAN,JUL", "*/5", "4-9/2", "12"],
        ["*", "MON", "1-5", "0", "7", "FRI#2", "MON#5", "*/2", "FRIL", "1/2"],
    ]

    /// Five hundred texts of all that the three can say; some can never fire. The same each time.
    private static let samples: [Sample] = {
        var state: UInt64 = 17
        func choose(_ values: [String]) -> String {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return values[Int(state >> 33) % values.count]
        }
        return (0..<500).map { index in
            let fields = parts.map(choose)
            // The second comes first for all three, as croniter is asked here.
            let second = index % 5 == 0 ? choose(["0", "*/20", "15,45"]) + " " : ""
            let text = second + fields.joined(separator: " ")
            // croniter's days of a week end with Saturday, so it never comes to Sunday by a step.
            let toSunday = text.hasSuffix(" 1/2") ? text + ",0" : text
            return Sample(
                own: text, cronsim: text.replacing("FRIL", with: "5L"),
                croniter: toSunday.replacing("FRIL", with: "L5"),
                hasFiveFields: second.isEmpty,
                choosesNumberedWeekday: !fields[2].hasPrefix("*")
                    && fields[4].contains(where: { $0 == "#" || $0 == "L" }))
        }
    }()

    /// Every six and a half years from 1970 to 2100.
    private static let starts = (0..<20).map { Int64($0) * 205_000_020 - 60 }

    /// Around changes of clocks: 7 and 28 March, 24 and 31 October 2026, each at noon.
    private static let changes: [Int64] = [
        1_772_884_800, 1_774_699_200, 1_792_843_200, 1_793_448_000,
    ]

    @Test(arguments: ["cronsim", "croniter"])
    func `Hundreds of texts tick from 1970 to 2100 as they do elsewhere`(
        library: String
    ) async throws {
        let samples = Self.samples.filter { library == "cronsim" || !$0.choosesNumberedWeekday }
        try await compare(samples, library, zone: "UTC", starts: Self.starts, count: 4)
    }

    /// croniter lets a time that comes twice tick twice, and is not asked.
    @Test(arguments: ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
    func `Texts of five fields tick around changes of clocks as Debian's cron lets them`(
        zone: String
    ) async throws {
        try await compare(
            Self.samples.filter(\.hasFiveFields), "cronsim", zone: zone, starts: Self.changes,
            count: 40)
    }

    private func compare(
        _ samples: [Sample], _ library: String, zone: String, starts: [Int64], count: Int
    ) async throws {
        let asks = samples.map { sample in
            Ask(
                library: library,
                text: library == "cronsim" ? sample.cronsim : sample.croniter, zone: zone,
                starts: starts, count: count)
        }
        let answers = try await run(asks)
        try #require(answers.count == asks.count)
        var compared = 0
        for (sample, answer) in zip(samples, answers) {
            guard let cron = try? Cron(sample.own) else {
                // What can never fire they notice late or not at all, but they have no tick either.
                #expect(answer.ticks == nil, "\(sample.own): \(library) has ticks")
                continue
            }
            let timing = try Timing(cron: cron, zone: Zone(zone))
            let own = starts.map { start in
                timing.ticks(after: Timestamp(microseconds: start * 1_000_000), count: count)
                    .map { $0.microseconds / 1_000_000 }
            }
            guard let ticks = answer.ticks else {
                Issue.record("\(sample.own): \(library) refuses it: \(answer.refused ?? "")")
                continue
            }
            #expect(own == ticks, "\(sample.own), \(zone)")
            compared += 1
        }
        #expect(compared * 10 > samples.count * 9)
    }

    private func run(_ asks: [Ask]) async throws -> [Answer] {
        let lines = try asks.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let python = try await ChildProcess.start(
            "/usr/bin/env", ["python3", packageRoot + "/Tests/Examples/crontabs.py"],
            environment: ["PYTHONPATH": ClientLibraries.folder ?? "", "PATH": path],
            directory: "/", input: lines.map { $0 + "\n" }.joined())
        #expect(try await python.wait() == .code(0), "\(python.standardError)")
        return try python.standardOutput.split(separator: "\n").map {
            try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
        }
    }
}
