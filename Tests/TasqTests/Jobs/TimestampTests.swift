import Testing

@testable import Tasq

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-23T19:20:00.123Z", 1_795_461_600_123_000),
        ("2000-02-29T12:00:00+05:30", 951_805_800_000_000),
        ("2038-01-19T03:14:08-00:00", 2_147_483_648_000_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999_000),
    ])
    func `RFC 3339 is read and written`(text: String, microseconds: Int) throws {
        let time = try #require(Timestamp(rfc3339: text))
        #expect(time.microseconds == Int64(microseconds))
        #expect(Timestamp(rfc3339: time.description) == time)
    }

    @Test(arguments: [
        "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
        "2016-12-31T23:59:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+25:00",
        "1969-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "294277-01-01T00:00:00Z", "infinity", "",
        "2026-01-01",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "٢٠٢٦-01-01T00:00:00Z",
        "2100-02-29T00:00:00Z",
    ])
    func `What is no date, has no zone or lies too far away is refused`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `Every day until the year 2199 survives its text`() {
        for day in stride(from: Int64(0), to: 84_000, by: 1) {
            let time = Timestamp(microseconds: day * 86_400_000_000 + 1000)
            #expect(Timestamp(rfc3339: time.description) == time)
        }
    }
}
