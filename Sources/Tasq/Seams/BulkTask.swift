/// What a bulk action does, and with what.
public enum BulkTask: Sendable, Hashable {
    /// An action on all jobs that match.
    case jobs(BulkRequest)
    /// A replay of all stored events that match.
    case replay(ReplayRequest)
}

/// Where a bulk action goes on: behind the last job, or the last event, that was looked at.
public typealias BulkCursor = Identifier<BulkTask>

/// A replay of all stored events that match a filter, the oldest first.
public struct ReplayRequest: Sendable, Hashable {
    /// The rates there are, in events a second.
    package static let rates = 1...10_000
    /// Events that one replay runs again, at most.
    package static let eventLimit = 1_000_000

    /// Which events.
    public let filter: EventFilter
    /// Events a second, at most.
    public let rate: Int

    /// Makes a request that says what it touches: an empty filter takes `everything`.
    ///
    /// - Throws: ``InvalidInput`` for an empty filter without `everything`, a filter with it, or a
    ///   rate that is not from 1 to 10 000.
    public init(
        _ filter: EventFilter, everything: Bool = false, rate: Int = 100
    ) throws(InvalidInput) {
        guard filter != EventFilter() || everything else {
            throw InvalidInput(field: "filter", "must not be empty: say all for every event")
        }
        guard filter == EventFilter() || !everything else {
            throw InvalidInput(field: "all", "must not be given together with a filter")
        }
        guard Self.rates.contains(rate) else {
            throw InvalidInput(
                field: "rate",
                "must be a whole number from \(Self.rates.lowerBound) to \(Self.rates.upperBound)")
        }
        self.filter = filter
        self.rate = rate
    }

    /// As it was checked when it was entered.
    package init(trusted filter: EventFilter, rate: Int) {
        self.filter = filter
        self.rate = rate
    }
}

extension Identifier {
    /// The same octets, as the id of something else.
    package init<Other>(octetsOf other: Identifier<Other>) {
        self.init(high: other.high, low: other.low)
    }
}
