public import Logging
public import Tasq

extension Job {
    /// Runs one attempt of this job here and now, as a worker does, and tells its outcome.
    ///
    /// The job is encoded, and its `run` is called on what decodes, under its timeout. Nothing is
    /// stored. The outcome is the one that would be written: of an error that `run` throws, a retry
    /// with its delay by the type's `RetryPolicy`, or a failure when no attempt is left.
    public func runInline(attempt: Int = 1, logger: Logger? = nil) async throws -> Outcome {
        try await HandlerTable([Self.self]).runInline(
            NewJob(self), attempt: attempt, logger: logger)
    }
}

extension HandlerTable {
    /// Runs one attempt of a job here and now through the handler of its kind, as a worker does, and
    /// tells the outcome that would be written. Nothing is stored.
    ///
    /// - Throws: `TestingError` when the table has no handler for the kind.
    public func runInline(
        _ job: NewJob, attempt: Int = 1, logger: Logger? = nil
    ) async throws(TestingError) -> Outcome {
        guard handler(for: job.kind) != nil else {
            throw .failed("there is no handler for the kind \(job.kind)")
        }
        let verdict = await runOnce(ClaimedJob(job, attempt: attempt), logger: logger ?? quiet)
        return try Outcome(written: verdict)
    }
}

extension Outcome {
    /// The outcome that a verdict writes down.
    init(written verdict: Verdict) throws(TestingError) {
        guard let outcome = verdict.outcome else {
            throw .failed("the attempt was ended from outside")
        }
        self = outcome
    }
}
