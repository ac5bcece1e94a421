/// The id of a bulk action.
public typealias BulkID = Identifier<BulkRecord>

/// A bulk action that runs in the background, as its row shows it.
public struct BulkRecord: Sendable, Hashable {
    /// Where a bulk action stands.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Not at its end. Whether a server is at it now is ``BulkRecord/isHeld``.
        case running
        /// Every job, or event, has been looked at.
        case done
        /// Called off; what was done until then stays done.
        case cancelled
        /// PostgreSQL refused it for good, or a replay met its limit; see ``BulkRecord/reason``.
        case failed
    }

    /// The action.
    public var id: BulkID
    /// What it does, and with what.
    public var task: BulkTask
    /// Whether it only counts.
    public var isDryRun: Bool
    /// Where it stands.
    public var state: State
    /// A server works on it. One that died is replaced within a minute or so.
    public var isHeld: Bool
    /// The last job, or event, that was looked at.
    public var cursor: BulkCursor?
    /// How far it has come.
    public var counts: BulkCounts
    /// Why it failed.
    public var reason: String?
    /// When it was asked for; jobs and events stored later are left alone.
    public var createdAt: Timestamp
    /// When its row was last written.
    public var updatedAt: Timestamp
    /// When it ended; `nil` before.
    public var finishedAt: Timestamp?

    /// Makes a record of its columns.
    public init(
        id: BulkID, task: BulkTask, isDryRun: Bool, state: State, isHeld: Bool,
        cursor: BulkCursor?, counts: BulkCounts, reason: String?, createdAt: Timestamp,
        updatedAt: Timestamp, finishedAt: Timestamp?
    ) {
        self.id = id
        self.task = task
        self.isDryRun = isDryRun
        self.state = state
        self.isHeld = isHeld
        self.cursor = cursor
        self.counts = counts
        self.reason = reason
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.finishedAt = finishedAt
    }
}
