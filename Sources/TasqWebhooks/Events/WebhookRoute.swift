public import Tasq

/// One of a source's routes: which events take it, and what is special about the job they become.
public struct WebhookRoute: Sendable, Hashable {
    /// Conditions a route may have beside the type.
    public static let conditionLimit = 8
    /// Types or values that one condition may list.
    public static let valueLimit = 32

    /// That the value at a place is one of these; a final `*` matches any ending.
    public struct Condition: Sendable, Hashable {
        /// Where the value stands.
        public let place: Location
        /// What it may be.
        public let values: [String]

        /// Says where a value stands and what it may be.
        public init(_ place: Location, _ values: [String]) {
            self.place = place
            self.values = values
        }
    }

    /// The event's types; a final `*` matches any ending. `nil`: any type, or none.
    public let types: [String]?
    /// What must hold besides, all of it.
    public let conditions: [Condition]
    /// The kind of the job; `nil`: the source's.
    public let kind: KindTemplate?
    /// Where it waits and the like, all but the key. This and what follows is what the kind's handler
    /// says where it is `nil`.
    public let options: SomeJobOptions
    /// Where its key stands.
    public let key: Location?
    /// How long it waits before it may start.
    public let delay: Duration?

    /// Throws `InvalidInput` naming the part of `field`: a list that is empty or too long, a type
    /// that no event has, a place twice, a number out of its range, or a route that says nothing.
    public init(
        types: [String]? = nil, where conditions: [Condition] = [], kind: KindTemplate? = nil,
        queue: Name? = nil, priority: Priority? = nil, maxAttempts: Int? = nil,
        key: Location? = nil, delay: Duration? = nil, field: String = "route"
    ) throws(InvalidInput) {
        try self.init(
            types: types, where: conditions, kind: kind,
            options: SomeJobOptions(queue: queue, priority: priority, maxAttempts: maxAttempts),
            key: key, delay: delay, field: field)
    }

    /// The same with all of a job's options but the key, which stands at a place of the event.
    public init(
        types: [String]? = nil, where conditions: [Condition] = [], kind: KindTemplate? = nil,
        options: SomeJobOptions, key: Location? = nil, delay: Duration? = nil,
        field: String = "route"
    ) throws(InvalidInput) {
        let range = "must list 1 to \(Self.valueLimit) of them"
        if let types {
            guard (1...Self.valueLimit).contains(types.count) else {
                throw InvalidInput(field: "\(field).type", range)
            }
            for type in types { try Self.check(type: type, field: "\(field).type") }
        }
        guard conditions.count <= Self.conditionLimit else {
            throw InvalidInput(
                field: "\(field).where", "must name at most \(Self.conditionLimit) places")
        }
        for (index, condition) in conditions.enumerated() {
            let place = "\(field).where.\(condition.place)"
            guard (1...Self.valueLimit).contains(condition.values.count) else {
                throw InvalidInput(field: place, range)
            }
            guard !condition.values.contains("") else {
                throw InvalidInput(field: place, "must not be empty: no value is")
            }
            guard !conditions[..<index].contains(where: { $0.place == condition.place }) else {
                throw InvalidInput(field: place, "stands there twice: list its values once")
            }
        }
        guard options.key == nil else {
            throw InvalidInput(field: "\(field).key", "must be a place of the event")
        }
        do throws(InvalidInput) {
            try options.over(JobOptions()).check()
        } catch {
            throw InvalidInput(field: "\(field).\(error.field)", error.rule)
        }
        guard delay.map({ $0 >= .zero && $0 <= JobLimits.delay }) != false else {
            throw InvalidInput(field: "\(field).delay", "must be between 0 and 100 years")
        }
        self.types = types
        self.conditions = conditions
        self.kind = kind
        self.options = options
        self.key = key
        self.delay = delay
        guard !takesAll || saysMore else {
            throw InvalidInput(
                field: field, "must say which events take it, or what job they become")
        }
    }

    private static func check(type: String, field: String) throws(InvalidInput) {
        guard (1...WebhookSource.idByteLimit).contains(type.utf8.count), isPrintable(type) else {
            throw InvalidInput(
                field: field,
                "must be 1 to \(WebhookSource.idByteLimit) printable bytes: no type is another")
        }
        guard !type.utf8.dropLast().contains(UInt8(ascii: "*")) else {
            throw InvalidInput(field: field, "may have * at the end only")
        }
    }

    /// Whether every event takes it.
    package var takesAll: Bool { types == nil && conditions.isEmpty }

    /// Where it looks in a request.
    var places: [Location] { conditions.map(\.place) + [key].compactMap { $0 } }

    private var saysMore: Bool {
        kind != nil || options != SomeJobOptions() || key != nil || delay != nil
    }

    /// Where the job waits.
    public var queue: Name? { options.queue }
    /// How urgent it is within the queue.
    public var priority: Priority? { options.priority }
    /// Attempts it may be given.
    public var maxAttempts: Int? { options.maxAttempts }

    /// Whether an event of this type, with these values, takes it.
    func takes(_ type: String?, _ values: inout PlaceValues) -> Bool {
        if let types {
            guard let type, types.contains(where: { isMatch(type, $0) }) else { return false }
        }
        for condition in conditions {
            guard let value = values.value(at: condition.place),
                condition.values.contains(where: { isMatch(value, $0) })
            else { return false }
        }
        return true
    }

    /// Whether every event that takes the other route takes this one too.
    func covers(_ other: WebhookRoute) -> Bool {
        if let types {
            guard let others = other.types, covers(types, others) else { return false }
        }
        return conditions.allSatisfy { condition in
            other.conditions.contains {
                $0.place == condition.place && covers(condition.values, $0.values)
            }
        }
    }

    /// A pattern is a text like others here: what matches it matches all that it does.
    private func covers(_ patterns: [String], _ others: [String]) -> Bool {
        others.allSatisfy { other in patterns.contains { isMatch(other, $0) } }
    }
}
