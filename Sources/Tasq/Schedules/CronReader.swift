/// Reads the fields of a cron text; every refusal names the part and its rule, never the value.
struct CronReader {
    /// What refusals begin with.
    let field: String

    /// What one field may hold.
    private struct Part {
        let name: String
        let values: ClosedRange<Int>
        var names: [String] = []

        static let second = Part(name: "second", values: 0...59)
        static let minute = Part(name: "minute", values: 0...59)
        static let hour = Part(name: "hour", values: 0...23)
        static let monthDay = Part(name: "day of month", values: 1...31)
        static let month = Part(
            name: "month", values: 1...12,
            names: [
                "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
            ])
        /// Both 0 and 7 are Sunday.
        static let weekday = Part(
            name: "day of week", values: 0...7,
            names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])
    }

    /// Reads five or six words in upper case.
    func fields(_ words: [String]) throws(InvalidInput) -> CronFields {
        try checkCount(words)
        let word = words.count == 5 ? ["0"] + words : words
        var fields = CronFields()
        fields.seconds = try mask(word[0], .second)
        fields.minutes = try mask(word[1], .minute)
        fields.hours = try mask(word[2], .hour)
        fields.months = try mask(word[4], .month)
        let (monthDay, weekday) = (word[3], word[5])
        guard monthDay != "?" || weekday != "?" else {
            throw refusal("must not have ? both as its day of month and as its day of week")
        }
        try readMonthDays(monthDay == "?" ? "*" : monthDay, into: &fields)
        try readWeekdays(weekday == "?" ? "*" : weekday, into: &fields)
        let stars = [monthDay, weekday].map { $0.hasPrefix("*") || $0 == "?" }
        fields.needsBothDays = stars.contains(true)
        fields.restrictsBothDays = ![monthDay, weekday].contains { $0 == "*" || $0 == "?" }
        fields.goesByElapsedTime = word[1].hasPrefix("*") || word[2].hasPrefix("*")
        return fields
    }

    private func checkCount(_ words: [String]) throws(InvalidInput) {
        if words.contains(where: { $0.hasPrefix("TZ=") || $0.hasPrefix("CRON_TZ=") }) {
            throw refusal("must not name a zone: that is what the zone of the schedule is for")
        }
        guard words.count != 7 else {
            throw refusal("must not have a year: give the schedule a start and an end")
        }
        guard words.count == 5 || words.count == 6 else {
            throw refusal(
                "must have five fields (minute, hour, day of month, month, day of week), or six "
                    + "with the second first")
        }
    }

    private func readMonthDays(
        _ word: String, into fields: inout CronFields
    ) throws(InvalidInput) {
        for item in items(of: word) {
            if item == "L" {
                fields.monthDaysFromEnd |= 1
            } else if item == "LW" {
                fields.hasLastWorkingDay = true
            } else if item.hasPrefix("L-") {
                guard let days = digits(item.dropFirst(2)), (1...30).contains(days) else {
                    throw refusal("must have 1 to 30 days after L- as its day of month")
                }
                fields.monthDaysFromEnd |= 1 << UInt64(days)
            } else if item.hasPrefix("L") || item.hasSuffix("L") {
                throw refusal(
                    "must not have L and a number as its day of month: L is the last day, L-3 the "
                        + "third before it")
            } else if item.hasSuffix("W") {
                guard let day = digits(item.dropLast()), (1...31).contains(day) else {
                    throw refusal("must have a day from 1 to 31, or L, before W")
                }
                fields.nearestWorkingDays |= 1 << UInt64(day)
            } else {
                fields.monthDays |= try mask(item, .monthDay)
            }
        }
    }

    private func readWeekdays(
        _ word: String, into fields: inout CronFields
    ) throws(InvalidInput) {
        for item in items(of: word) {
            if let mark = item.firstIndex(of: "#") {
                let weekday = try number(item[..<mark], .weekday) % 7
                guard let count = digits(item[item.index(after: mark)...]), (1...5).contains(count)
                else {
                    throw refusal("must have 1 to 5 after # as its day of week")
                }
                fields.countedWeekdays |= 1 << UInt64(weekday * 8 + count)
            } else if item.hasSuffix("L"), let weekday = weekday(named: item.dropLast()) {
                fields.lastWeekdays |= 1 << UInt64(weekday)
            } else if item.hasPrefix("L") || item.hasSuffix("L") {
                throw refusal(
                    "must not have L as its day of week but after a name: L, L5 and 5L are other "
                        + "days elsewhere; write SAT, or FRIL for the last Friday of a month")
            } else {
                let mask = try mask(item, .weekday)
                fields.weekdays |= (mask | mask >> 7) & 0x7f
            }
        }
    }

    private func weekday(named name: Substring) -> Int? {
        Part.weekday.names.firstIndex { $0 == name }
    }

    private func items(of word: String) -> [Substring] {
        word.split(separator: ",", omittingEmptySubsequences: false)
    }

    /// A list of values, ranges and steps.
    private func mask(_ word: some StringProtocol, _ part: Part) throws(InvalidInput) -> UInt64 {
        var mask: UInt64 = 0
        for item in items(of: String(word)) {
            let halves = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            var step = 1
            if halves.count == 2 {
                step = digits(halves[1]) ?? 0
                let longest = part.values.upperBound - part.values.lowerBound
                guard (1...longest).contains(step) else {
                    throw refusal("must have a step from 1 to \(longest) in its \(part.name)")
                }
            }
            let range = try range(halves[0], part, isStepped: halves.count == 2)
            for value in stride(from: range.lowerBound, through: range.upperBound, by: step) {
                mask |= 1 << UInt64(value)
            }
        }
        return mask
    }

    /// `*`, a value, or two values; a value with a step after it goes on to the last one.
    private func range(
        _ text: Substring, _ part: Part, isStepped: Bool
    ) throws(InvalidInput) -> ClosedRange<Int> {
        if text == "*" { return part.values }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let first = try number(ends[0], part)
        guard ends.count == 2 else { return first...(isStepped ? part.values.upperBound : first) }
        // Sunday ends a week as well as it begins one.
        let last = part.values == 0...7 && ends[1] == "SUN" ? 7 : try number(ends[1], part)
        guard first <= last else {
            throw refusal(
                "must not have a range that runs backwards in its \(part.name): write two ranges")
        }
        return first...last
    }

    private func number(_ text: Substring, _ part: Part) throws(InvalidInput) -> Int {
        if let index = part.names.firstIndex(where: { $0 == text }) {
            return index + part.values.lowerBound
        }
        guard let value = digits(text), part.values.contains(value) else {
            let names = part.names.isEmpty ? "" : " or \(part.names[0])-\(part.names.last ?? "")"
            throw refusal(
                "must have \(part.values.lowerBound)-\(part.values.upperBound)\(names), lists, "
                    + "ranges and steps of them as its \(part.name)")
        }
        return value
    }

    /// One or two digits.
    private func digits(_ text: Substring) -> Int? {
        guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int(text)
    }

    private func refusal(_ rule: String) -> InvalidInput { InvalidInput(field: field, rule) }
}
