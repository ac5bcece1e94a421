/// Where a ``ClaimLoop`` looks for jobs, and how often.
struct ClaimPlan: Sendable {
    /// Ids or jobs of one claim.
    static let claimLimit = 500
    /// A claim of at least so many ids goes on beside the next take; fewer are soon done.
    static let flightLeast = 4
    /// Claims under way at once.
    static let flightLimit = 2
    /// Between the starts of two claims when the first one's jobs came together but left none on
    /// the list: they come faster than a statement for each few of them is worth. A job that comes
    /// alone is claimed at once.
    static let pace = Duration.milliseconds(2)
    /// Half of the slots are claimed at once, where that is a batch worth its statement: while one
    /// half is claimed the other one starts.
    static let batchLeast = 200
    /// The share of the slots that are kept for what a long sweep finds beside a list that gives
    /// work, or beside it for the list once that is empty.
    static let sweepShare = 8
    /// The longest pause between two looks of an idle worker at the table, in poll intervals.
    static let idlePolls = 5
    /// How often a worker that goes by Redis alone looks at the table all the same, in poll intervals:
    /// ids get lost with a worker, off a list that was too long, or among workers that know other kinds.
    static let netPolls = 30

    /// `nil` where others sweep, and look after suspects and claims.
    let findWork: FindWork?
    let queues: [Name]
    let slots: Int
    let pollInterval: Duration
    let sweepEvery: Int
    /// The pauses while nothing gives work.
    let pauses: Backoff

    /// A worker's; without a doorbell there is nothing to wait for but the table.
    init(_ settings: WorkerSettings, rings: Bool) {
        findWork = rings ? settings.findWork : .poll
        queues = settings.queues.map(\.name)
        slots = settings.concurrency
        pollInterval = settings.pollInterval
        sweepEvery = settings.sweepEvery
        pauses = Backoff(from: .milliseconds(20), to: settings.pollInterval)
    }

    /// Takes that last so long, and claims of what they bring.
    init(takesLasting wait: Duration) {
        findWork = nil
        queues = []
        slots = 2 * Self.claimLimit
        pollInterval = wait
        sweepEvery = 1
        pauses = Backoff(from: .milliseconds(100), to: .seconds(2))
    }

    /// It sweeps beside the list.
    var sweeps: Bool { findWork == .pushAndSweep }
    /// No sweep tells of suspects, nor the store whose turn it is.
    var isPush: Bool { findWork == .push }
}
