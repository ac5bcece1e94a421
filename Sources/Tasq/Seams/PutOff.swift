/// Jobs that what they depend on has put off, and that wait for their time: those of one target that is held
/// back, or those of one reason.
public struct PutOffJobs: Sendable, Hashable {
    /// How many were found.
    public var jobs: Int
    /// The queues they are on, by name; at most ten.
    public var queues: [Name]
    /// Why, as the one says that was put off last; at most 200 characters.
    public var reason: String
    /// Since when some of them have been put off.
    public var since: Timestamp?
    /// When the last of them was put off.
    public var latest: Timestamp?
    /// When the first of them is due.
    public var nextAt: Timestamp
    /// When the last of them is due.
    public var lastAt: Timestamp

    /// Makes a record of its columns.
    public init(
        jobs: Int, queues: [Name], reason: String, since: Timestamp?, latest: Timestamp?,
        nextAt: Timestamp, lastAt: Timestamp
    ) {
        self.jobs = jobs
        self.queues = queues
        self.reason = reason
        self.since = since
        self.latest = latest
        self.nextAt = nextAt
        self.lastAt = lastAt
    }
}

extension PutOffJobs {
    /// The origin that is held back; `nil` where it is another reason.
    public var target: String? { HoldReason.read(reason)?.subject }

    /// How that origin was when the last of them was put off; `nil` where it is another reason.
    public var state: HoldState? { HoldReason.read(reason)?.state }
}

/// What a look at the scheduled jobs that are due first tells of what puts jobs off.
public struct PutOffLook: Sendable, Hashable {
    /// Scheduled jobs that are looked at, at most.
    public static let jobLimit = 10_000
    /// Targets and other reasons that are told, at most.
    public static let groupLimit = 100

    /// Those with the most jobs first.
    public var groups: [PutOffJobs]
    /// Whether there are more scheduled jobs, or more reasons.
    public var hasMore: Bool

    /// Makes an answer to ``Catalog/putOff()``.
    public init(groups: [PutOffJobs], hasMore: Bool) {
        self.groups = groups
        self.hasMore = hasMore
    }
}
