import Testing

@testable import Tasq

@Suite struct TimeTextTests {
    private let now = Timestamp(rfc3339: "2026-03-01T08:30:00.5Z")

    @Test(arguments: [
        ("2026-02-28T23:00:00+01:00", "2026-02-28T22:00:00.000Z"),
        ("2026-02-28", "2026-02-28T00:00:00.000Z"), ("today", "2026-03-01T00:00:00.000Z"),
        ("yesterday", "2026-02-28T00:00:00.000Z"), ("15m", "2026-03-01T08:15:00.500Z"),
        ("1d", "2026-02-28T08:30:00.500Z"), ("0s", "2026-03-01T08:30:00.500Z"),
    ])
    func `A time, a day and how long ago are read`(text: String, time: String) throws {
        let now = try #require(self.now)
        #expect(try TimeText.parse(text, now: now, field: "--since").description == time)
    }

    @Test(arguments: [
        "", "soon", "now", "tomorrow", "Yesterday", "2026-02-29", "2026-13-01", "2026-3-1",
        "2026-03-01T08:30:00", "15", "-15m", "15 m", "36501d", "9223372036854775807d", "infinity",
        "20260301", "٢٠٢٦-01-01",
    ])
    func `What is no time is refused by the name of its field`(text: String) throws {
        let now = try #require(self.now)
        let error = #expect(throws: InvalidInput.self) {
            try TimeText.parse(text, now: now, field: "--since")
        }
        #expect(error?.field == "--since")
    }

    @Test func `A hundred years ago is a time`() throws {
        let time = try TimeText.parse("36500d", field: "since")
        #expect(time < Timestamp(microseconds: 0))
    }
}
