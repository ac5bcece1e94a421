extension RetryPolicy {
    /// What an outcome means, whoever ran the attempt.
    ///
    /// - Parameters:
    ///   - outcome: How the attempt ended.
    ///   - attempt: Which attempt it was, from 1.
    ///   - limit: The number of the last one the job has been given.
    ///   - before: Attempts it had made when its event was redelivered: waits are counted from there.
    ///   - putOff: For how long it has been put off without an attempt counted.
    ///   - bound: For how long it may be.
    package func verdict(
        on outcome: Outcome, after attempt: Int, of limit: Int, before: Int = 0,
        putOff: Duration = .zero, upTo bound: Duration = .zero
    ) -> Verdict {
        let (tries, isLast) = (attempt - before, attempt >= limit)
        switch outcome {
        case .success:
            return .success
        case .snooze(let delay):
            guard delay <= JobLimits.delay else {
                return verdict(on: tooFar(delay), after: attempt, of: limit, before: before)
            }
            return .snooze(for: max(.zero, delay))
        case .cancel(let reason):
            return .cancelled(reason: reason)
        case .fail(let reason):
            return .error(reason: reason)
        case .retry(let delay, let reason):
            if let delay, delay > JobLimits.delay {
                return verdict(on: tooFar(delay), after: attempt, of: limit, before: before)
            }
            guard !isLast else { return .error(reason: reason) }
            return .retry(after: max(.zero, delay ?? wait(after: tries)), reason: reason)
        case .later(let delay, let reason):
            // Nobody counts how often; that an unnamed wait is no shorter than all before it together
            // doubles it each time.
            let named = delay.map { $0 > .zero } == true ? delay : min(putOff, cap)
            let wait = wait(after: tries, atLeast: named ?? .zero)
            guard putOff >= bound else { return .later(after: wait, reason: reason) }
            return isLast ? .error(reason: reason) : .retry(after: wait, reason: reason)
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
