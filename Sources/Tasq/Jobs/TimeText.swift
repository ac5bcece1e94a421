/// Times as people write them: RFC 3339, a day, or how long ago.
package enum TimeText {
    /// Reads a time in RFC 3339; `2026-11-23`, `today` or `yesterday` for the beginning of that day in
    /// UTC; or a duration such as `15m` or `1d` for that long before `now`.
    ///
    /// Throws ``InvalidInput`` naming `field` for anything else.
    package static func parse(
        _ text: String, now: Timestamp = .now, field: String
    ) throws(InvalidInput) -> Timestamp {
        if let time = Timestamp(rfc3339: text) { return time }
        if let day = Timestamp(rfc3339: text + "T00:00:00Z") { return day }
        switch text {
        case "today": return now.startOfDay
        case "yesterday":
            return Timestamp(microseconds: now.startOfDay.microseconds - Timestamp.dayLength)
        default: break
        }
        guard let ago = try? DurationText.parse(text, field: field) else {
            throw InvalidInput(
                field: field,
                "must be a time in RFC 3339, a date, today, yesterday, or how long ago, as in 15m")
        }
        return Timestamp(microseconds: now.microseconds - ago.inMicroseconds)
    }
}

extension Timestamp {
    fileprivate static let dayLength: Int64 = 86_400_000_000

    /// The beginning of its day in UTC. For times that a clock tells, which are none before 1970.
    fileprivate var startOfDay: Timestamp {
        Timestamp(microseconds: microseconds - microseconds % Self.dayLength)
    }
}
