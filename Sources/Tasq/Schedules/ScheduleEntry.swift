/// A schedule as somebody wrote it: a job, and when one of its kind is put in.
@dynamicMemberLookup
public struct ScheduleEntry: Sendable, Hashable {
    /// What it is called; one alone has a name.
    public var name: Name
    /// When it ticks; see ``Cron``.
    public var cron: String
    /// The IANA zone of its local times.
    public var zone: String
    /// What becomes of local times that a change of clocks leaves out or shows twice.
    public var clockChange: ClockChange
    /// What becomes of ticks that nobody fired in time.
    public var missed: MissedTicks
    /// Each job starts up to so much later than its tick, always as much for the same tick.
    public var jitter: Duration
    /// Nothing ticks before.
    public var start: Timestamp?
    /// Nothing ticks at or after it.
    public var end: Timestamp?
    /// The kind of its jobs.
    public var kind: Name
    /// Where they wait and how often each is tried; its members are also the entry's own.
    public var options: JobOptions
    /// Their JSON, in which `{tick}`, `{tick_unix}` and `{schedule}` stand for the tick's time in
    /// RFC 3339, its seconds since 1970, and the name.
    public var payload: [UInt8]

    /// Bytes a payload may have.
    public static let payloadBytes = 65_536
    /// The greatest jitter.
    public static let longestJitter = Duration.seconds(86_400)

    /// Makes an entry. Whether it makes sense is said when it is stored.
    public init(
        name: Name, cron: String, zone: String = "UTC", clockChange: ClockChange = .once,
        missed: MissedTicks = .latest, jitter: Duration = .zero, start: Timestamp? = nil,
        end: Timestamp? = nil, kind: Name, queue: Name = .defaultQueue,
        priority: Priority = .default, maxAttempts: Int = JobLimits.defaultMaxAttempts,
        key: String? = nil, payload: [UInt8] = Array("{}".utf8)
    ) {
        self.name = name
        self.cron = cron
        self.zone = zone
        self.clockChange = clockChange
        self.missed = missed
        self.jitter = jitter
        self.start = start
        self.end = end
        self.kind = kind
        options = JobOptions(
            queue: queue, priority: priority, maxAttempts: maxAttempts, key: key)
        self.payload = payload
    }

    /// A member of ``options``.
    public subscript<Value>(dynamicMember member: WritableKeyPath<JobOptions, Value>) -> Value {
        get { options[keyPath: member] }
        set { options[keyPath: member] = newValue }
    }

    /// When it ticks. Throws ``InvalidInput`` naming `cron`, `zone` or `end`.
    public func timing() throws(InvalidInput) -> Timing {
        try Timing(
            cron: Cron(cron), zone: Zone(zone), clockChange: clockChange, start: start, end: end)
    }

    /// Throws ``InvalidInput`` for what no job could be made of, and, unless it `mayBeOver`, for what
    /// will never tick again. Whether the payload is JSON is not asked.
    @discardableResult
    public func check(
        now: Timestamp = .now, mayBeOver: Bool = false
    ) throws(InvalidInput) -> Timing {
        let timing = try timing()
        guard (Duration.zero...Self.longestJitter).contains(jitter) else {
            throw InvalidInput(
                field: "jitter",
                "must be between 0s and \(DurationText.format(Self.longestJitter))")
        }
        guard payload.count <= Self.payloadBytes else {
            throw InvalidInput(field: "payload", "must be at most \(Self.payloadBytes) bytes")
        }
        _ = try job(at: now)
        guard mayBeOver || timing.next(after: now) != nil else {
            throw InvalidInput(field: "end", "must leave a tick to come: this can never fire")
        }
        return timing
    }

    /// The job of a tick. Throws ``InvalidInput`` for a value outside ``JobLimits``.
    public func job(at tick: Timestamp) throws(InvalidInput) -> NewJob {
        try NewJob(kind: kind, options: options, payload: Payload(body(at: tick)))
    }

    /// The payload with the tick's time in it.
    public func body(at tick: Timestamp) -> [UInt8] {
        guard payload.contains(UInt8(ascii: "{")) else { return payload }
        let second = tick.microseconds.flooredDivision(by: 1_000_000).quotient
        let words: [(String, String)] = [
            ("{tick}", Zone.utc.text(tick)), ("{tick_unix}", String(second)),
            ("{schedule}", name.description),
        ]
        var body: [UInt8] = []
        var rest = payload[...]
        while let mark = rest.firstIndex(of: UInt8(ascii: "{")) {
            body += rest[..<mark]
            rest = rest[mark...]
            let word = words.first { rest.starts(with: $0.0.utf8) }
            body += word.map { Array($0.1.utf8) } ?? [UInt8(ascii: "{")]
            rest = rest.dropFirst(word?.0.utf8.count ?? 1)
        }
        return body + rest
    }

    /// How much later than its tick a job may start: the same wherever it is asked for.
    public func delay(of tick: Timestamp) -> Duration {
        let most = UInt64(max(0, jitter.inMicroseconds))
        guard most > 0 else { return .zero }
        // FNV-1a, then the end of SplitMix64: Swift's own hashes differ from process to process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(name) \(tick.microseconds)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        return .microseconds(Int64(hash % (most + 1)))
    }
}

/// A schedule as its row shows it.
public struct ScheduleRecord: Sendable, Hashable {
    /// What it says.
    public var entry: ScheduleEntry
    /// Whether it is paused: then nothing ticks.
    public var isPaused: Bool
    /// Whether it stands in a configuration, which may also take it away.
    public var isConfigured: Bool
    /// The tick that comes, or, until that is known, since when it is looked for, or, while it does
    /// not tick, when that is looked at again; `nil` for none.
    public var nextAt: Timestamp?
    /// Whether ``nextAt`` is a tick.
    public var isPlanned: Bool
    /// The last tick that was fired.
    public var lastTick: Timestamp?
    /// Why it does not tick, as a process that fires ticks has found.
    public var problem: String?
    /// Rises with every change.
    public var version: Int64

    /// Makes a record of its columns.
    public init(
        entry: ScheduleEntry, isPaused: Bool, isConfigured: Bool, nextAt: Timestamp?,
        isPlanned: Bool, lastTick: Timestamp?, problem: String?, version: Int64
    ) {
        self.entry = entry
        self.isPaused = isPaused
        self.isConfigured = isConfigured
        self.nextAt = nextAt
        self.isPlanned = isPlanned
        self.lastTick = lastTick
        self.problem = problem
        self.version = version
    }

    /// When it ticks, whether paused or not; `nil` for what does not tick, or makes no sense here.
    public var timing: Timing? {
        guard problem == nil else { return nil }
        return try? entry.timing()
    }

    /// The next ticks, whether paused or not; none for what does not make sense here.
    public func ticks(after time: Timestamp = .now, count: Int = 5) -> [Timestamp] {
        timing?.ticks(after: time, count: count) ?? []
    }
}
