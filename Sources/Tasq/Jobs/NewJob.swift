import FoundationEssentials

/// The limits that hold for every job, whoever enqueues it.
public enum JobLimits {
    /// Bytes of one body that is enqueued.
    public static let payloadBytes = 1_048_576
    /// Bytes that a webhook's body may be allowed to have.
    public static let eventBytes = 33_554_432
    /// Bytes of a body that a claim brings along; a longer one is read when its job runs.
    public static let claimedBytes = 65_536
    /// Attempts a job may be given.
    public static let maxAttempts = 1...1000
    /// The highest number an attempt may have; it goes on when a job is retried or redelivered.
    public static let attemptNumber = 30_000
    /// Attempts a job gets when nobody says otherwise.
    public static let defaultMaxAttempts = 20
    /// Workers a job may take down before it is given up.
    public static let maxCrashes = 3
    /// Workers that died with a job on board until it is a suspect, and runs alone.
    public static let suspectCrashes = 2
    /// Bytes of a key or unique key.
    public static let keyBytes = 200
    /// Bytes of an error text; longer ones are cut.
    public static let reasonBytes = 2000
    /// How far ahead a job may be scheduled, at its enqueue or by an attempt of it: a hundred years.
    public static let delay = Duration.seconds(100 * 365 * 86_400)
}

/// How urgent a job is within its queue: 0 is first, 3 last, 1 the default.
public struct Priority: Sendable, Hashable, Comparable {
    /// 0 first to 3 last.
    public let level: Int

    /// Level 1, for whoever does not say.
    public static let `default` = Priority(unchecked: 1)
    /// Every priority, most urgent first.
    public static let all = (0...3).map(Priority.init(unchecked:))

    /// Throws ``InvalidInput`` for a level outside 0 to 3.
    public init(_ level: Int) throws(InvalidInput) {
        guard (0...3).contains(level) else {
            throw InvalidInput(field: "priority", "must be between 0 and 3")
        }
        self.level = level
    }

    package init(unchecked level: Int) {
        self.level = level
    }

    /// Orders the more urgent first.
    public static func < (left: Self, right: Self) -> Bool { left.level < right.level }
}

/// When a new job may start.
public enum Start: Sendable, Hashable {
    /// As soon as a slot is free.
    case now
    /// After this long by PostgreSQL's clock; zero or more.
    case after(Duration)
    /// At this time by PostgreSQL's clock.
    case at(Timestamp)
}

/// A body as it came, byte for byte, and how it described itself.
public struct Payload: Sendable, Hashable {
    /// The bytes; never re-encoded.
    public var body: [UInt8]
    /// The media type, as in `application/json`.
    public var contentType: String
    /// The headers worth keeping, in order, names in lower case.
    public var headers: [Header]

    /// One header of the request that brought the body.
    public struct Header: Sendable, Hashable {
        /// Its name, in lower case.
        public var name: String
        /// Its value as it came.
        public var value: String

        /// Makes a header of its name and value.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Takes the bytes as they are; JSON unless `contentType` says otherwise.
    public init(
        _ body: [UInt8], contentType: String = "application/json", headers: [Header] = []
    ) {
        self.body = body
        self.contentType = contentType
        self.headers = headers
    }
}

/// How long a job keeps others of its unique key away.
public enum UniqueSpan: String, Sendable, Hashable, CaseIterable {
    /// Until it is over.
    case unfinished
    /// Until a worker takes it: what changes while it runs is worth another run.
    case queued
}

/// What an enqueue does with the job that holds its unique key and still waits.
public enum ConflictPolicy: String, Sendable, Hashable, CaseIterable {
    /// Leaves it as it is.
    case keep
    /// Cancels it, and stores the new one in its place, in one transaction.
    case replace
    /// Gives it the time of the new one: debounced, it runs once nobody has asked for a while.
    case reschedule
}

/// A job about to be stored: everything an enqueue says.
@dynamicMemberLookup
public struct NewJob: Sendable, Hashable {
    /// Made here, so that an enqueue whose answer got lost can be repeated without a second job.
    public var id: JobID
    /// The stable name its handler is found by.
    public var kind: Name
    /// Where it waits and how often it is tried; its members are also the job's own.
    public var options: JobOptions
    /// When it may start.
    public var start: Start
    /// While a job with this unique key is unfinished, another enqueue returns that job's id.
    public var uniqueKey: String?
    /// What this job's unique key waits for in one that holds it.
    public var uniqueWhile: UniqueSpan
    /// What becomes of one that holds it and waits.
    public var onConflict: ConflictPolicy
    /// The body; at most ``JobLimits/payloadBytes``.
    public var payload: Payload

    /// Throws ``InvalidInput`` for a value outside ``JobLimits``.
    public init(
        id: JobID = JobID(), kind: Name, options: JobOptions, start: Start = .now,
        uniqueKey: String? = nil, uniqueWhile: UniqueSpan = .unfinished,
        onConflict: ConflictPolicy = .keep, payload: Payload
    ) throws(InvalidInput) {
        guard uniqueKey != nil || uniqueWhile == .unfinished else {
            throw InvalidInput(field: "unique_while", "needs a unique_key")
        }
        guard uniqueKey != nil || onConflict == .keep else {
            throw InvalidInput(field: "on_conflict", "needs a unique_key")
        }
        try options.check()
        guard payload.body.count <= JobLimits.payloadBytes else {
            throw InvalidInput(
                field: "payload", "must be at most \(JobLimits.payloadBytes) bytes")
        }
        if case .after(let delay) = start, delay < .zero || delay > JobLimits.delay {
            throw InvalidInput(field: "delay", "must be between 0 and 100 years")
        }
        if case .at(let time) = start { try Self.check(time) }
        try JobOptions.check(uniqueKey, field: "unique_key")
        self.id = id
        self.kind = kind
        self.options = options
        self.start = start
        self.uniqueKey = uniqueKey
        self.uniqueWhile = uniqueWhile
        self.onConflict = onConflict
        self.payload = payload
    }

    /// Throws ``InvalidInput`` for a value outside ``JobLimits``.
    public init(
        id: JobID = JobID(), kind: Name, queue: Name = .defaultQueue,
        priority: Priority = .default, start: Start = .now,
        maxAttempts: Int = JobLimits.defaultMaxAttempts,
        key: String? = nil, uniqueKey: String? = nil, uniqueWhile: UniqueSpan = .unfinished,
        onConflict: ConflictPolicy = .keep, payload: Payload
    ) throws(InvalidInput) {
        try self.init(
            id: id, kind: kind,
            options: JobOptions(
                queue: queue, priority: priority, maxAttempts: maxAttempts, key: key),
            start: start, uniqueKey: uniqueKey, uniqueWhile: uniqueWhile, onConflict: onConflict,
            payload: payload)
    }

    /// A member of ``options``.
    public subscript<Value>(dynamicMember member: WritableKeyPath<JobOptions, Value>) -> Value {
        get { options[keyPath: member] }
        set { options[keyPath: member] = newValue }
    }

    private static func check(_ time: Timestamp) throws(InvalidInput) {
        let day: Int64 = 86_400_000_000
        let now = Timestamp.now.microseconds
        // A year of any length back; ahead, a hundred of 365.25 days.
        guard time.microseconds >= now - 366 * day, time.microseconds <= now + 36_525 * day else {
            throw InvalidInput(
                field: "run_at", "must lie between a year ago and a hundred years ahead")
        }
    }
}

extension NewJob {
    /// A job of a Swift type, encoded as JSON, with what the type says unless an argument does.
    ///
    /// - Throws: ``InvalidInput`` for a value outside ``JobLimits``, `EncodingError` for a job that
    ///   does not encode.
    public init<J: Job>(
        _ job: J, after delay: Duration? = nil, at time: Timestamp? = nil, queue: String? = nil,
        priority: Int? = nil, key: String? = nil, uniqueKey: String? = nil,
        uniqueWhile: UniqueSpan = .unfinished, onConflict: ConflictPolicy = .keep,
        maxAttempts: Int? = nil
    ) throws {
        let start: Start = time.map(Start.at) ?? delay.map(Start.after) ?? .now
        try self.init(
            kind: Name(J.kind, field: "kind"), queue: Name(queue ?? J.queue, field: "queue"),
            priority: Priority(priority ?? J.priority), start: start,
            maxAttempts: maxAttempts ?? J.maxAttempts, key: key, uniqueKey: uniqueKey,
            uniqueWhile: uniqueWhile, onConflict: onConflict,
            payload: Payload(Array(JSONEncoder().encode(job))))
    }
}

/// What became of one job of an enqueue.
public enum Enqueued: Sendable, Hashable {
    /// The job is stored under its id (or was, by an earlier try of the same enqueue).
    case stored(JobID)
    /// An unfinished job with the same unique key stands already; this is its id.
    case exists(JobID)

    /// The id of the job that stands: the new one, or the one that was there.
    public var id: JobID {
        switch self {
        case .stored(let id), .exists(let id): id
        }
    }
}

/// A verified webhook about to be stored, with the jobs made of it.
public struct NewEvent: Sendable {
    /// Made here, so that an accept whose answer got lost can be repeated.
    public var id: PayloadID
    /// The configured source it came through.
    public var source: Name
    /// The provider's own event id; a second event with it is a duplicate. `nil`: never one.
    public var providerID: String?
    /// The body as it came, with the headers worth keeping.
    public var payload: Payload
    /// One job for each route; their own payloads, unique keys and fixed times are ignored: all share
    /// the event's body, and start at once or after their delay.
    public var jobs: [NewJob]

    /// Makes an event; nothing is checked or stored yet.
    public init(
        id: PayloadID = PayloadID(), source: Name, providerID: String?, payload: Payload,
        jobs: [NewJob]
    ) {
        self.id = id
        self.source = source
        self.providerID = providerID
        self.payload = payload
        self.jobs = jobs
    }
}

/// What became of an event.
public enum Accepted: Sendable, Hashable {
    /// Committed, with its jobs.
    case stored
    /// The source sent this provider id before; the id is the first event's. Jobs of it that had
    /// ended in `error` are queued again, so a provider's manual redelivery works; says whether any had.
    case duplicate(of: PayloadID, queuedAgain: Bool = false)
}
