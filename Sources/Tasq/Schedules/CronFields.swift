/// The fields of a cron text as sets, and the local times that match them.
///
/// A set is a mask: bit 5 of ``hours`` stands for five o'clock. A local time is told by the seconds
/// from 1970-01-01T00:00:00 on the same clock.
struct CronFields: Sendable, Hashable {
    var seconds: UInt64 = 1
    var minutes: UInt64 = 0
    var hours: UInt64 = 0
    /// Days of a month, from bit 1.
    var monthDays: UInt64 = 0
    /// Days before the last of a month, from bit 0 for the last itself.
    var monthDaysFromEnd: UInt64 = 0
    /// Days whose nearest working day is meant, from bit 1.
    var nearestWorkingDays: UInt64 = 0
    /// The last working day of a month is meant.
    var hasLastWorkingDay = false
    /// From bit 1 for January.
    var months: UInt64 = 0
    /// From bit 0 for Sunday.
    var weekdays: UInt64 = 0
    /// Days of a week that are meant when they are the last of their month.
    var lastWeekdays: UInt64 = 0
    /// Bit `8 × weekday + n` for the n-th of a month.
    var countedWeekdays: UInt64 = 0
    /// A day must match both fields; either is enough otherwise.
    var needsBothDays = false
    /// Both fields of days leave some out.
    var restrictsBothDays = false
    /// The minute or the hour starts with a star: what counts is the time that passes, so no local
    /// time is missing or comes twice.
    var goesByElapsedTime = false

    /// Seconds after which the calendar repeats, days of the week included: 400 years.
    static let cycle: Int64 = 146_097 * 86_400

    /// Whether any time ever matches.
    var everMatches: Bool { firstMatch(from: 0, before: Self.cycle) != nil }

    /// The first matching local time at or after `start` and before `end`.
    ///
    /// It goes by months, and within a month by the days of a mask, so its cost is that of the months
    /// between: 4800 at most, as long as `end` is no more than a cycle away.
    func firstMatch(from start: Int64, before end: Int64) -> Int64? {
        guard start < end else { return nil }
        let (startDay, startSecond) = start.flooredDivision(by: 86_400)
        var (year, month, day) = civil(fromDays: startDay)
        var second = startSecond
        while true {
            let monthStart = days(fromYear: year, month: month, day: 1)
            guard monthStart * 86_400 < end else { return nil }
            var left = hasBit(month, in: months) ? matchingDays(of: month, year, monthStart) : 0
            left = (left >> UInt64(day)) << UInt64(day)
            while left != 0 {
                let found = Int64(left.trailingZeroBitCount)
                if let time = firstTime(from: found == day ? second : 0) {
                    let match = (monthStart + found - 1) * 86_400 + time
                    return match < end ? match : nil
                }
                left &= left - 1
            }
            (month, day, second) = (month + 1, 1, 0)
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    /// The first matching second of a day at or after one.
    private func firstTime(from second: Int64) -> Int64? {
        let (hour, minute) = (second / 3600, second / 60 % 60)
        guard let firstMinute = nextBit(from: 0, in: minutes),
            let firstSecond = nextBit(from: 0, in: seconds)
        else { return nil }
        if hasBit(hour, in: hours) {
            if hasBit(minute, in: minutes), let found = nextBit(from: second % 60, in: seconds) {
                return hour * 3600 + minute * 60 + found
            }
            if let later = nextBit(from: minute + 1, in: minutes) {
                return hour * 3600 + later * 60 + firstSecond
            }
        }
        return nextBit(from: hour + 1, in: hours).map { later in
            later * 3600 + firstMinute * 60 + firstSecond
        }
    }

    /// The days of a month that match, from bit 1.
    private func matchingDays(of month: Int64, _ year: Int64, _ monthStart: Int64) -> UInt64 {
        let length = daysIn(month: month, of: year)
        // 1970-01-01 was a Thursday.
        let first = (monthStart + 4).flooredDivision(by: 7).remainder
        var (ofMonth, ofWeek): (UInt64, UInt64) = (0, 0)
        for day in 1...length {
            let weekday = (first + day - 1) % 7
            if hasBit(day, in: monthDays) || hasBit(length - day, in: monthDaysFromEnd) {
                ofMonth |= 1 << UInt64(day)
            }
            if hasBit(day, in: nearestWorkingDays) || hasLastWorkingDay && day == length {
                ofMonth |= 1 << UInt64(workingDay(nearest: day, weekday, in: length))
            }
            if hasBit(weekday, in: weekdays)
                || day + 7 > length && hasBit(weekday, in: lastWeekdays)
                || hasBit(weekday * 8 + (day - 1) / 7 + 1, in: countedWeekdays)
            {
                ofWeek |= 1 << UInt64(day)
            }
        }
        return needsBothDays ? ofMonth & ofWeek : ofMonth | ofWeek
    }

    /// Never one of another month.
    private func workingDay(nearest day: Int64, _ weekday: Int64, in length: Int64) -> Int64 {
        switch weekday {
        case 6: day == 1 ? 3 : day - 1
        case 0: day == length ? day - 2 : day + 1
        default: day
        }
    }
}

private func hasBit(_ bit: Int64, in mask: UInt64) -> Bool {
    mask & (1 << UInt64(bit)) != 0
}

/// The first bit at or after one, up to 63.
private func nextBit(from bit: Int64, in mask: UInt64) -> Int64? {
    let left = (mask >> UInt64(bit)) << UInt64(bit)
    return left == 0 ? nil : Int64(left.trailingZeroBitCount)
}
