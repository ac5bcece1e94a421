/// How much may wait on a queue before it takes no further jobs.
///
/// It is asked where jobs are put in. What stands in the table already is never refused: retries, due
/// jobs, the ticks of schedules and what a bulk action makes go in as before.
public struct FlowLimit: Sendable, Hashable {
    /// What ``maxDepth`` may be: a look counts as far as that.
    public static let depths = 1...1_000_000
    /// What ``maxAge`` may be.
    public static let ages = Duration.seconds(1)...Duration.seconds(365 * 86_400)

    /// The queue it is about.
    public let queue: Name
    /// Jobs that may wait for a free slot; `nil`: as many as come.
    public let maxDepth: Int?
    /// How long the oldest of them may have waited, to the microsecond; `nil`: for ever.
    public let maxAge: Duration?

    /// Throws ``InvalidInput`` naming `max_depth`, `max_age`, or `limit` where neither is given.
    public init(
        queue: Name, maxDepth: Int? = nil, maxAge: Duration? = nil
    ) throws(InvalidInput) {
        guard maxDepth != nil || maxAge != nil else {
            throw InvalidInput(field: "limit", "must have a max_depth, a max_age or both")
        }
        if let maxDepth, !Self.depths.contains(maxDepth) {
            throw InvalidInput(field: "max_depth", Self.depthRule)
        }
        if let maxAge, !Self.ages.contains(maxAge) {
            throw InvalidInput(field: "max_age", Self.ageRule)
        }
        self.init(unchecked: queue, maxDepth: maxDepth, maxAge: maxAge)
    }

    /// For a row of the table, which has the same checks.
    package init(unchecked queue: Name, maxDepth: Int?, maxAge: Duration?) {
        self.queue = queue
        self.maxDepth = maxDepth
        self.maxAge = maxAge
    }

    package static let depthRule =
        "must be a whole number from \(depths.lowerBound) to \(depths.upperBound)"
    package static let ageRule =
        "must be between \(DurationText.format(ages.lowerBound)) and "
        + DurationText.format(ages.upperBound)
}

/// A limit as it stands, and how far its queue is from it.
public struct LimitStanding: Sendable, Hashable {
    /// The limit.
    public var limit: FlowLimit
    /// Whether it came from a configuration.
    public var isConfigured: Bool
    /// When it was last changed.
    public var updatedAt: Timestamp
    /// The role of the database that did it.
    public var updatedBy: String
    /// Jobs that wait on its queue, counted as far as the limit; `nil` where nobody asked, or the
    /// limit has no depth.
    public var level: Int?
    /// How long the oldest of them has waited; `nil` where nobody asked, none waits, or the limit has
    /// no age.
    public var oldestWait: Duration?

    /// Makes a standing of its columns.
    public init(
        limit: FlowLimit, isConfigured: Bool, updatedAt: Timestamp, updatedBy: String,
        level: Int? = nil, oldestWait: Duration? = nil
    ) {
        self.limit = limit
        self.isConfigured = isConfigured
        self.updatedAt = updatedAt
        self.updatedBy = updatedBy
        self.level = level
        self.oldestWait = oldestWait
    }

    /// Whether the oldest job has waited for too long.
    var isTooOld: Bool {
        guard let maxAge = limit.maxAge, let oldestWait else { return false }
        return oldestWait > maxAge
    }

    /// Whether its queue takes no job now.
    public var isRefusing: Bool {
        isTooOld || limit.maxDepth.map { (level ?? 0) >= $0 } ?? false
    }
}

extension LimitStanding {
    /// How far the queue is, in few words, as in `12 of 100 jobs, 3 s of 90s`.
    package var text: String {
        var parts: [String] = []
        if let maxDepth = limit.maxDepth {
            parts.append("\(level.map(String.init) ?? "-") of \(maxDepth) jobs")
        }
        if let maxAge = limit.maxAge {
            parts.append("\((oldestWait ?? .zero).rough) of \(DurationText.format(maxAge))")
        }
        return parts.joined(separator: ", ")
    }
}
