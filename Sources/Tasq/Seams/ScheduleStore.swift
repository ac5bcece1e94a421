/// Where schedules stand, and how their ticks are fired.
public protocol ScheduleStore: StoreHealth {
    /// Every schedule by name, or the one of a name; at most 10 000.
    func schedules(named name: Name?) async throws(StoreError) -> [ScheduleRecord]

    /// Puts schedules in, or others in their place, in one transaction. One that stands so already is
    /// left alone. With `isConfiguration`, those of a configuration that are not named are taken away.
    func put(
        _ schedules: [ScheduleEntry], isConfiguration: Bool
    ) async throws(StoreError)

    /// Pauses a schedule or resumes it, from the first tick after now; `false` when there is none.
    func setPaused(_ isPaused: Bool, schedule name: Name) async throws(StoreError) -> Bool

    /// Takes a schedule away; `false` when there was none.
    func delete(schedule name: Name) async throws(StoreError) -> Bool

    /// Up to `limit` schedules whose next tick has come or is not known yet.
    func dueSchedules(upTo limit: Int) async throws(StoreError) -> DueSchedules

    /// Stores the jobs of ticks, and what comes next, in one transaction; returns those that are
    /// stored. A schedule that was changed or fired since it was read is passed over whole, and so is
    /// a tick that was fired before: however many do this, a tick has one job.
    func fire(_ firings: [Firing], isByHand: Bool) async throws(StoreError) -> [Fired]
}

/// Schedules that have something to do.
public struct DueSchedules: Sendable {
    /// They, the longest due first.
    public var records: [ScheduleRecord]
    /// The time by PostgreSQL's clock.
    public var asOf: Timestamp
    /// Time until the next tick of the others; `nil` when there is none.
    public var nextTick: Duration?

    /// Makes an answer to ``ScheduleStore/dueSchedules(upTo:)``.
    public init(records: [ScheduleRecord], asOf: Timestamp, nextTick: Duration?) {
        self.records = records
        self.asOf = asOf
        self.nextTick = nextTick
    }
}

/// Ticks of a schedule that are to be fired, and what comes then.
public struct Firing: Sendable {
    /// The schedule as it was read.
    public var schedule: ScheduleRecord
    /// What is fired, each with its job.
    public var ticks: [(tick: Timestamp, job: NewJob)]
    /// The tick after those; `nil` when none comes.
    public var next: Timestamp?
    /// Why it cannot tick.
    public var problem: String?

    /// Makes what ``ScheduleStore/fire(_:isByHand:)`` takes.
    public init(
        schedule: ScheduleRecord, ticks: [(tick: Timestamp, job: NewJob)], next: Timestamp?,
        problem: String? = nil
    ) {
        self.schedule = schedule
        self.ticks = ticks
        self.next = next
        self.problem = problem
    }
}

/// The job of a tick as it was stored.
public struct Fired: Sendable, Hashable {
    /// The job and the list it belongs on.
    public var announcement: Announcement
    /// Whether it is queued now, and not scheduled for later.
    public var isQueued: Bool

    /// Makes an answer to ``ScheduleStore/fire(_:isByHand:)``.
    public init(announcement: Announcement, isQueued: Bool) {
        self.announcement = announcement
        self.isQueued = isQueued
    }
}
