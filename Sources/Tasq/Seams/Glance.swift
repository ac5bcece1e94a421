/// The state of a deployment as one look shows it, at a cost that no backlog and no history raises.
public struct Glance: Sendable, Hashable {
    /// Queued jobs counted at most, all queues together; those with more than twenty share it.
    public static let countLimit = 50_000
    /// Scheduled jobs counted at most.
    public static let scheduledLimit = 10_000
    /// Queues shown at most.
    public static let queueLimit = 1000

    /// When it was looked at, by PostgreSQL's clock.
    public var asOf: Timestamp
    /// The queues by name.
    public var queues: [QueueRecord]
    /// The registered workers.
    public var workers: [WorkerStanding]
    /// What has been done so far; of use for differences between two looks only.
    public var totals: Totals
    /// The median of how long jobs claimed within the last minute had been due; `nil` without any.
    public var medianWait: Duration?
    /// The 99th percentile of the same.
    public var slowWait: Duration?

    /// Sums that grow while jobs move. They may begin anew, and lag behind by some seconds.
    public struct Totals: Sendable, Hashable {
        /// Jobs stored.
        public var enqueued: Int
        /// Claims made.
        public var started: Int
        /// Claims that ended.
        public var ended: Int
        /// Those of them that ended in anything but success or a snooze.
        public var failed: Int

        /// Makes sums of their counts.
        public init(enqueued: Int, started: Int, ended: Int, failed: Int) {
            self.enqueued = enqueued
            self.started = started
            self.ended = ended
            self.failed = failed
        }
    }

    /// Makes a look of its parts.
    public init(
        asOf: Timestamp, queues: [QueueRecord], workers: [WorkerStanding], totals: Totals,
        medianWait: Duration?, slowWait: Duration?
    ) {
        self.asOf = asOf
        self.queues = queues
        self.workers = workers
        self.totals = totals
        self.medianWait = medianWait
        self.slowWait = slowWait
    }
}
