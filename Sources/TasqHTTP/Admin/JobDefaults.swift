public import Tasq

/// What a job gets where its request does not say.
public struct JobDefaults: Sendable, Hashable {
    /// Where it waits.
    public var queue: Name
    /// How urgent it is within the queue.
    public var priority: Priority
    /// Attempts it may be given.
    public var maxAttempts: Int
    /// The key taken from the payload, where the kind's configuration names a place for it.
    public var key: String?

    /// What holds for every job unless its kind is configured.
    public init(
        queue: Name = .defaultQueue, priority: Priority = .default,
        maxAttempts: Int = JobLimits.defaultMaxAttempts, key: String? = nil
    ) {
        self.queue = queue
        self.priority = priority
        self.maxAttempts = maxAttempts
        self.key = key
    }
}
