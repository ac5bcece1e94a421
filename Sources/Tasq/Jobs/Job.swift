/// A job as a Swift type: its properties are the payload, its `run` is the handler.
///
/// The properties are stored as JSON under ``kind``, which stays the same when the type is renamed.
/// A payload that does not decode ends the job in `error` at once: no further attempt would help.
public protocol Job: Codable, Sendable {
    /// The stable name the job is stored under, as in `send-receipt`.
    static var kind: String { get }
    /// The queue it goes to unless the enqueue says otherwise.
    static var queue: String { get }
    /// 0 (first) to 3 (last).
    static var priority: Int { get }
    /// How often it is tried before it ends in `error`.
    static var maxAttempts: Int { get }
    /// Cuts an attempt off after this long; `nil`: never.
    static var timeout: Duration? { get }
    /// When a failed attempt is tried again.
    static var retry: RetryPolicy { get }

    /// Runs one attempt; see ``Handler/run`` for what returning and throwing mean. It runs at
    /// least once for every enqueue, so running twice must do no harm.
    func run(_ context: JobContext) async throws
}

extension Job {
    /// The queue `default`.
    public static var queue: String { Name.defaultQueue.description }
    /// Priority 1.
    public static var priority: Int { Priority.default.level }
    /// ``JobLimits/defaultMaxAttempts``.
    public static var maxAttempts: Int { JobLimits.defaultMaxAttempts }
    /// None: an attempt may take as long as it likes.
    public static var timeout: Duration? { nil }
    /// Exponential from two seconds to an hour; see ``RetryPolicy``.
    public static var retry: RetryPolicy { RetryPolicy() }
}
