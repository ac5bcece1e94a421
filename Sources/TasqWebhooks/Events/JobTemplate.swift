public import Tasq

/// What the jobs of a kind have in common: the part of a handler's configuration that counts when
/// they are enqueued.
@dynamicMemberLookup
public struct JobTemplate: Sendable, Hashable {
    /// Which handler runs them.
    public var kind: Name
    /// Where they wait and how often each is tried; its members but the key are also the template's.
    public var options: JobOptions
    /// Where the key stands: jobs of one key belong together.
    public var key: Location?
    /// How long each waits before it may start.
    public var delay: Duration

    /// What the jobs of a kind get when nobody says more.
    public init(of kind: Name) {
        self.kind = kind
        options = JobOptions()
        key = nil
        delay = .zero
    }

    /// Throws `InvalidInput` for attempts or a delay outside `JobLimits`.
    public init(
        kind: Name, queue: Name = .defaultQueue, priority: Priority = .default,
        maxAttempts: Int = JobLimits.defaultMaxAttempts, key: Location? = nil,
        delay: Duration = .zero
    ) throws(InvalidInput) {
        guard JobLimits.maxAttempts.contains(maxAttempts) else {
            throw InvalidInput(
                field: "handlers.\(kind).max_attempts", "must be between 1 and 1000")
        }
        guard delay >= .zero, delay <= JobLimits.delay else {
            throw InvalidInput(
                field: "handlers.\(kind).delay", "must be between 0 and 100 years")
        }
        self.kind = kind
        options = JobOptions(queue: queue, priority: priority, maxAttempts: maxAttempts)
        self.key = key
        self.delay = delay
    }

    /// A member of ``options``.
    public subscript<Value>(dynamicMember member: WritableKeyPath<JobOptions, Value>) -> Value {
        get { options[keyPath: member] }
        set { options[keyPath: member] = newValue }
    }

    /// The key a request gives its job, made storable; `nil` where it has none.
    public func key(in request: WebhookRequest) -> String? {
        var values = PlaceValues(request)
        return key(in: &values)
    }

    func key(in values: inout PlaceValues) -> String? {
        guard let key, let text = values.value(at: key) else { return nil }
        return storableText(text, byteLimit: JobLimits.keyBytes)
    }
}

/// What stands at places of one request. Each is looked up once: for one in the body all of that is
/// read.
struct PlaceValues {
    private let request: WebhookRequest
    private var known: [Location: String?] = [:]

    init(_ request: WebhookRequest) {
        self.request = request
    }

    mutating func value(at place: Location) -> String? {
        if let value = known[place] { return value }
        let value = place.value(in: request)
        known.updateValue(value, forKey: place)
        return value
    }
}
