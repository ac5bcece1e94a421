import Instrumentation
public import Logging

/// What a worker does with the jobs of one kind.
public struct Handler: Sendable {
    /// Cuts an attempt off after this long and counts it as failed; `nil`: never.
    public var timeout: Duration?
    /// When a failed attempt is tried again.
    public var retry: RetryPolicy
    /// For how long, from the first ``Outcome/later(after:_:)`` on, that outcome costs no attempt; a day
    /// by default. An attempt that counts begins it anew.
    public var putOff: Duration
    /// Runs one attempt. Returning means success; throwing an ``Outcome`` says that outcome; any
    /// other error is a retry. It must stop soon after its task is cancelled.
    public var run: @concurrent @Sendable (JobContext) async throws -> Void

    /// Makes a handler; by default an attempt may take as long as it likes.
    public init(
        timeout: Duration? = nil, retry: RetryPolicy = RetryPolicy(),
        putOff: Duration = .seconds(86_400),
        run: @escaping @concurrent @Sendable (JobContext) async throws -> Void
    ) {
        self.timeout = timeout
        self.retry = retry
        self.putOff = putOff
        self.run = run
    }
}

/// What a handler knows of the attempt it runs.
public struct JobContext: Sendable {
    /// The job, its payload and the claim that gives the right to run it.
    public let job: ClaimedJob
    private let base: Logger

    /// Carries `job.id`, `job.kind`, `job.attempt` and `queue`. Made when it is asked for: keep it
    /// in a variable where it is used often.
    public var logger: Logger {
        var logger = base
        logger[metadataKey: "job.id"] = "\(job.id)"
        logger[metadataKey: "job.kind"] = "\(job.kind)"
        logger[metadataKey: "job.attempt"] = "\(job.attempt)"
        logger[metadataKey: "queue"] = "\(job.queue)"
        return logger
    }

    /// The value of a header that came with the webhook and was kept; its name in any case. `nil` when
    /// there is none; of several the first.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return job.payload.headers.first { $0.name == name }?.value
    }

    /// The trace that the job belongs to; `nil` when whoever enqueued it named none.
    public var trace: TraceContext? { TraceContext(job.payload.headers) }

    /// The same for a request made on the job's behalf, unless the program's tracer puts its own
    /// into requests.
    package var traceToSend: TraceContext? {
        ServiceContext.current?.told == nil ? trace : nil
    }

    /// Makes a context of a claim. A test makes one of a `NewJob`: see `TasqTesting`.
    public init(job: ClaimedJob, logger: Logger) {
        self.job = job
        base = logger
    }
}
