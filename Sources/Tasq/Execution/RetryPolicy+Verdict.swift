extension RetryPolicy {
    /// The one place that turns an outcome into what is written, whoever ran the attempt.
    ///
    /// - Parameters:
    ///   - outcome: How the attempt ended.
    ///   - attempt: Which attempt it was, from 1.
    ///   - limit: How many the job has been given.
    package func verdict(on outcome: Outcome, after attempt: Int, of limit: Int) -> Verdict {
        switch outcome {
        case .success:
            return .success
        case .snooze(let delay):
            return .snooze(for: max(.zero, delay))
        case .cancel(let reason):
            return .cancelled(reason: reason)
        case .fail(let reason):
            return .error(reason: reason)
        case .retry(let delay, let reason):
            guard attempt < limit else { return .error(reason: reason) }
            return .retry(
                after: max(.zero, delay ?? self.delay(after: attempt)), reason: reason)
        }
    }
}
