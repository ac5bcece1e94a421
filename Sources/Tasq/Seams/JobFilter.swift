/// Which jobs a list shows; `nil` means any.
public struct JobFilter: Sendable, Hashable {
    /// Only jobs in this status.
    public var status: JobStatus?
    /// Only jobs of this queue.
    public var queue: Name?
    /// Only jobs of this kind.
    public var kind: Name?
    /// Only jobs with exactly this key.
    public var key: String?
    /// Enqueued at or after.
    public var since: Timestamp?
    /// Enqueued before.
    public var until: Timestamp?
    /// Only jobs in `scheduled` that wait for another attempt after one that failed.
    public var isRetrying: Bool
    /// Only jobs in `executing` whose attempt began longer ago than this; for lists.
    public var runningLongerThan: Duration?
    /// Only jobs whose ``JobRecord/reason`` has this text in it, in capitals or not.
    public var reason: String?

    /// Makes a filter; without arguments it matches every job.
    public init(
        status: JobStatus? = nil, queue: Name? = nil, kind: Name? = nil, key: String? = nil,
        since: Timestamp? = nil, until: Timestamp? = nil, isRetrying: Bool = false,
        runningLongerThan: Duration? = nil, reason: String? = nil
    ) {
        self.isRetrying = isRetrying
        self.runningLongerThan = runningLongerThan
        self.reason = reason
        self.status = status
        self.queue = queue
        self.kind = kind
        self.key = key
        self.since = since
        self.until = until
    }
}

extension JobFilter {
    /// Throws ``InvalidInput`` naming `field` when no job can be in its status and be tried again.
    package func checkRetrying(_ field: String) throws(InvalidInput) {
        guard !isRetrying || status == nil || status == .scheduled else {
            throw InvalidInput(field: field, "goes with the status scheduled alone")
        }
    }

    /// Throws ``InvalidInput`` naming `field` when no job can be in its status and be running.
    package func checkRunning(_ field: String) throws(InvalidInput) {
        guard runningLongerThan == nil || (!isRetrying && (status ?? .executing) == .executing)
        else {
            throw InvalidInput(field: field, "goes with the status executing alone")
        }
    }

    /// A text to look for in reasons; throws ``InvalidInput`` naming `field` for one that none has.
    package static func reason(
        _ text: String, field: String
    ) throws(InvalidInput) -> String {
        guard (1...JobLimits.reasonBytes).contains(text.utf8.count), !text.utf8.contains(0) else {
            throw InvalidInput(
                field: field, "must be 1 to \(JobLimits.reasonBytes) bytes without NUL")
        }
        return text
    }
}
