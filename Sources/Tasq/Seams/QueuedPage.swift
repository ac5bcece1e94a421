/// Where a walk over the queued jobs stands.
public struct QueuedCursor: Sendable, Hashable {
    /// The queue reached.
    public let queue: Name
    /// The priority reached within it.
    public let priority: Priority
    /// The due time reached within that.
    public let runAt: Timestamp
    /// The last job seen.
    public let id: JobID

    /// Makes a cursor that points behind this job.
    public init(queue: Name, priority: Priority, runAt: Timestamp, id: JobID) {
        self.queue = queue
        self.priority = priority
        self.runAt = runAt
        self.id = id
    }
}

/// A page of the queued jobs and where the next one starts.
public struct QueuedPage: Sendable {
    /// The jobs of this page, in the order of the walk.
    public var jobs: [Announcement]
    /// Where the next page starts; `nil` after the last one.
    public var next: QueuedCursor?

    /// Makes an answer to ``UpkeepStore/queued(after:limit:)``.
    public init(jobs: [Announcement], next: QueuedCursor?) {
        self.jobs = jobs
        self.next = next
    }
}
