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

/// Options of a job as far as somebody says them.
public struct SomeJobOptions: Sendable, Hashable {
    /// The queue it goes to.
    public var queue: Name?
    /// How urgent it is within its queue.
    public var priority: Priority?
    /// How many attempts it gets.
    public var maxAttempts: Int?
    /// What groups it with other jobs.
    public var key: String?

    /// Says nothing of what is left out.
    public init(
        queue: Name? = nil, priority: Priority? = nil, maxAttempts: Int? = nil, key: String? = nil
    ) {
        self.queue = queue
        self.priority = priority
        self.maxAttempts = maxAttempts
        self.key = key
    }

    /// What is said, and of the rest what is given.
    public func over(_ given: JobOptions) -> JobOptions {
        JobOptions(
            queue: queue ?? given.queue, priority: priority ?? given.priority,
            maxAttempts: maxAttempts ?? given.maxAttempts, key: key ?? given.key)
    }
}

/// A job's options by the names they have in JSON, configurations and SQL, and with dashes on the
/// command line. Whatever reads, stores or shows options goes by this list, in its order.
package enum JobOption: String, Sendable, CaseIterable {
    case queue
    case priority
    case maxAttempts = "max_attempts"
    case key

    /// What one is.
    package enum Value: Sendable, Hashable, CustomStringConvertible {
        case text(String)
        case number(Int)

        package var description: String {
            switch self {
            case .text(let text): text
            case .number(let number): "\(number)"
            }
        }
    }

    /// All of them, made once.
    package static let all = allCases

    /// Those that a job's page tells in lines of their own, each by its name.
    package static let lines = all.filter { ![.queue, .priority, .maxAttempts].contains($0) }

    /// Its name for people.
    package var label: String { rawValue.replacing("_", with: " ") }

    /// Within what a number must lie; `nil` for a text.
    package var range: ClosedRange<Int>? {
        switch self {
        case .priority: 0...3
        case .maxAttempts: JobLimits.maxAttempts
        case .queue, .key: nil
        }
    }

    /// Whether every job has one.
    package var isRequired: Bool { self != .key }
}

extension JobOptions {
    /// What an option is; `nil` for none.
    package subscript(option: JobOption) -> JobOption.Value? {
        switch option {
        case .queue: .text(queue.description)
        case .priority: .number(priority.level)
        case .maxAttempts: .number(maxAttempts)
        case .key: key.map(JobOption.Value.text)
        }
    }

    /// Throws ``InvalidInput`` naming the option for a value outside ``JobLimits``.
    package func check() throws(InvalidInput) {
        for option in JobOption.all {
            switch self[option] {
            case .number(let number):
                guard let range = option.range, !range.contains(number) else { continue }
                throw InvalidInput(
                    field: option.rawValue,
                    "must be between \(range.lowerBound) and \(range.upperBound)")
            case .text(let text) where !option.isRequired:
                try Self.check(text, field: option.rawValue)
            case .text, nil: continue
            }
        }
    }

    /// Throws ``InvalidInput`` for a text that is empty, too long, or has a NUL.
    static func check(_ key: String?, field: String) throws(InvalidInput) {
        guard let key else { return }
        guard (1...JobLimits.keyBytes).contains(key.utf8.count), !key.utf8.contains(0) else {
            throw InvalidInput(
                field: field, "must be 1 to \(JobLimits.keyBytes) bytes without NUL")
        }
    }
}

extension SomeJobOptions {
    /// Says what an option is. Throws ``InvalidInput`` naming it for what it never is; that a number or
    /// a key is within ``JobLimits`` is asked where a job is made.
    package mutating func set(
        _ option: JobOption, to value: JobOption.Value
    ) throws(InvalidInput) {
        switch (option, value) {
        case (.queue, .text(let text)): queue = try Name(text, field: option.rawValue)
        case (.priority, .number(let level)): priority = try Priority(level)
        case (.maxAttempts, .number(let number)): maxAttempts = number
        case (.key, .text(let text)): key = text
        case (_, .text): throw InvalidInput(field: option.rawValue, "must be a whole number")
        case (_, .number): throw InvalidInput(field: option.rawValue, "must be a string")
        }
    }
}
