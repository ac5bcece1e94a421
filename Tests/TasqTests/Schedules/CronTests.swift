import Testing

@testable import Tasq

/// What cron texts mean, on clocks that nobody changes.
@Suite struct CronTests {
    /// A text, the time after which it is asked, and what follows, each without seconds and zone.
    typealias Case = (String, String, [String])

    private static let minutes: [Case] = [
        ("*/15 * * * *", "2026-11-30T10:07", ["2026-11-30T10:15", "2026-11-30T10:30"]),
        ("5/15 * * * *", "2026-11-30T10:07", ["2026-11-30T10:20", "2026-11-30T10:35"]),
        ("59 23 * * *", "2026-11-30T23:59", ["2026-12-01T23:59", "2026-12-02T23:59"]),
        (
            "10-20/5,45 8,20 * jan,JUL *", "2026-11-30T00:00",
            [
                "2027-01-01T08:10", "2027-01-01T08:15", "2027-01-01T08:20", "2027-01-01T08:45",
                "2027-01-01T20:10",
            ]
        ),
        ("@hourly", "2026-12-31T23:00", ["2027-01-01T00:00", "2027-01-01T01:00"]),
        ("@daily", "2026-02-28T00:00", ["2026-03-01T00:00"]),
        ("@weekly", "2026-11-30T00:00", ["2026-12-06T00:00", "2026-12-13T00:00"]),
        ("@Monthly", "2026-11-30T00:00", ["2026-12-01T00:00", "2027-01-01T00:00"]),
        ("@yearly", "2026-11-30T00:00", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        ("@every 90m", "1970-01-01T00:00", ["1970-01-01T01:30", "1970-01-01T03:00"]),
        ("@every 1d", "2026-11-30T10:07", ["2026-12-01T00:00", "2026-12-02T00:00"]),
    ]

    private static let days: [Case] = [
        ("30 2 29 2 *", "2026-11-30T00:00", ["2028-02-29T02:30", "2032-02-29T02:30"]),
        ("0 9 * * MON-FRI", "2026-11-27T09:00", ["2026-11-30T09:00", "2026-12-01T09:00"]),
        // Either day, for neither starts with a star.
        (
            "0 0 13 * 5", "2026-11-30T00:00",
            ["2026-12-04T00:00", "2026-12-11T00:00", "2026-12-13T00:00", "2026-12-18T00:00"]
        ),
        // Both, for one does: Mondays with an odd number.
        (
            "0 0 */2 * 1", "2026-11-30T00:00",
            ["2026-12-07T00:00", "2026-12-21T00:00", "2027-01-11T00:00"]
        ),
        ("0 0 13 * */5", "2026-11-30T00:00", ["2026-12-13T00:00", "2027-06-13T00:00"]),
        ("0 0 ? * MON", "2026-11-30T00:00", ["2026-12-07T00:00", "2026-12-14T00:00"]),
        (
            "0 0 L * *", "2026-11-30T00:00",
            ["2026-12-31T00:00", "2027-01-31T00:00", "2027-02-28T00:00"]
        ),
        (
            "0 0 L-3 * *", "2026-11-30T00:00",
            ["2026-12-28T00:00", "2027-01-28T00:00", "2027-02-25T00:00"]
        ),
        (
            "0 0 LW * *", "2026-11-30T00:00",
            ["2026-12-31T00:00", "2027-01-29T00:00", "2027-02-26T00:00"]
        ),
        // 1 May 2027 is a Saturday, 1 August a Sunday.
        ("0 0 1W * *", "2027-04-15T00:00", ["2027-05-03T00:00", "2027-06-01T00:00"]),
        ("0 0 1W * *", "2027-07-15T00:00", ["2027-08-02T00:00"]),
        ("0 0 15W 5,8 *", "2027-04-15T00:00", ["2027-05-14T00:00", "2027-08-16T00:00"]),
        ("0 0 31W * *", "2027-01-01T00:00", ["2027-01-29T00:00", "2027-03-31T00:00"]),
        ("0 0 * * FRI#2", "2026-11-30T00:00", ["2026-12-11T00:00", "2027-01-08T00:00"]),
        ("0 0 * * 5#5", "2026-11-30T00:00", ["2027-01-29T00:00", "2027-04-30T00:00"]),
        (
            "0 0 * * FRIL", "2026-11-30T00:00",
            ["2026-12-25T00:00", "2027-01-29T00:00", "2027-02-26T00:00"]
        ),
        (
            "0 0 * * SAT-SUN", "2026-11-30T00:00",
            ["2026-12-05T00:00", "2026-12-06T00:00", "2026-12-12T00:00"]
        ),
        ("0 0 * * 7", "2026-11-30T00:00", ["2026-12-06T00:00", "2026-12-13T00:00"]),
        ("0 0 * * 0", "2026-11-30T00:00", ["2026-12-06T00:00", "2026-12-13T00:00"]),
        (
            "0 0 * * 1/2", "2026-11-30T00:00",
            ["2026-12-02T00:00", "2026-12-04T00:00", "2026-12-06T00:00", "2026-12-07T00:00"]
        ),
        // A 29 February that is a Monday; 2100 and 2200 have none.
        (
            "0 0 * 2 MON#5", "2026-11-30T00:00",
            [
                "2044-02-29T00:00", "2072-02-29T00:00", "2112-02-29T00:00", "2140-02-29T00:00",
                "2168-02-29T00:00", "2196-02-29T00:00", "2208-02-29T00:00",
            ]
        ),
    ]

    @Test(arguments: minutes + days)
    func `A text ticks when its dialect says`(
        text: String, after: String, ticks: [String]
    ) throws {
        let found = try self.ticks(of: text, after: after + ":00Z", count: ticks.count)
        #expect(found == ticks.map { $0 + ":00Z" }, "\(text)")
    }

    @Test func `Six fields have the second first`() throws {
        let found = try ticks(of: "*/20 30 10 * * *", after: "2026-11-30T10:30:10Z", count: 3)
        #expect(
            found == ["2026-11-30T10:30:20Z", "2026-11-30T10:30:40Z", "2026-12-01T10:30:00Z"])
    }

    @Test func `A text is the same in small letters and with more blanks`() throws {
        let plain = try ticks(of: "0 9 * JAN MON", after: "2026-11-30T00:00:00Z", count: 9)
        let odd = try ticks(of: " 0  09 *\tjan  mon ", after: "2026-11-30T00:00:00Z", count: 9)
        #expect(plain == odd)
    }

    /// A text and a word of the rule it breaks.
    private static let refused: [(String, String)] = [
        ("", "1 to 200"), ("   ", "five fields"), ("* * * *", "five fields"),
        ("0 0 0 1 1 ? 2030", "year"), ("60 * * * *", "minute"), ("-1 * * * *", "minute"),
        ("* 24 * * *", "hour"), ("* * 0 * *", "day of month"), ("* * 32 * *", "day of month"),
        ("* * * 0 *", "month"), ("* * * 13 *", "month"), ("* * * * 8", "day of week"),
        ("60 * * * * *", "second"), ("*/0 * * * *", "step"), ("*/60 * * * *", "step"),
        ("*/ * * * *", "step"), ("* */24 * * *", "step"), ("5-1 * * * *", "backwards"),
        ("* * * * FRI-MON", "backwards"), ("0 0 * * L", "FRIL"), ("0 0 * * L5", "FRIL"),
        ("0 0 * * 5L", "FRIL"), ("0 0 * * LFRI", "FRIL"), ("0 0 L5 * *", "L-3"),
        ("0 0 5L * *", "L-3"), ("0 0 L-31 * *", "L-"), ("0 0 L-0 * *", "L-"),
        ("0 0 32W * *", "before W"), ("0 0 W * *", "before W"), ("0 0 * * FRI#6", "after #"),
        ("0 0 * * FRI#", "after #"), ("0 0 * * 15W", "day of week"), ("H * * * *", "minute"),
        ("* * * * 1,", "day of week"), (",1 * * * *", "minute"), ("1--2 * * * *", "minute"),
        ("1-2-3 * * * *", "minute"), ("- * * * *", "minute"), ("1/2/3 * * * *", "step"),
        ("0 0 ? * ?", "?"), ("? 0 * * *", "minute"), ("٣ * * * *", "ASCII"),
        ("0\u{0} * * * *", "ASCII"), ("0 0 31 2 *", "never"), ("0 0 30,31 FEB *", "never"),
        ("0 0 31 4,6,9,11 *", "never"), ("0 0 L-30 2 *", "never"), ("0 0 31W 2 *", "never"),
        ("0 0 1-7 * */2#1", "day of week"), ("@reboot", "@reboot"), ("@fortnightly", "@daily"),
        ("@daily 5", "@daily"), ("@every", "duration"), ("@every soon", "duration"),
        ("@every 1500ms", "whole seconds"), ("@every 0s", "whole seconds"),
        ("@every 367d", "whole seconds"), ("@every 99999999999999999999d", "whole seconds"),
        ("TZ=UTC 0 0 * * *", "zone"), ("CRON_TZ=Asia/Tokyo 0 0 * * *", "zone"),
        (String(repeating: "1,", count: 100) + "1 * * * *", "1 to 200"),
    ]

    @Test(arguments: refused)
    func `What is no text of the dialect, or read otherwise elsewhere, is refused by name`(
        text: String, word: String
    ) {
        let error = #expect(throws: InvalidInput.self) { try Cron(text) }
        #expect(error?.field == "cron")
        #expect(error?.rule.contains(word) == true, "\(text): \(error?.rule ?? "taken")")
    }

    @Test(arguments: [
        ("0 0 */2 * 1", "must match both"), ("0 0 13 * 5", "is enough"),
        ("*/5 * * * *", "when clocks are changed"), ("@every 5s", "counted from"),
    ])
    func `What may be read otherwise is told`(text: String, word: String) throws {
        #expect(try Cron(text).remarks.contains { $0.contains(word) })
    }

    @Test func `Where nothing can be read otherwise nothing is told`() throws {
        #expect(try Cron("30 2 * * *").remarks == [])
    }

    /// Against the plainest reading there is: every minute of two months is looked at.
    @Test func `Random texts tick at each minute that matches and at no other`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = Random(state: seed)
        for _ in 0..<20 {
            let sets = [0...59, 0...23, 1...31, 1...12, 0...6].map { range -> Set<Int> in
                let isAny = Bool.random(using: &generator)
                let some = (0..<3).map { _ in Int.random(in: range, using: &generator) }
                return isAny ? [] : Set(some)
            }
            let text = sets.map { set in
                set.isEmpty ? "*" : set.sorted().map(String.init).joined(separator: ",")
            }.joined(separator: " ")
            // Some can never fire.
            guard let cron = try? Cron(text) else { continue }
            let timing = try Timing(cron: cron)
            var found = timing.next(after: Timestamp(microseconds: (Self.start - 1) * 1_000_000))
            for minute in matches(in: 61, of: sets) {
                let time = Timestamp(microseconds: (Self.start + minute * 60) * 1_000_000)
                try #require(found == time, "\(text), seed \(seed)")
                found = timing.next(after: time)
            }
            let end = Timestamp(microseconds: (Self.start + 61 * 86_400) * 1_000_000)
            #expect(found.map { $0 >= end } ?? true, "\(text), seed \(seed)")
        }
    }

    /// 2026-11-01T00:00:00Z, a Sunday.
    private static let start: Int64 = 1_793_491_200

    /// Those of November and December that match, counted from the start.
    private func matches(in days: Int, of sets: [Set<Int>]) -> [Int64] {
        func has(_ set: Int, _ value: Int) -> Bool {
            sets[set].isEmpty || sets[set].contains(value)
        }
        var minutes: [Int64] = []
        for day in 0..<days {
            let (month, ofMonth) = day < 30 ? (11, day + 1) : (12, day - 29)
            let isDay =
                sets[2].isEmpty || sets[4].isEmpty
                ? has(2, ofMonth) && has(4, day % 7) : has(2, ofMonth) || has(4, day % 7)
            guard isDay, has(3, month) else { continue }
            for hour in 0..<24 where has(1, hour) {
                for minute in 0..<60 where has(0, minute) {
                    minutes.append(Int64((day * 24 + hour) * 60 + minute))
                }
            }
        }
        return minutes
    }

    private func ticks(of text: String, after: String, count: Int) throws -> [String] {
        let time = try #require(Timestamp(rfc3339: after))
        return try Timing(cron: Cron(text)).ticks(after: time, count: count)
            .map(Zone.utc.text)
    }

    /// SplitMix64, so that a seed tells the whole run.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = state
            bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
            return bits ^ bits >> 31
        }
    }
}
