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
            guard delay <= JobLimits.delay else {
                return verdict(on: tooFar(delay), after: attempt, of: limit)
            }
            return .snooze(for: max(.zero, delay))
        case .cancel(let reason):
            return .cancelled(reason: reason)
        case .fail(let reason):
            return .error(reason: reason)
        case .retry(let delay, let reason):
            if let delay, delay > JobLimits.delay {
                return verdict(on: tooFar(delay), after: attempt, of: limit)
            }
            guard attempt < limit else { return .error(reason: reason) }
            return .retry(after: max(.zero, delay ?? wait(after: attempt)), reason: reason)
        case .later(let delay, let reason):
            guard attempt < limit else { return .error(reason: reason) }
            return .retry(
                after: wait(after: attempt, atLeast: delay ?? .zero), reason: reason)
        }
    }

    /// Like ``wait(after:)``, but no shorter than what somebody asked for, and then with jitter on
    /// top of that: many were asked for the same.
    private func wait(after attempt: Int, atLeast named: Duration) -> Duration {
        let named = min(max(.zero, named), JobLimits.delay)
        return max(wait(after: attempt), named * (1 + jitter * Double.random(in: 0...1)))
    }

    private func tooFar(_ delay: Duration) -> Outcome {
        .retry(
            "the handler asked for a delay of \(delay.rough): "
                + "\(DurationText.format(JobLimits.delay)) is the longest")
    }
}
