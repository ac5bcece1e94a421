/// A page of jobs, newest first.
///
/// A look at the table ends after a bounded number of jobs, however few of them match. So a page may
/// be short, or empty, with more to come: only ``next`` tells whether it is the last.
public struct JobPage: Sendable, Hashable {
    /// The jobs.
    public var jobs: [JobRecord]
    /// Where the next page begins; `nil` after the last.
    public var next: JobCursor?

    /// Makes a page of its parts.
    public init(jobs: [JobRecord], next: JobCursor?) {
        self.jobs = jobs
        self.next = next
    }
}

/// A page of stored webhook events, newest first; it may be short as a ``JobPage`` may.
public struct EventPage: Sendable, Hashable {
    /// The events.
    public var events: [EventRecord]
    /// Where the next page begins; `nil` after the last.
    public var next: PayloadID?

    /// Makes a page of its parts.
    public init(events: [EventRecord], next: PayloadID?) {
        self.events = events
        self.next = next
    }
}
