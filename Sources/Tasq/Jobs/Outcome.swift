/// How one attempt of a job ended.
///
/// A handler that returns says ``success``; one that throws an `Outcome` says that outcome; any
/// other error is a ``retry(after:_:)`` by the kind's ``RetryPolicy``.
///
/// A negative wait counts as none. One longer than ``JobLimits/delay`` is a failed attempt that says so,
/// tried again by the policy; that of ``later(after:_:)`` is cut.
public enum Outcome: Error, Sendable, Hashable {
    /// Done; the job never runs again by itself.
    case success
    /// Failed; try again after this long, or by the kind's policy when `nil`, while attempts last.
    case retry(after: Duration? = nil, _ reason: String)
    /// What the job depends on asks for patience: try again after this long and some jitter, and
    /// never sooner than by the kind's policy. Costs no attempt until the job has been put off for
    /// as long as ``Handler/putOff`` says.
    case later(after: Duration? = nil, _ reason: String)
    /// Not now: run again after this long. Costs no attempt.
    case snooze(for: Duration)
    /// Called off for good.
    case cancel(_ reason: String)
    /// Failed for good; no further attempt is made.
    case fail(_ reason: String)
}

extension Outcome {
    /// Whether it is a failure: the job's attempts decide what follows, and somebody is told.
    var isFailure: Bool {
        switch self {
        case .retry, .fail: true
        case .success, .later, .snooze, .cancel: false
        }
    }
}

/// What the store writes of an attempt. ``RetryPolicy`` makes it of an ``Outcome``; whoever gives a job
/// back, or refuses to run it, says so itself.
package enum Verdict: Sendable, Hashable {
    case success
    case retry(after: Duration, reason: String)
    case snooze(for: Duration)
    /// Put off by what it depends on: like a snooze, and its job knows since when.
    case later(after: Duration, reason: String)
    case cancelled(reason: String)
    case error(reason: String)
    /// Given back at shutdown: the attempt does not count.
    case handedBack
    /// Given back before its handler started, as if it had never been claimed.
    case unstarted

    /// The status the job moves to.
    package var status: JobStatus {
        switch self {
        case .success: .success
        case .retry(let delay, _), .snooze(let delay), .later(let delay, _):
            delay.inMicroseconds > 0 ? .scheduled : .queued
        case .cancelled: .cancelled
        case .error: .error
        case .handedBack, .unstarted: .queued
        }
    }

    /// The word that the store knows it by.
    package var word: String {
        switch self {
        case .success: "success"
        case .retry: "retry"
        case .snooze: "snooze"
        case .later: "later"
        case .cancelled: "cancelled"
        case .error: "error"
        case .handedBack: "handedback"
        case .unstarted: "unstarted"
        }
    }

    /// After what time its job may run again, where it is one that waits.
    package var delay: Duration? {
        switch self {
        case .retry(let delay, _), .snooze(let delay), .later(let delay, _): delay
        case .success, .cancelled, .error, .handedBack, .unstarted: nil
        }
    }

    /// Why, for the attempt's record.
    package var reason: String? {
        switch self {
        case .success, .snooze, .handedBack, .unstarted: nil
        case .retry(_, let reason), .later(_, let reason), .cancelled(let reason),
            .error(let reason):
            reason
        }
    }

    /// The word by which it is known afterwards: what leaves no record of the attempt is a snooze.
    package var wordAfterwards: String {
        switch self {
        case .snooze, .later, .unstarted: "snooze"
        case .success, .retry, .cancelled, .error, .handedBack: word
        }
    }

    /// The end of its run, for those who count.
    var end: RunEnd {
        switch self {
        case .success: .success
        case .retry: .retry
        case .snooze, .later: .snooze
        case .cancelled: .cancelled
        case .error: .error
        case .handedBack, .unstarted: .handedBack
        }
    }

    /// Why the attempt, or the job, has failed by this, and after what time it is tried again; `nil`
    /// where it has not. A job that is handed back fails if that has happened too often.
    var failure: (reason: String, retry: Duration?)? {
        switch self {
        case .retry(let delay, let reason): (reason, delay)
        case .error(let reason): (reason, nil)
        case .handedBack: ("it was handed back too often", nil)
        case .success, .snooze, .later, .cancelled, .unstarted: nil
        }
    }

    /// The outcome that is written like this; `nil` where the attempt was ended from outside.
    package var outcome: Outcome? {
        switch self {
        case .success: .success
        case .retry(let delay, let reason): .retry(after: delay, reason)
        case .later(let delay, let reason): .later(after: delay, reason)
        case .snooze(let delay): .snooze(for: delay)
        case .cancelled(let reason): .cancel(reason)
        case .error(let reason): .fail(reason)
        case .handedBack, .unstarted: nil
        }
    }
}

/// How an attempt ended, as its record says. One that was snoozed, put off or never started is not recorded.
public enum AttemptOutcome: String, Sendable, Hashable, CaseIterable {
    /// Its handler returned.
    case success
    /// It failed, and was tried again.
    case retry
    /// Its handler, or an operator, called it off.
    case cancelled
    /// It failed for good.
    case error
    /// Given back by a worker that shut down.
    case handedBack = "handedback"
    /// Its worker died or lost its lease.
    case crashed
}

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
