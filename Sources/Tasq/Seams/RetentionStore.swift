/// What finds and forgets finished jobs that have been kept long enough.
public protocol RetentionStore: StoreHealth {
    /// A stretch of the walk over all jobs: looks at up to `limit` after `cursor`, in the order of their
    /// ids, and tells which have been finished for longer than they are kept, by PostgreSQL's clock.
    func expired(
        by retention: Retention, after cursor: JobID?, limit: Int
    ) async throws(StoreError) -> ExpiredPage

    /// Deletes these jobs, with their attempts and the bodies that no other job uses, and answers with
    /// those that it deleted.
    ///
    /// One that does not stand any more as it was seen, since somebody retried it, is left alone, and so
    /// is one whose row somebody has locked: nothing is waited for. After ``StoreError/unknown(_:)`` the
    /// same call may find nothing left to delete.
    func prune(_ jobs: [ExpiredJob]) async throws(StoreError) -> [ExpiredJob]
}

/// A finished job that has been kept long enough, as it was seen.
public struct ExpiredJob: Sendable, Hashable {
    /// The job.
    public let id: JobID
    /// The queue it was on.
    public let queue: Name
    /// How it ended.
    public let status: JobStatus
    /// When it ended.
    public let finishedAt: Timestamp

    /// Makes one of an ``ExpiredPage``.
    public init(id: JobID, queue: Name, status: JobStatus, finishedAt: Timestamp) {
        self.id = id
        self.queue = queue
        self.status = status
        self.finishedAt = finishedAt
    }
}

/// A stretch of the walk over all jobs in the order of their ids.
public struct ExpiredPage: Sendable, Hashable {
    /// Those that have been kept long enough, in no order.
    public var jobs: [ExpiredJob]
    /// The last one that was looked at; `nil` when there was none left.
    public var last: JobID?
    /// How many were looked at.
    public var examined: Int
    /// About how many jobs there are in all.
    public var estimate: Int
    /// When this was so, by PostgreSQL's clock.
    public var asOf: Timestamp

    /// Makes an answer to ``RetentionStore/expired(by:after:limit:)``.
    public init(
        jobs: [ExpiredJob] = [], last: JobID? = nil, examined: Int = 0, estimate: Int = 0,
        asOf: Timestamp
    ) {
        self.jobs = jobs
        self.last = last
        self.examined = examined
        self.estimate = estimate
        self.asOf = asOf
    }
}
