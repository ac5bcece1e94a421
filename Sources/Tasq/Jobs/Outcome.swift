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
}
