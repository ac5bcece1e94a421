import Tasq

/// What became of a delivery, as far as the next ones to its target depend on it.
enum Reception: Sendable {
    /// 2xx.
    case taken
    /// The target answered, and did not take this job.
    case refused(Outcome)
    /// The target asked to be left alone for so long.
    case later(after: Duration?, String)
    /// The target did not answer, or said that it is broken; `fault` is that in a few words, none of
    /// them the target's own.
    case failed(Outcome, fault: String)
    /// It says nothing of the target.
    case unsent(Outcome)
}
