import Testing

@testable import Tasq

/// Start, end, and what is fired of the ticks that are due.
@Suite struct TimingTests {
    private func time(_ text: String) throws -> Timestamp {
        try #require(Timestamp(rfc3339: text))
    }

    private func times(_ texts: String...) throws -> [Timestamp] {
        try texts.map { try time($0) }
    }

    private func timing(_ text: String, start: String? = nil, end: String? = nil) throws -> Timing {
        try Timing(
            cron: Cron(text), start: start.map { try time($0) }, end: end.map { try time($0) })
    }

    @Test func `The start ticks if it matches, the end does not, and nothing beyond them`() throws {
        let timing = try timing(
            "0 0 * * *", start: "2026-12-01T00:00:00Z", end: "2026-12-03T00:00:00Z")
        let ticks = timing.ticks(after: try time("2026-01-01T00:00:00Z"), count: 9)
        #expect(try ticks == times("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"))
    }

    @Test func `A period is counted from the start, or from 1970`() throws {
        let own = try timing("@every 45s", start: "2026-12-01T00:00:10.5Z")
        let after = try time("2026-12-01T00:00:00Z")
        let ticks = own.ticks(after: after, count: 2)
        #expect(try ticks == times("2026-12-01T00:00:11Z", "2026-12-01T00:00:56Z"))
        #expect(try timing("@every 45s").next(after: after) == time("2026-12-01T00:00:45Z"))
    }

    @Test(arguments: [
        ("0 0 1 1 *", "2026-02-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("* * * * *", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("* * * * *", "2026-02-02T00:00:00Z", "2026-02-01T00:00:00Z"),
    ])
    func `What cannot tick between start and end is refused`(
        text: String, start: String, end: String
    ) throws {
        let error = #expect(throws: InvalidInput.self) {
            try self.timing(text, start: start, end: end)
        }
        #expect(error?.field == "end")
    }

    @Test func `The last second that has a text is the last that may tick`() throws {
        let timing = try timing("0 0 1 1 *")
        #expect(timing.next(after: try time("9998-06-01T00:00:00Z")) != nil)
        #expect(timing.next(after: try time("9999-06-01T00:00:00Z")) == nil)
        #expect(timing.next(after: Timestamp(microseconds: .max)) == nil)
        #expect(timing.next(after: Timestamp(microseconds: .min)) != nil)
    }

    @Test(arguments: [
        (MissedTicks.skip, [String]()), (MissedTicks.latest, ["2026-11-30T02:00:00Z"]),
        (
            MissedTicks.all,
            [
                "2026-11-27T02:00:00Z", "2026-11-28T02:00:00Z", "2026-11-29T02:00:00Z",
                "2026-11-30T02:00:00Z",
            ]
        ),
    ])
    func `Missed ticks are left out, fired once for all, or fired each`(
        missed: MissedTicks, ticks: [String]
    ) throws {
        let due = try timing("0 2 * * *").due(
            from: time("2026-11-27T02:00:00Z"), now: time("2026-11-30T10:00:00Z"), missed: missed,
            limit: 100)
        #expect(try due.ticks == ticks.map { try time($0) })
        #expect(try due.next == time("2026-12-01T02:00:00Z"))
    }

    @Test(arguments: MissedTicks.allCases)
    func `A tick of the last minute is not missed`(missed: MissedTicks) throws {
        let due = try timing("0 2 * * *").due(
            from: time("2026-11-30T02:00:00Z"), now: time("2026-11-30T02:00:59.9Z"),
            missed: missed, limit: 100)
        #expect(try due.ticks == times("2026-11-30T02:00:00Z"))
    }

    @Test func `Where a later tick is fired anyway, those before are not`() throws {
        let due = try timing("* * * * *").due(
            from: time("2026-11-30T09:00:00Z"), now: time("2026-11-30T10:00:30Z"),
            missed: .latest, limit: 100)
        #expect(try due.ticks == times("2026-11-30T10:00:00Z"))
    }

    @Test func `What does not fit in one go is due again`() throws {
        let timing = try timing("* * * * *")
        let now = try time("2026-11-30T10:00:30Z")
        let due = timing.due(
            from: try time("2026-11-30T09:00:00Z"), now: now, missed: .all, limit: 10)
        #expect(due.ticks.count == 10)
        #expect(try due.ticks.last == time("2026-11-30T09:09:00Z"))
        let rest = timing.due(from: try #require(due.next), now: now, missed: .all, limit: 1000)
        #expect(rest.ticks.count == 51)
        #expect(try rest.ticks.first == time("2026-11-30T09:10:00Z"))
    }

    @Test func `Half a century of missed seconds costs no more than one`() throws {
        let due = try timing("* * * * * *").due(
            from: Timestamp(microseconds: 0), now: time("2026-11-30T10:00:00Z"), missed: .latest,
            limit: 1000)
        #expect(due.ticks.count == 60)
        let rare = try timing("0 0 29 2 *").due(
            from: Timestamp(microseconds: 0), now: time("2027-11-30T10:00:00Z"), missed: .latest,
            limit: 1000)
        #expect(try rare.ticks == times("2024-02-29T00:00:00Z"))
    }

    private func entry(_ cron: String = "@daily", payload: String = "{}") throws -> ScheduleEntry {
        ScheduleEntry(
            name: try Name("nightly"), cron: cron, kind: try Name("report"),
            payload: Array(payload.utf8))
    }

    @Test func `A payload has the tick's time where it says so, and is otherwise kept`() throws {
        let entry = try entry(
            payload: #"{"at":"{tick}","unix":{tick_unix},"by":"{schedule}","x":"{tic}{"}"#)
        let body = entry.body(at: try time("2026-11-30T02:00:00Z"))
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"at":"2026-11-30T02:00:00Z","unix":1796004000,"by":"nightly","x":"{tic}{"}"#)
    }

    @Test func `The same tick is always as late, no later than the jitter, and ticks differ`()
        throws
    {
        var entry = try entry()
        #expect(entry.delay(of: Timestamp(microseconds: 0)) == .zero)
        entry.jitter = .seconds(10)
        let ticks = (0..<1000).map { Timestamp(microseconds: $0 * 60_000_000) }
        let delays = ticks.map { entry.delay(of: $0) }
        #expect(delays == ticks.map { entry.delay(of: $0) })
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= .seconds(10) })
        #expect(Set(delays).count > 900)
        let early = delays.count { $0 < .seconds(5) }
        #expect((400...600).contains(early))
    }

    @Test func `What no job can be made of is refused by the field`() throws {
        func refused(_ edit: (inout ScheduleEntry) -> Void) throws -> String? {
            var entry = try entry()
            edit(&entry)
            let changed = entry
            let error = #expect(throws: InvalidInput.self) { try changed.check() }
            return error?.field
        }
        #expect(try refused { $0.cron = "61 * * * *" } == "cron")
        #expect(try refused { $0.zone = "Nowhere/Atlantis" } == "zone")
        #expect(try refused { $0.jitter = .seconds(-1) } == "jitter")
        #expect(try refused { $0.jitter = .seconds(86_401) } == "jitter")
        #expect(try refused { $0.maxAttempts = 0 } == "max_attempts")
        #expect(try refused { $0.key = String(repeating: "k", count: 10_000) } == "key")
        #expect(try refused { $0.payload = .init(repeating: 0x20, count: 65_537) } == "payload")
        #expect(try refused { $0.end = Timestamp(microseconds: 200_000_000_000) } == "end")
        var over = try entry()
        over.end = Timestamp(microseconds: 200_000_000_000)
        let configured = over
        #expect(throws: Never.self) { try configured.check(mayBeOver: true) }
    }
}
