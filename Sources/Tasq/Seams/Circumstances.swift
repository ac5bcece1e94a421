/// A job and everything that decides whether it runs, of one moment.
public struct Circumstances: Sendable, Hashable {
    /// The worker that holds a claim.
    public struct Holder: Sendable, Hashable {
        /// Its machine.
        public var host: String
        /// Its process on that machine.
        public var processID: Int
        /// When its latest heartbeat was written.
        public var seenAt: Timestamp
        /// Whether that is less than a lease ago.
        public var isLive: Bool

        /// Makes a holder of its columns.
        public init(host: String, processID: Int, seenAt: Timestamp, isLive: Bool) {
            self.host = host
            self.processID = processID
            self.seenAt = seenAt
            self.isLive = isLive
        }
    }

    /// The job; its reason is that of the latest recorded attempt.
    public var job: JobRecord
    /// The moment, by PostgreSQL's clock.
    public var asOf: Timestamp
    /// Whether its queue is paused.
    public var isPaused: Bool
    /// Workers whose lease has not run out.
    public var liveWorkers: Int
    /// Those of them that serve its queue and have a handler for its kind.
    public var servingWorkers: Int
    /// Those that serve its queue and have none.
    public var unableWorkers: Int
    /// Their slots.
    public var servingSlots: Int
    /// How many of their slots are taken.
    public var servingExecuting: Int
    /// How the latest recorded attempt ended, as ``AttemptRecord/outcome``.
    public var lastOutcome: AttemptOutcome?
    /// Jobs of its queue that come before it, counted up to 1000.
    public var ahead: Int
    /// The worker that holds it; `nil` too when that worker has no row any more.
    public var holder: Holder?
    /// Since when what it depends on has put it off.
    public var putOffSince: Timestamp?
    /// What that said the last time, unless something else has come of the job since.
    public var putOffReason: String?
    /// The source of the webhook that made it; `nil`: none did.
    public var source: Name?
    /// The provider's own id of that event; `nil` for none.
    public var providerID: String?
    /// The schedule that put it in, and the tick that it stands for; told for a week.
    public var tick: Tick?
    /// The limit of its queue, which keeps others out; `nil` where it has none.
    public var limit: LimitStanding?

    /// A tick of a schedule.
    public struct Tick: Sendable, Hashable {
        /// The schedule.
        public var schedule: Name
        /// The time of the tick.
        public var time: Timestamp

        /// Makes a tick of its columns.
        public init(schedule: Name, time: Timestamp) {
            self.schedule = schedule
            self.time = time
        }
    }

    /// Makes circumstances of their columns.
    public init(
        job: JobRecord, asOf: Timestamp, isPaused: Bool, liveWorkers: Int, servingWorkers: Int,
        unableWorkers: Int,
        servingSlots: Int, servingExecuting: Int, lastOutcome: AttemptOutcome?, ahead: Int,
        holder: Holder?, putOffSince: Timestamp? = nil, putOffReason: String? = nil,
        source: Name? = nil, providerID: String? = nil,
        tick: Tick? = nil, limit: LimitStanding? = nil
    ) {
        self.limit = limit
        self.job = job
        self.asOf = asOf
        self.isPaused = isPaused
        self.liveWorkers = liveWorkers
        self.servingWorkers = servingWorkers
        self.unableWorkers = unableWorkers
        self.servingSlots = servingSlots
        self.servingExecuting = servingExecuting
        self.lastOutcome = lastOutcome
        self.ahead = ahead
        self.holder = holder
        self.putOffSince = putOffSince
        self.putOffReason = putOffReason
        self.source = source
        self.providerID = providerID
        self.tick = tick
    }
}
