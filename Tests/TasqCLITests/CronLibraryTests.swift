import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import Tasq

/// Cron texts against others' readers: cronsim, which follows Debian's cron, and croniter. What
/// neither knows stands against Python's calendar. `compose/test` installs them from PyPI.
@Suite(
    .enabled(
        if: ClientLibraries.folder != nil,
        "without cronsim and croniter from PyPI, in the folder TASQ_TEST_CLIENTS"),
    .medium(limit: .seconds(400)))
struct CronLibraryTests {
    /// A text as each of them writes it.
    private struct Sample: Sendable {
        var own: String
        /// By the names of the libraries that know all of it.
        var others: [String: String]
        /// Without a second of its own: cronsim follows Debian's cron in five fields alone.
        var hasFiveFields = true
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
        ["*", "1", "L", "15,31", "*/10", "1-7", "29", "13", "LW", "15W", "1W", "?"],
        ["*", "*", "2", "JAN,jul", "*/5", "4-9/2", "12"],
        [
            "*", "MON", "1-5", "0", "7", "FRI#2", "mon#5", "*/2", "FRIL", "1/2", "SAT-SUN",
            "TUE,THU-SAT",
        ],
    ]

    /// A thousand texts of what one of the two knows, too; some can never fire. The same each time.
    private static let samples: [Sample] = {
        var state: UInt64 = 17
        func choose(_ values: [String]) -> String {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return values[Int(state >> 33) % values.count]
        }
        return (0..<1000).map { index in
            let fields = parts.map(choose)
            // The second comes first for all three, as croniter is asked here.
            let second = index % 5 == 0 ? choose(["0", "*/20", "15,45"]) : ""
            return sample(fields, second)
        }
    }()

    /// A text of these fields as each library writes it that knows them.
    private static func sample(_ fields: [String], _ second: String) -> Sample {
        let text = (second.isEmpty ? [] : [second]) + fields
        let own = text.joined(separator: " ")
        let (monthDay, weekday) = (fields[2], fields[4])
        var others: [String: String] = [:]
        if !["15W", "1W"].contains(monthDay) {
            // For cronsim a week begins with Sunday, and `?` is nothing.
            others["cronsim"] = own.replacing("FRIL", with: "5L").replacing("SAT-SUN", with: "6-7")
                .replacing("?", with: "*")
        }
        // croniter wants a numbered weekday, or the one nearest to a day, of all days, also of those
        // that the other field asks for, and finds fewer or none.
        let choosesDays = !monthDay.hasPrefix("*") && monthDay != "?"
        let isNumbered = weekday.contains("#") || weekday.hasSuffix("L")
        let isNearest = monthDay.hasSuffix("W") && !weekday.hasPrefix("*")
        if monthDay != "LW", !(choosesDays && isNumbered), !isNearest {
            // Its days of a week end with Saturday, so it never comes to Sunday by a step.
            let toSunday = weekday == "1/2" ? own + ",0" : own
            others["croniter"] = toSunday.replacing("FRIL", with: "L5")
        }
        return Sample(own: own, others: others, hasFiveFields: second.isEmpty)
    }

    private static let nicknames = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    ]
    private static let periods = ["90s": 90, "7h": 25_200, "10d": 864_000]
    private static let monthDays = [
        "L-1", "L-3", "L-27", "L-28", "L-29", "L-30", "LW", "1W", "2W", "15W", "28W", "29W", "30W",
        "31W", "1W,15W", "L-2,LW", "5,L-1,20W",
    ]

    /// What is called otherwise by the libraries, or known to neither.
    private static let named: [Sample] = {
        var samples: [Sample] = []
        for (name, text) in nicknames {
            samples.append(Sample(own: name, others: ["croniter": name, "cronsim": text]))
        }
        for (text, seconds) in periods {
            samples.append(Sample(own: "@every \(text)", others: ["calendar": "every \(seconds)"]))
        }
        for days in monthDays {
            let text = "30 2 \(days) * *"
            samples.append(Sample(own: text, others: ["calendar": "2:30 \(days)"]))
        }
        return samples
    }()

    /// Every six and a half years from 1970 to 2100.
    private static let starts = (0..<20).map { Int64($0) * 205_000_020 - 60 }

    /// Around changes of clocks: 7 and 28 March, 24 and 31 October 2026, each at noon.
    private static let changes: [Int64] = [
        1_772_884_800, 1_774_699_200, 1_792_843_200, 1_793_448_000,
    ]

    @Test(arguments: [("cronsim", 500), ("croniter", 500), ("calendar", 20)])
    func `Hundreds of texts tick from 1970 to 2100 as they do elsewhere`(
        library: String, texts: Int
    ) async throws {
        let compared = try await compare(
            Self.samples + Self.named, library, zone: "UTC", starts: Self.starts, count: 4)
        #expect(compared >= texts)
    }

    /// croniter lets a time that comes twice tick twice, and is not asked.
    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Adelaide",
        "Asia/Kathmandu",
    ])
    func `Texts of five fields tick around changes of clocks as Debian's cron lets them`(
        zone: String
    ) async throws {
        let samples = Self.samples.prefix(600).filter(\.hasFiveFields)
        let compared = try await compare(
            samples, "cronsim", zone: zone, starts: Self.changes, count: 40)
        #expect(compared >= 300)
    }

    /// Compares the texts that a library knows; returns how many have ticks.
    private func compare(
        _ all: [Sample], _ library: String, zone: String, starts: [Int64], count: Int
    ) async throws -> Int {
        let samples = all.filter { $0.others[library] != nil }
        let asks = samples.compactMap { sample in
            sample.others[library].map { text in
                Ask(library: library, text: text, zone: zone, starts: starts, count: count)
            }
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
        return compared
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
