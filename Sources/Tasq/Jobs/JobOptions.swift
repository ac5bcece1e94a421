/// Where a job waits, how urgent it is and how often it is tried: what an enqueue, a kind's
/// configuration, a schedule and a webhook's route all may say of it.
public struct JobOptions: Sendable, Hashable {
    /// The queue it goes to.
    public var queue: Name
    /// How urgent it is within its queue.
    public var priority: Priority
    /// How many attempts it gets before it ends in `error`, 1 to 1000.
    public var maxAttempts: Int
    /// Jobs of one key belong together, as in one customer's.
    public var key: String?

    /// What a job gets of which nobody says more.
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
