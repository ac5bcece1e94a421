/// Why a queue does not take jobs, and for how long to stay away.
public struct QueueFull: Sendable, Hashable {
    /// What stands in the way.
    public enum Cause: String, Sendable, Hashable, CaseIterable {
        /// With these jobs more would wait than may.
        case depth
        /// The oldest job that waits has waited for too long.
        case age
        /// The call brings more jobs than may ever wait.
        case batch
    }

    /// What stands in the way.
    public var cause: Cause
    /// The queue, with its limit.
    public var limit: FlowLimit
    /// Jobs that wait, as far as the process knows; 0 where the limit has no depth.
    public var level: Int
    /// How long the oldest of them had waited when it was looked at.
    public var oldestWait: Duration?
    /// When to try again, in whole seconds from 1; `nil` when the same call will never be taken.
    public var retryAfter: Duration?

    /// Makes a refusal of its parts.
    public init(
        cause: Cause, limit: FlowLimit, level: Int, oldestWait: Duration?, retryAfter: Duration?
    ) {
        self.cause = cause
        self.limit = limit
        self.level = level
        self.oldestWait = oldestWait
        self.retryAfter = retryAfter
    }

    /// The queue that refuses.
    public var queue: Name { limit.queue }
}

extension QueueFull: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        let depth = limit.maxDepth ?? 0
        switch cause {
        case .depth:
            return "queue \(queue) takes no more now: \(level) jobs wait, and its limit is \(depth)"
        case .age:
            return "queue \(queue) takes no more now: its oldest job has waited "
                + "\((oldestWait ?? .zero).rough), and its limit is "
                + DurationText.format(limit.maxAge ?? .zero)
        case .batch:
            return "queue \(queue) never takes so many jobs at once: its limit is \(depth)"
        }
    }
}
