/// A job this process may run now: the row, its body and the claim that gives the right.
public struct ClaimedJob: Sendable, Hashable {
    /// The job.
    public let id: JobID
    /// The fencing token: unique to this run of the job. It is random; to tell the later of two
    /// runs, compare ``attempt``.
    public let claim: ClaimToken
    /// The stable name its handler is found by.
    public let kind: Name
    /// Where it waited, how urgent it is and how often it is tried.
    public let options: JobOptions
    /// Which attempt this is, from 1.
    public let attempt: Int
    /// How many workers died with this job on board so far.
    public let crashes: Int
    /// The stored body; shared by all jobs of one webhook event.
    public let payloadID: PayloadID
    /// The webhook source, where one came in.
    public let source: Name?
    /// The body with its media type and headers.
    public internal(set) var payload: Payload
    /// Whether the body stands in the database; one that somebody removed cannot be run.
    package let hasBody: Bool
    /// The length of a body that the claim left out because it is large; `nil` when it is here.
    package private(set) var leftOutBytes: Int?
    /// Microseconds the job had been due when it was claimed, by PostgreSQL's clock.
    public let waitedMicroseconds: Int64
    /// Attempts it had made when its event was last redelivered; ``RetryPolicy`` counts from there.
    package let attemptsBefore: Int
    /// For how long it has been put off without an attempt counted; `nil` when it has not been.
    package let putOff: Duration?

    /// Why an attempt without its body ends in `error`, whoever claimed it.
    package static let bodyIsMissing =
        "the job's body is missing: its row in payload was removed; enqueue it anew"

    /// Why it cannot be run, whoever claimed it; `nil` when it can. Nothing takes a body larger than
    /// ``JobLimits/eventBytes``: somebody wrote it, and nobody need have the memory for it.
    package var hindrance: String? {
        guard hasBody else { return Self.bodyIsMissing }
        guard let bytes = leftOutBytes, bytes > JobLimits.eventBytes else { return nil }
        return "the job's body is too large: its row in payload has \(bytes) bytes, "
            + "at most \(JobLimits.eventBytes) are read; enqueue it anew"
    }

    package init(
        id: JobID, claim: ClaimToken, kind: Name, options: JobOptions, attempt: Int,
        crashes: Int = 0, payloadID: PayloadID, source: Name?, payload: Payload,
        hasBody: Bool = true, leftOutBytes: Int? = nil, waitedMicroseconds: Int64,
        attemptsBefore: Int = 0, putOff: Duration? = nil
    ) {
        self.attemptsBefore = attemptsBefore
        self.putOff = putOff
        self.id = id
        self.claim = claim
        self.kind = kind
        self.options = options
        self.attempt = attempt
        self.crashes = crashes
        self.payloadID = payloadID
        self.source = source
        self.payload = payload
        self.hasBody = hasBody
        self.leftOutBytes = leftOutBytes
        self.waitedMicroseconds = waitedMicroseconds
    }

    /// The same with the body that was left out, as a handler is given it.
    package func with(body: [UInt8]) -> ClaimedJob {
        var job = self
        job.payload.body = body
        job.payload = job.payload.asHandled
        job.leftOutBytes = nil
        return job
    }
}

extension ClaimedJob {
    /// The queue it was claimed from.
    public var queue: Name { options.queue }
    /// How urgent it is within its queue.
    public var priority: Priority { options.priority }
    /// The number of the last attempt it has been given.
    public var maxAttempts: Int { options.maxAttempts }
    /// What groups it with other jobs, as in one customer's; `nil` for none.
    public var key: String? { options.key }
}
