/// When a schedule ticks: a cron text on the clocks of a zone, from a start to an end.
public struct Timing: Sendable, Hashable {
    /// The text.
    public let cron: Cron
    /// On whose clocks its local times are.
    public let zone: Zone
    /// What becomes of local times that are missing or come twice.
    public let clockChange: ClockChange
    /// Nothing ticks before; `@every` counts from it.
    public let start: Timestamp?
    /// Nothing ticks at or after it.
    public let end: Timestamp?

    /// Throws ``InvalidInput`` when nothing can tick between start and end.
    public init(
        cron: Cron, zone: Zone = .utc, clockChange: ClockChange = .once, start: Timestamp? = nil,
        end: Timestamp? = nil
    ) throws(InvalidInput) {
        self.cron = cron
        self.zone = zone
        self.clockChange = clockChange
        self.start = start
        self.end = end
        if let start, let end, end <= start {
            throw InvalidInput(field: "end", "must be after the start")
        }
        guard end == nil || next(after: Timestamp(microseconds: 0)) != nil else {
            throw InvalidInput(field: "end", "must leave a tick before it: this can never fire")
        }
    }

    /// The first tick after a time; `nil` when there is none. Ticks stand on whole seconds.
    ///
    /// It goes from one stretch without a change of clocks to the next, and within one from month to
    /// month, never from minute to minute; after 400 years, when the calendar repeats, it ends.
    public func next(after time: Timestamp) -> Timestamp? {
        var time = time
        // The start itself may tick.
        if let start, start > time {
            time = Timestamp(microseconds: start.microseconds &- 1)
        }
        let second = time.microseconds.flooredDivision(by: 1_000_000).quotient
        guard second < Self.lastSecond else { return nil }
        let found =
            switch cron.form {
            case .every(let period): next(after: second, every: period)
            case .fields(let fields): next(after: second, fields)
            }
        guard let found, found < Self.lastSecond else { return nil }
        let tick = Timestamp(microseconds: found * 1_000_000)
        return end.map { tick < $0 } ?? true ? tick : nil
    }

    /// The first ticks after a time, in order.
    public func ticks(after time: Timestamp, count: Int) -> [Timestamp] {
        var (ticks, last): ([Timestamp], Timestamp) = ([], time)
        while ticks.count < count, let tick = next(after: last) {
            ticks.append(tick)
            last = tick
        }
        return ticks
    }

    /// The last tick after one time and not after another; `nil` when there is none.
    func last(after first: Timestamp, until last: Timestamp) -> Timestamp? {
        // If there is a tick between some time and the last, so there is after every earlier one.
        func hasTick(_ second: Int64) -> Bool {
            next(after: Timestamp(microseconds: second * 1_000_000)).map { $0 <= last } ?? false
        }
        var low = first.microseconds.flooredDivision(by: 1_000_000).quotient
        var high = last.microseconds.flooredDivision(by: 1_000_000).quotient
        guard low < high, hasTick(low) else { return nil }
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if hasTick(middle) { low = middle } else { high = middle }
        }
        return next(after: Timestamp(microseconds: low * 1_000_000))
    }

    /// 9999-12-31T00:00:00Z, for later times have no text.
    private static let lastSecond: Int64 = 253_402_214_400

    private func next(after second: Int64, every period: Int64) -> Int64? {
        // Ticks stand on whole seconds: the first of them from the start on is counted from.
        let (whole, rest) = (start?.microseconds ?? 0).flooredDivision(by: 1_000_000)
        let first = rest > 0 ? whole + 1 : whole
        return first + ((second - first).flooredDivision(by: period).quotient + 1) * period
    }

    private func next(after second: Int64, _ fields: CronFields) -> Int64? {
        let horizon = second + CronFields.cycle
        var first = second + 1
        while first < horizon {
            let segment = zone.segment(containing: first)
            let end = min(segment.end ?? .max, horizon)
            if let tick = tick(from: first, before: end, in: segment, fields) { return tick }
            first = end
        }
        return nil
    }

    /// The first tick of a stretch without a change of clocks.
    private func tick(
        from first: Int64, before end: Int64, in segment: Zone.Segment, _ fields: CronFields
    ) -> Int64? {
        var local = first + segment.offset
        if !fields.goesByElapsedTime, let start = segment.start {
            // How far the clocks had come when they were changed.
            let shown = start + segment.offsetBefore
            if clockChange != .twice { local = max(local, shown) }
            if clockChange != .skip, first == start,
                fields.firstMatch(from: shown, before: start + segment.offset) != nil
            {
                return start
            }
        }
        return fields.firstMatch(from: local, before: end + segment.offset).map {
            $0 - segment.offset
        }
    }
}

/// What becomes of the local times of a schedule that a change of clocks leaves out or shows twice.
///
/// It matters where hour and minute are fixed. A schedule whose hour or minute starts with a star
/// goes by the time that passes, so that `*/15 * * * *` ticks each quarter of an hour whatever the
/// clocks do.
public enum ClockChange: String, Sendable, Hashable, CaseIterable {
    /// At most once: a missing time does not tick, one that comes twice ticks the first time.
    case skip
    /// Once: a missing time ticks when the clocks have gone forward, however many are missing; one
    /// that comes twice ticks the first time.
    case once
    /// At least once: a missing time ticks as with `once`, one that comes twice ticks both times.
    case twice
}

/// What becomes of ticks that were due for more than a minute while nobody fired them.
public enum MissedTicks: String, Sendable, Hashable, CaseIterable {
    /// They are left out.
    case skip
    /// The last of them is fired, unless a later one is fired anyway.
    case latest
    /// Each is fired.
    case all
}

extension Timing {
    /// How late a tick may be fired without being missed.
    static let lateness: Int64 = 60_000_000

    /// Which ticks to fire, and which comes then.
    struct Due: Sendable, Hashable {
        var ticks: [Timestamp] = []
        var next: Timestamp?
    }

    /// What to fire now of the ticks from `first` on; at most `limit`, and then ``Due/next`` is due too.
    func due(
        from first: Timestamp, now: Timestamp, missed: MissedTicks, limit: Int
    ) -> Due {
        let before = Timestamp(microseconds: first.microseconds &- 1)
        var last = before
        if missed != .all {
            last = max(last, Timestamp(microseconds: now.microseconds &- Self.lateness))
        }
        var due = Due()
        due.next = next(after: last)
        while let tick = due.next, tick <= now, due.ticks.count < limit {
            due.ticks.append(tick)
            due.next = next(after: tick)
        }
        if missed == .latest, due.ticks.isEmpty, let tick = self.last(after: before, until: now) {
            due.ticks = [tick]
        }
        return due
    }
}
