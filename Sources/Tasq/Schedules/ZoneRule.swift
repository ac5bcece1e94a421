/// What holds after the last change of a zone file: an offset, or two with the days of a year on which
/// they begin, as POSIX writes them: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Sendable, Hashable {
    fileprivate struct Daylight: Sendable, Hashable {
        let offset: Int64
        let start: Day
        let end: Day
    }

    /// A day of each year, and a second of that day on the clock that is about to be changed.
    fileprivate struct Day: Sendable, Hashable {
        enum Form: Sendable, Hashable {
            /// The n-th weekday of a month; the fifth is the last.
            case weekday(Int64, count: Int64, month: Int64)
            /// Counted from 1, 29 February never counted.
            case counted(Int64)
            /// Counted from 0, 29 February counted.
            case numbered(Int64)
        }

        let form: Form
        let second: Int64
    }

    private let standard: Int64
    private let daylight: Daylight?

    /// The changes by the rule from the year before a second to the year after it; one, far before,
    /// where clocks are not changed.
    func changes(around second: Int64) -> [ZoneChange] {
        let day = (second + standard).flooredDivision(by: 86_400).quotient
        let year = civil(fromDays: day).year
        guard let daylight else {
            return [
                ZoneChange(
                    time: days(fromYear: year - 1, month: 1, day: 1) * 86_400, offset: standard)
            ]
        }
        var changes: [ZoneChange] = []
        for year in (year - 1)...(year + 1) {
            changes += [
                ZoneChange(
                    time: daylight.end.time(in: year) - daylight.offset, offset: standard),
                ZoneChange(
                    time: daylight.start.time(in: year) - standard, offset: daylight.offset),
            ]
        }
        // Where one ends and the next starts at one time, clocks are never changed back.
        return changes.sorted { left, right in
            left.time == right.time ? left.offset == standard : left.time < right.time
        }
    }
}

extension ZoneRule.Day {
    /// Seconds from 1970-01-01T00:00:00 on the clock that is about to be changed.
    fileprivate func time(in year: Int64) -> Int64 {
        day(in: year) * 86_400 + second
    }

    private func day(in year: Int64) -> Int64 {
        let newYear = days(fromYear: year, month: 1, day: 1)
        switch form {
        case .numbered(let number): return newYear + number
        case .counted(let number):
            let isLeap = daysIn(month: 2, of: year) == 29
            return newYear + number - (isLeap && number >= 60 ? 0 : 1)
        case .weekday(let weekday, let count, let month):
            let start = days(fromYear: year, month: month, day: 1)
            // 1970-01-01 was a Thursday.
            let first = (start + 4).flooredDivision(by: 7).remainder
            var day = (weekday - first + 7) % 7 + (count - 1) * 7
            while day >= daysIn(month: month, of: year) { day -= 7 }
            return start + day
        }
    }
}

extension ZoneRule {
    /// Reads the last line of a zone file; `nil` when it is none.
    init?(_ text: String) {
        var reader = RuleReader(text: text.utf8[...])
        guard reader.name(), let west = reader.time() else { return nil }
        standard = -west
        guard !reader.text.isEmpty else {
            daylight = nil
            return
        }
        guard reader.name() else { return nil }
        var offset = standard + 3600
        if reader.text.first != UInt8(ascii: ",") {
            guard let west = reader.time() else { return nil }
            offset = -west
        }
        guard let start = reader.day(), let end = reader.day(), reader.text.isEmpty else {
            return nil
        }
        daylight = Daylight(offset: offset, start: start, end: end)
    }

    private struct RuleReader {
        var text: Substring.UTF8View

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard text.first == UInt8(ascii: character) else { return false }
            text.removeFirst()
            return true
        }

        /// Letters, or anything between angle brackets.
        mutating func name() -> Bool {
            if take("<") {
                text = text.drop { $0 != UInt8(ascii: ">") }
                return take(">")
            }
            let rest = text.drop {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0 & 0xdf) && $0 > 64
            }
            defer { text = rest }
            return rest.startIndex != text.startIndex
        }

        mutating func number(upTo limit: Int64) -> Int64? {
            var value: Int64?
            while let byte = text.first, (48...57).contains(byte) {
                let next = (value ?? 0) * 10 + Int64(byte - 48)
                guard next <= limit else { return nil }
                value = next
                text.removeFirst()
            }
            return value
        }

        /// Hours, and minutes and seconds behind colons, in seconds; up to a week either way.
        mutating func time() -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number(upTo: 167) else { return nil }
            var seconds = hours * 3600
            for unit: Int64 in [60, 1] where take(":") {
                guard let number = number(upTo: 59) else { return nil }
                seconds += number * unit
            }
            return isNegative ? -seconds : seconds
        }

        /// A comma, a day, and the time behind a slash; two o'clock without one.
        mutating func day() -> Day? {
            guard take(",") else { return nil }
            let form: Day.Form
            if take("M") {
                guard let month = number(upTo: 12), month > 0, take("."),
                    let count = number(upTo: 5), count > 0, take("."),
                    let weekday = number(upTo: 6)
                else { return nil }
                form = .weekday(weekday, count: count, month: month)
            } else if take("J") {
                guard let number = number(upTo: 365), number > 0 else { return nil }
                form = .counted(number)
            } else {
                guard let number = number(upTo: 365) else { return nil }
                form = .numbered(number)
            }
            guard take("/") else { return Day(form: form, second: 7200) }
            guard let second = time() else { return nil }
            return Day(form: form, second: second)
        }
    }
}
