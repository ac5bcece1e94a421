import Logging

/// Fires the ticks of schedules when they are due: puts in a job for each.
///
/// The holder of the maintenance term does it. Several at once do no harm: a schedule is moved on by
/// whoever is first, and a tick has one row.
struct Scheduler: Sendable {
    /// Schedules of one look.
    static let scheduleLimit = 50
    /// Ticks fired in one statement.
    static let tickLimit = 100
    /// When a schedule that cannot tick is looked at again: its zone may have been installed, or
    /// another host that has it may hold the term.
    static let retryPause = Duration.seconds(300)

    let store: any ScheduleStore
    let doorbell: Doorbell
    let meters: Meters
    let logger: Logger
    /// Set to the next tick.
    let alarm: Alarm
    /// Whether it is this process that fires.
    let isWanted: @Sendable () -> Bool

    /// Fires until cancelled.
    func run() async {
        var outage = Backoff(from: .milliseconds(200), to: .seconds(5))
        while !Task.isCancelled {
            await alarm.wait()
            guard !Task.isCancelled else { return }
            // Whoever holds the term next reads when the next tick is.
            guard isWanted() else { continue }
            do {
                try await fire()
                outage.reset()
            } catch {
                if outage.attempts == 0 {
                    store.tell(logger, "cannot fire the ticks that are due", error)
                }
                alarm.set(after: outage.next())
            }
        }
    }

    /// Fires what is due now and sets the alarm to what comes next.
    private func fire() async throws(StoreError) {
        while !Task.isCancelled {
            let due = try await store.dueSchedules(upTo: Self.scheduleLimit)
            guard !due.records.isEmpty else {
                Self.set(alarm, after: due.nextTick)
                return
            }
            // So that one with many missed ticks does not hold up the others.
            let share = max(1, Self.tickLimit / due.records.count)
            let firings = due.records.map { Firing(of: $0, now: due.asOf, limit: share) }
            for firing in firings { tell(of: firing) }
            try await write(firings, now: due.asOf)
        }
    }

    /// Once for each reason why a schedule does not tick.
    private func tell(of firing: Firing) {
        guard let problem = firing.problem, problem != firing.schedule.problem else { return }
        logger.error(
            "a schedule does not tick",
            metadata: ["schedule": "\(firing.schedule.entry.name)", "problem": "\(problem)"])
    }

    /// Sets the alarm to a tick that comes before the holder of the term looks again: until a later one
    /// nothing has to wake.
    static func set(_ alarm: Alarm, after next: Duration?) {
        if let next, next < Maintenance.longestTerm { alarm.set(after: next) }
    }

    /// Together if that can be; a schedule whose jobs PostgreSQL refuses does not hold up the others.
    private func write(_ firings: [Firing], now: Timestamp) async throws(StoreError) {
        do throws(StoreError) {
            announce(try await store.fire(firings, isByHand: false))
            return
        } catch {
            guard case .rejected(_, let reason) = error else { throw error }
            guard firings.count == 1, let firing = firings.first else {
                for firing in firings { try await write([firing], now: now) }
                return
            }
            guard firing.problem == nil else { throw error }
            let stop = Firing(stopping: firing.schedule, now: now, problem: reason)
            tell(of: stop)
            try await write([stop], now: now)
        }
    }

    private func announce(_ fired: [Fired]) {
        meters.stored(fired.count, on: fired.map(\.announcement.queue))
        doorbell.ring(fired.filter(\.isQueued).map(\.announcement))
    }
}

extension Firing {
    /// What is to be done with a schedule now.
    init(of record: ScheduleRecord, now: Timestamp, limit: Int) {
        self.init(schedule: record, ticks: [], next: nil)
        do throws(InvalidInput) {
            let entry = record.entry
            let timing = try entry.timing()
            guard record.isPlanned, let first = record.nextAt else {
                next = timing.next(after: record.nextAt ?? now)
                return
            }
            let due = timing.due(from: first, now: now, missed: entry.missed, limit: limit)
            for tick in due.ticks { ticks.append((tick: tick, job: try entry.job(at: tick))) }
            next = due.next
        } catch {
            self = Firing(stopping: record, now: now, problem: error.description)
        }
    }

    /// It does not tick, for a reason that may have gone when it is looked at again: then it goes on
    /// with the first tick since.
    fileprivate init(stopping record: ScheduleRecord, now: Timestamp, problem: String) {
        let pause = Scheduler.retryPause.inMicroseconds
        self.init(
            schedule: record, ticks: [], next: Timestamp(microseconds: now.microseconds &+ pause),
            problem: problem)
    }
}
