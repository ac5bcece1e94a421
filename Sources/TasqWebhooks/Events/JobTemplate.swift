public import Tasq

/// What the jobs of a kind have in common: the part of a handler's configuration that counts when
/// they are enqueued.
public struct JobTemplate: Sendable, Hashable {
    /// Which handler runs them.
    public var kind: Name
    /// Where they wait.
    public var queue: Name
    /// How urgent they are within the queue.
    public var priority: Priority
    /// Attempts each may be given, 1 to 1000.
    public var maxAttempts: Int
    /// Where the key stands: jobs of one key belong together.
    public var key: Location?

    /// Throws `InvalidInput` for attempts outside `JobLimits.maxAttempts`.
    public init(
        kind: Name, queue: Name = .defaultQueue, priority: Priority = .default,
        maxAttempts: Int = JobLimits.defaultMaxAttempts, key: Location? = nil
    ) throws(InvalidInput) {
        guard JobLimits.maxAttempts.contains(maxAttempts) else {
            throw InvalidInput(
                field: "handlers.\(kind).max_attempts", "must be between 1 and 1000")
        }
        self.kind = kind
        self.queue = queue
        self.priority = priority
        self.maxAttempts = maxAttempts
        self.key = key
    }

    /// The key a request gives its job, made storable; `nil` where it has none.
    public func key(in request: WebhookRequest) -> String? {
        key.flatMap { $0.value(in: request) }.flatMap {
            storableText($0, byteLimit: JobLimits.keyBytes)
        }
    }
}
