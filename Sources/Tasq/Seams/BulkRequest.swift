/// An action on all jobs that match a filter.
public struct BulkRequest: Sendable, Hashable {
    /// What to do.
    public let action: JobAction
    /// With which jobs.
    public let filter: JobFilter

    /// Makes a request that says what it touches: an empty filter takes `everything`.
    ///
    /// - Throws: ``InvalidInput`` for an empty filter without `everything`, a filter with it, a
    ///   status the action does not take, a time to run, which is for lists, or a key or a text in
    ///   the reason that no job can have.
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
        try filter.checkRetrying("retrying")
        guard filter.runningLongerThan == nil else {
            throw InvalidInput(field: "running_longer_than", "is for lists")
        }
        if let reason = filter.reason { _ = try JobFilter.reason(reason, field: "reason") }
        if let key = filter.key,
            !(1...JobLimits.keyBytes).contains(key.utf8.count) || key.utf8.contains(0)
        {
            throw InvalidInput(field: "key", "must be 1 to \(JobLimits.keyBytes) bytes without NUL")
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
    /// or waits for its time; what succeeded has no reason any more.
    public var statuses: [JobStatus] {
        if let status = filter.status { return [status] }
        if filter.isRetrying { return [.scheduled] }
        if action == .retry { return [.error] }
        return action.statuses.filter { filter.reason == nil || $0 != .success }
    }
}

/// A stretch of the walk over all jobs, or all stored events, in the order of their ids.
public struct MatchPage<Noun>: Sendable, Hashable {
    /// Those that match.
    public var ids: [Identifier<Noun>]
    /// The last one that was looked at; `nil` when there was none left.
    public var last: Identifier<Noun>?
    /// How many were looked at.
    public var examined: Int
    /// Only what was stored before is matched: the filter's own bound, or the time of the walk's
    /// first page by PostgreSQL's clock. Ask for the next page with it.
    public var until: Timestamp
    /// About how many there are to look at in all; 0 where nobody knows.
    public var estimate: Int

    /// Makes an answer to ``BulkStore/matching(_:after:until:limit:)`` and to that for events.
    public init(
        ids: [Identifier<Noun>], last: Identifier<Noun>?, examined: Int, until: Timestamp,
        estimate: Int
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
    /// Jobs, or events, looked at.
    public var examined = 0
    /// Those of them that matched.
    public var matched = 0
    /// Those the action was done with; none in a dry run.
    public var changed = 0
    /// Those that matched and were passed over. Of jobs: another status by the time, a unique key
    /// that is taken, a row somebody holds. Of events: no job left to copy, a unique key that is taken.
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
