/// What a deployment had done by a certain time; charts are the differences between two.
public struct Tally: Sendable, Hashable {
    /// When it was counted, by PostgreSQL's clock.
    public var at: Timestamp
    /// What had been done.
    public var totals: Glance.Totals
    /// Jobs scheduled, queued and executing; of a long backlog, those that were counted.
    public var unfinished: Int
    /// The median of how long jobs claimed within the minute before had been due; `nil` without any.
    public var medianWait: Duration?
    /// The 99th percentile of the same.
    public var slowWait: Duration?

    /// Makes a tally of its parts.
    public init(
        at: Timestamp, totals: Glance.Totals, unfinished: Int, medianWait: Duration?,
        slowWait: Duration?
    ) {
        self.at = at
        self.totals = totals
        self.unfinished = unfinished
        self.medianWait = medianWait
        self.slowWait = slowWait
    }

    /// What a look shows.
    public init(_ glance: Glance) {
        self.init(
            at: glance.asOf, totals: glance.totals,
            unfinished: glance.queues.reduce(0) { $0 + $1.scheduled + $1.queued + $1.executing },
            medianWait: glance.medianWait, slowWait: glance.slowWait)
    }
}
