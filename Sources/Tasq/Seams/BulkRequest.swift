/// An action on all jobs that match a filter.
public struct BulkRequest: Sendable, Hashable {
    /// What to do.
    public let action: JobAction
    /// With which jobs.
    public let filter: JobFilter

    /// Makes a request that says what it touches: an empty filter takes `everything`.
    ///
    /// - Throws: ``InvalidInput`` for an empty filter without `everything`, a filter with it, a
    ///   status the action does not take, a filter for lists, or a key that no job can have.
    public init(
        _ action: JobAction, _ filter: JobFilter, everything: Bool = false
    ) throws(InvalidInput) {
        guard filter != JobFilter() || everything else {
            throw InvalidInput(field: "filter", "must not be empty: say all for every job")
        }
        guard filter == JobFilter() || !everything else {
            throw InvalidInput(field: "all", "must not be given together with a filter")
        }
        if let status = filter.status, !action.statuses.contains(status) {
            throw InvalidInput(
                field: "status",
                "must be one of \(action.statuses.map(\.rawValue).joined(separator: ", ")) "
                    + "to \(action.rawValue)")
        }
        guard !filter.isRetrying else {
            throw InvalidInput(field: "retrying", "is for lists")
        }
        guard filter.runningLongerThan == nil else {
            throw InvalidInput(field: "running_longer_than", "is for lists")
        }
        guard filter.reason == nil else { throw InvalidInput(field: "reason", "is for lists") }
        if let key = filter.key, !(1...JobLimits.keyBytes).contains(key.utf8.count) {
            throw InvalidInput(field: "key", "must be 1 to \(JobLimits.keyBytes) bytes")
        }
        self.action = action
        self.filter = filter
    }

    /// As it was checked when it was entered.
    package init(trusted action: JobAction, _ filter: JobFilter) {
        self.action = action
        self.filter = filter
    }

    /// The statuses it touches. A retry that names none means what failed, not what was called off
    /// or waits for its time.
    public var statuses: [JobStatus] {
        if let status = filter.status { return [status] }
        return action == .retry ? [.error] : action.statuses
    }
}

/// A stretch of the walk over all jobs, in the order of their ids.
public struct MatchPage: Sendable, Hashable {
    /// Those that match.
    public var ids: [JobID]
    /// The last job that was looked at; `nil` when there was none left.
    public var last: JobID?
    /// How many were looked at.
    public var examined: Int
    /// Only jobs enqueued before are matched: the filter's own bound, or the time of the walk's
    /// first page by PostgreSQL's clock. Ask for the next page with it.
    public var until: Timestamp
    /// About how many there are to look at in all.
    public var estimate: Int

    /// Makes an answer to ``OperateStore/matching(_:after:until:limit:)``.
    public init(
        ids: [JobID], last: JobID?, examined: Int, until: Timestamp, estimate: Int
    ) {
        self.ids = ids
        self.last = last
        self.examined = examined
        self.until = until
        self.estimate = estimate
    }
}

/// How far a bulk action has come.
public struct BulkCounts: Sendable, Hashable {
    /// Jobs looked at.
    public var examined = 0
    /// Jobs that matched.
    public var matched = 0
    /// Jobs the action was done with; none in a dry run.
    public var changed = 0
    /// Jobs that matched and were passed over: another status by the time, a unique key that is
    /// taken, a row somebody holds.
    public var passedOver = 0

    /// Nothing yet.
    public init() {}

    /// Makes counts.
    public init(examined: Int, matched: Int, changed: Int, passedOver: Int) {
        self.examined = examined
        self.matched = matched
        self.changed = changed
        self.passedOver = passedOver
    }
}
