public import Logging
public import Tasq

extension JobContext {
    /// Makes the context of an attempt of a job that no store knows, for a test that calls a handler
    /// itself.
    ///
    /// - Parameters:
    ///   - job: What the handler is given: kind, payload with its headers, key and the like.
    ///   - attempt: Which attempt it is, from 1.
    ///   - crashes: How many workers have died with the job on board.
    ///   - source: The webhook source that the job came from.
    ///   - logger: Where the context's logger writes; nowhere, if nil.
    public init(
        testing job: NewJob, attempt: Int = 1, crashes: Int = 0, source: Name? = nil,
        logger: Logger? = nil
    ) {
        self.init(
            job: ClaimedJob(job, attempt: attempt, crashes: crashes, source: source),
            logger: logger ?? quiet)
    }
}

extension ClaimedJob {
    /// A job as if a worker had just claimed it.
    init(_ job: NewJob, attempt: Int, crashes: Int = 0, source: Name? = nil) {
        self.init(
            id: job.id, claim: ClaimToken(), kind: job.kind, options: job.options,
            attempt: attempt, crashes: crashes, payloadID: PayloadID(), source: source,
            payload: job.payload.asHandled, waitedMicroseconds: 0)
    }
}

/// Writes nothing.
let quiet = Logger(label: "tasq-testing") { _ in SwiftLogNoOpLogHandler() }
