import Foundation
import Testing

@testable import Tasq

/// Zones from the system's files, and ticks where clocks are changed.
@Suite struct ZoneTests {
    /// What is asked, and what follows: times without seconds and zone, in UTC.
    struct Case: Sendable {
        let zone: String
        let text: String
        let change: ClockChange
        let after: String
        let ticks: [String]

        init(
            _ zone: String, _ text: String, _ change: ClockChange, _ after: String,
            _ ticks: [String]
        ) {
            self.zone = zone
            self.text = text
            self.change = change
            self.after = after
            self.ticks = ticks
        }
    }

    private static let forward: [Case] = [
        // 02:30 of 29 March 2026 does not exist.
        Case(
            "Europe/Berlin", "30 2 * * *", .once, "2026-03-28T12:00",
            ["2026-03-29T01:00", "2026-03-30T00:30"]),
        Case("Europe/Berlin", "30 2 * * *", .skip, "2026-03-28T12:00", ["2026-03-30T00:30"]),
        Case(
            "Europe/Berlin", "30 2 * * *", .twice, "2026-03-28T12:00",
            ["2026-03-29T01:00", "2026-03-30T00:30"]),
        // However many are missing.
        Case(
            "Europe/Berlin", "0,30 2 * * *", .once, "2026-03-28T12:00",
            ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T00:30"]),
        Case(
            "Europe/Berlin", "0 2,3 * * *", .once, "2026-03-28T12:00",
            ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T01:00"]),
        // A star in front goes by the time that passes.
        Case(
            "Europe/Berlin", "*/30 2 * * *", .once, "2026-03-28T12:00",
            ["2026-03-30T00:00", "2026-03-30T00:30"]),
        Case(
            "Europe/Berlin", "30 * * * *", .once, "2026-03-29T00:00",
            ["2026-03-29T00:30", "2026-03-29T01:30"]),
        Case(
            "America/New_York", "15 2 * * *", .once, "2026-03-07T12:00",
            ["2026-03-08T07:00", "2026-03-09T06:15"]),
        // Half an hour is left out, from 02:00 to 02:30.
        Case(
            "Australia/Lord_Howe", "15 2 * * *", .once, "2026-10-02T12:00",
            ["2026-10-02T15:45", "2026-10-03T15:30", "2026-10-04T15:15"]),
        Case(
            "Australia/Lord_Howe", "15 2 * * *", .skip, "2026-10-02T12:00",
            ["2026-10-02T15:45", "2026-10-04T15:15"]),
        // A whole day: there was no 30 December 2011.
        Case(
            "Pacific/Apia", "0 12 * * *", .once, "2011-12-29T00:00",
            ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"]),
        Case(
            "Pacific/Apia", "0 12 * * *", .skip, "2011-12-29T00:00",
            ["2011-12-29T22:00", "2011-12-30T22:00"]),
        // By the rule after the last change of the file.
        Case(
            "Europe/Berlin", "30 2 * * *", .once, "2100-03-27T12:00",
            ["2100-03-28T01:00", "2100-03-29T00:30"]),
    ]

    private static let back: [Case] = [
        // 02:30 of 25 October 2026 comes twice.
        Case(
            "Europe/Berlin", "30 2 * * *", .once, "2026-10-24T12:00",
            ["2026-10-25T00:30", "2026-10-26T01:30"]),
        Case(
            "Europe/Berlin", "30 2 * * *", .skip, "2026-10-24T12:00",
            ["2026-10-25T00:30", "2026-10-26T01:30"]),
        Case(
            "Europe/Berlin", "30 2 * * *", .twice, "2026-10-24T12:00",
            ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-26T01:30"]),
        // Asked between the two.
        Case(
            "Europe/Berlin", "30 2 * * *", .once, "2026-10-25T00:45", ["2026-10-26T01:30"]),
        Case(
            "Europe/Berlin", "*/30 2 * * *", .once, "2026-10-24T12:00",
            ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"]),
        Case(
            "America/New_York", "30 1 * * *", .once, "2026-10-31T12:00",
            ["2026-11-01T05:30", "2026-11-02T06:30"]),
        // Half an hour comes twice, from 01:30 to 02:00.
        Case(
            "Australia/Lord_Howe", "45 1 * * *", .once, "2026-04-04T12:00",
            ["2026-04-04T14:45", "2026-04-05T15:15"]),
        Case(
            "Australia/Lord_Howe", "45 1 * * *", .twice, "2026-04-04T12:00",
            ["2026-04-04T14:45", "2026-04-04T15:15", "2026-04-05T15:15"]),
    ]

    @Test(arguments: forward + back)
    func `A time that is missing or comes twice ticks as the policy says`(one: Case) throws {
        let timing = try Timing(
            cron: Cron(one.text), zone: Zone(one.zone), clockChange: one.change)
        let after = try #require(Timestamp(rfc3339: one.after + ":00Z"))
        let found = timing.ticks(after: after, count: one.ticks.count).map(Zone.utc.text)
        #expect(found == one.ticks.map { $0 + ":00Z" }, "\(one)")
    }

    /// Six zones, one changed by half an hour, three of them off the hour.
    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Adelaide",
        "Australia/Lord_Howe", "Pacific/Chatham",
    ])
    func `Every day of three years has one tick whatever clocks do`(
        zone: String
    ) throws {
        let zone = try Zone(zone)
        let start = try #require(Timestamp(rfc3339: "2024-01-15T00:00:00Z"))
        for hour in [0, 1, 2, 3, 12] {
            let timing = try Timing(cron: Cron("20 \(hour) * * *"), zone: zone)
            let ticks = timing.ticks(after: start, count: 1100)
            // Between two ticks passes a day, but for the hour by which clocks are changed.
            for (last, next) in zip(ticks, ticks.dropFirst()) {
                let minutes = (next.microseconds - last.microseconds) / 60_000_000
                #expect((1380...1500).contains(minutes), "\(zone.name) \(hour): \(last)")
            }
            let days = Set(ticks.map { String(zone.text($0).prefix(10)) })
            #expect(days.count == 1100, "\(zone.name) \(hour)")
        }
    }

    @Test func `A moment is told by the clocks of its zone`() throws {
        let time = try #require(Timestamp(rfc3339: "2026-07-01T12:00:00Z"))
        for (zone, text) in [
            ("UTC", "2026-07-01T12:00:00Z"), ("Europe/Berlin", "2026-07-01T14:00:00+02:00"),
            ("America/St_Johns", "2026-07-01T09:30:00-02:30"),
            ("Asia/Kathmandu", "2026-07-01T17:45:00+05:45"),
            ("Etc/GMT+5", "2026-07-01T07:00:00-05:00"),
        ] {
            #expect(try Zone(zone).text(time) == text)
        }
    }

    @Test(arguments: [
        "", "Nowhere/Atlantis", "../../etc/passwd", "/etc/localtime", "Europe/", "Europe",
        "europe/berlin", "Europe//Berlin", "tzdata.zi", "zone.tab", "leapseconds",
        "right/Europe/Berlin", "Europe/Berlin\u{0}", "+02:00", String(repeating: "a", count: 101),
    ])
    func `A zone that this system does not have is refused by name`(name: String) {
        let error = #expect(throws: InvalidInput.self) { try Zone(name) }
        #expect(error?.field == "zone")
    }

    @Test(arguments: [
        "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-2IDT,M3.4.4/26,M10.5.0",
        "XXX3EDT4,0/0,J365/23", "EST5EDT,J60/1:30:15,300",
    ])
    func `A rule is read as POSIX and zone files have it`(text: String) {
        #expect(ZoneRule(text) != nil)
    }

    @Test(arguments: [
        "", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M1.1.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-168", "CET-1CEST,366,J1",
        "CET-1CEST,J0,J1", "<+1-1", "CET-99999999999999999999", "CET-1CEST,M3.5.0,M10.5.0,",
    ])
    func `What is no rule is none`(text: String) {
        #expect(ZoneRule(text) == nil)
    }

    /// Whatever stands in a file: nothing of it traps.
    @Test func `A file that is cut or altered is refused or read, and nothing else`() throws {
        let path = "/usr/share/zoneinfo/Europe/Berlin"
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(ZoneFile(bytes) != nil)
        for count in 0..<bytes.count { #expect(ZoneFile(Array(bytes.prefix(count))) == nil) }
        for index in bytes.indices {
            for byte: UInt8 in [0x80, 0xff] {
                var altered = bytes
                altered[index] = byte
                guard let file = ZoneFile(altered) else { continue }
                let zone = Zone(name: "altered", file: file)
                for second: Int64 in [-99_999_999_999, 0, 1_800_000_000, 99_999_999_999] {
                    let segment = zone.segment(containing: second)
                    #expect(segment.start ?? .min <= second && second < segment.end ?? .max)
                }
            }
        }
    }
}
