/// Durations as people write them: a whole number and one unit, as in `250ms`, `15s`, `5m`, `6h`,
/// `7d`.
package enum DurationText {
    /// Reads a duration of zero to ``JobLimits/delay``; throws ``InvalidInput`` naming `field`.
    package static func parse(
        _ text: some StringProtocol, field: String
    ) throws(InvalidInput) -> Duration {
        guard let duration = read(text) else {
            throw InvalidInput(
                field: field, "must be a whole number and a unit: 250ms, 15s, 5m, 6h or 7d")
        }
        guard duration <= JobLimits.delay else {
            throw InvalidInput(field: field, "must be at most \(format(JobLimits.delay))")
        }
        return duration
    }

    /// Reads a duration of any length; one that nothing could hold is as long as can be.
    package static func read(_ text: some StringProtocol) -> Duration? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let unit = String(text.dropFirst(digits.count))
        guard !digits.isEmpty, let (_, milliseconds) = units.first(where: { $0.name == unit })
        else { return nil }
        let number = Int64(String(decoding: digits, as: UTF8.self)) ?? .max
        let (total, overflow) = number.multipliedReportingOverflow(by: milliseconds)
        return overflow ? .milliseconds(Int64.max) : .milliseconds(total)
    }

    /// Writes a duration in the largest unit that holds it exactly; less than a millisecond is
    /// rounded down.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return "\(seconds)s" }
        let milliseconds = whole + attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        for (name, size) in units where milliseconds.isMultiple(of: size) {
            return "\(milliseconds / size)\(name)"
        }
        return "\(milliseconds)ms"
    }

    /// The units with their milliseconds, largest first.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
}

extension Duration {
    /// In words of one unit, as in `850 ms`, `12 s` or `3 h`.
    package var rough: String {
        let seconds = inSeconds
        return switch seconds {
        case ..<1: "\(Int(seconds * 1000)) ms"
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        case ..<1e12: "\(Int(seconds / 86_400)) d"
        default: "very long"
        }
    }
}
