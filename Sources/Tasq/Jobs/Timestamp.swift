/// A point in time as PostgreSQL keeps it: microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    public var microseconds: Int64

    /// Makes a time of its microseconds since 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The time by this computer's clock. PostgreSQL's clock, not this one, decides what is due.
    public static var now: Timestamp { Timestamp(microseconds: WallClock.microsecondsSinceEpoch) }

    /// Orders the earlier first.
    public static func < (left: Self, right: Self) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds, as in `2026-11-23T19:20:00.123Z`.
    public var description: String {
        let (days, rest) = microseconds.flooredDivision(by: 86_400_000_000)
        let (year, month, day) = civil(fromDays: days)
        let second = rest / 1_000_000
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
            + "T" + padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2)
            + ":" + padded(second % 60, 2) + "." + padded(rest / 1000 % 1000, 3) + "Z"
    }

    /// Reads RFC 3339 with a zone (`Z` or `+hh:mm`) and up to nine fractional digits.
    ///
    /// `nil` for impossible dates, leap seconds, offsets beyond a day and years outside 1970–9999.
    public init?(rfc3339 text: String) {
        var reader = DigitReader(bytes: Array(text.utf8)[...])
        guard let year = reader.number(4), reader.take("-"),
            let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"),
            let minute = reader.number(2), reader.take(":"),
            let second = reader.number(2),
            (1970...9999).contains(year), (1...12).contains(month),
            day >= 1, day <= daysIn(month: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if reader.take(".") {
            guard let digits = reader.fraction(upTo: 9) else { return nil }
            fraction = digits / 1000
        }
        var offset: Int64 = 0
        if !(reader.take("Z") || reader.take("z")) {
            let sign: Int64
            if reader.take("+") {
                sign = 1
            } else if reader.take("-") {
                sign = -1
            } else {
                return nil
            }
            guard let hours = reader.number(2), reader.take(":"), let minutes = reader.number(2),
                hours < 24, minutes < 60
            else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard reader.isAtEnd else { return nil }
        let seconds =
            days(fromYear: year, month: month, day: day) * 86400
            + hour * 3600 + minute * 60 + second - offset
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }
}

/// Reads fixed-width ASCII digits; the counts it is asked for keep every number far below 2⁶³.
private struct DigitReader {
    var bytes: ArraySlice<UInt8>

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard bytes.first == UInt8(ascii: character) else { return false }
        bytes.removeFirst()
        return true
    }

    mutating func number(_ width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let byte = bytes.first, (48...57).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 48)
            bytes.removeFirst()
        }
        return value
    }

    /// One to `limit` digits, as nanoseconds.
    mutating func fraction(upTo limit: Int) -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let byte = bytes.first, (48...57).contains(byte) {
            guard count < limit else { return nil }
            value = value * 10 + Int64(byte - 48)
            count += 1
            bytes.removeFirst()
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { value *= 10 }
        return value
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
func days(fromYear year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted.flooredDivision(by: 400)
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = era.remainder * 365 + era.remainder / 4 - era.remainder / 100 + dayOfYear
    return era.quotient * 146_097 + dayOfEra - 719_468
}

func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let era = (days + 719_468).flooredDivision(by: 146_097)
    let dayOfEra = era.remainder
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era.quotient * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
}

func daysIn(month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    default: 31
    }
}

private func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Int64 {
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
