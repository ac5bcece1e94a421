/// How jobs enqueued lately went, in one stretch of time.
public struct RecentBucket: Sendable, Hashable {
    /// Which stretch, from 0.
    public var index: Int
    /// Jobs enqueued in it.
    public var enqueued: Int
    /// Jobs that reached a final status in it.
    public var finished: Int
    /// The median of how long jobs claimed in it had been due; `nil` without any.
    public var median: Duration?
    /// The 95th percentile of the same.
    public var slow: Duration?

    /// Makes a bucket of its counts.
    public init(index: Int, enqueued: Int, finished: Int, median: Duration?, slow: Duration?) {
        self.index = index
        self.enqueued = enqueued
        self.finished = finished
        self.median = median
        self.slow = slow
    }
}

/// How jobs enqueued lately went.
public struct RecentHistory: Sendable, Hashable {
    /// How far back the buckets reach together: less than was asked for when there were more jobs
    /// than could be looked at.
    public var span: Duration
    /// In order; those in which nothing happened are left out.
    public var buckets: [RecentBucket]

    /// Makes a history of its buckets.
    public init(span: Duration, buckets: [RecentBucket]) {
        self.span = span
        self.buckets = buckets
    }
}
