/// What of one kind has failed on a queue, counted to a bound that no number of failures raises.
public struct KindFailures: Sendable, Hashable {
    /// Jobs counted at most in `error`, and as many that are tried again, all queues and kinds
    /// together; every kind of a queue is counted to twenty.
    public static let countLimit = 10_000
    /// Kinds of queues that are counted at most, in either.
    public static let kindLimit = 500

    /// The kind.
    public var kind: Name
    /// Jobs in `error`; one that was retried or deleted is none any more.
    public var errors: Int
    /// Those of them that failed within the last hour.
    public var errorsOfHour: Int
    /// Those of them that failed within the last day.
    public var errorsOfDay: Int
    /// Jobs in `scheduled` that wait for another attempt after one that failed.
    public var retrying: Int
    /// Whether more are in `error` than were counted.
    public var hasMoreErrors: Bool
    /// Whether more are tried again than were counted.
    public var hasMoreRetrying: Bool

    /// Makes a record of its counts.
    public init(
        kind: Name, errors: Int, errorsOfHour: Int, errorsOfDay: Int, retrying: Int,
        hasMoreErrors: Bool = false, hasMoreRetrying: Bool = false
    ) {
        self.kind = kind
        self.errors = errors
        self.errorsOfHour = errorsOfHour
        self.errorsOfDay = errorsOfDay
        self.retrying = retrying
        self.hasMoreErrors = hasMoreErrors
        self.hasMoreRetrying = hasMoreRetrying
    }
}

extension KindFailures {
    /// How many are in `error`, as people read it: with a + where there are more.
    package var errorsText: String { [self].errorsText }
    /// How many of them are of the last hour, likewise: the newest are counted first.
    package var errorsOfHourText: String { [self].errorsOfHourText }
    /// How many of them are of the last day, likewise.
    package var errorsOfDayText: String { [self].errorsOfDayText }
    /// How many are tried again, likewise.
    package var retryingText: String { [self].retryingText }
}

extension [KindFailures] {
    /// Jobs of all these kinds in `error`.
    public var errors: Int { reduce(0) { $0 + $1.errors } }
    /// Those of them that failed within the last hour.
    public var errorsOfHour: Int { reduce(0) { $0 + $1.errorsOfHour } }
    /// Those of them that failed within the last day.
    public var errorsOfDay: Int { reduce(0) { $0 + $1.errorsOfDay } }
    /// Jobs of all these kinds that wait for another attempt after one that failed.
    public var retrying: Int { reduce(0) { $0 + $1.retrying } }
    /// Whether more are in `error` than were counted.
    public var hasMoreErrors: Bool { contains(where: \.hasMoreErrors) }
    /// Whether more are tried again than were counted.
    public var hasMoreRetrying: Bool { contains(where: \.hasMoreRetrying) }

    package var errorsText: String { Self.text(errors, hasMoreErrors) }

    package var errorsOfHourText: String {
        Self.text(
            errorsOfHour, contains { $0.hasMoreErrors && $0.errorsOfHour == $0.errors })
    }

    package var errorsOfDayText: String {
        Self.text(errorsOfDay, contains { $0.hasMoreErrors && $0.errorsOfDay == $0.errors })
    }

    package var retryingText: String { Self.text(retrying, hasMoreRetrying) }

    private static func text(_ count: Int, _ hasMore: Bool) -> String {
        "\(count)\(hasMore ? "+" : "")"
    }
}
