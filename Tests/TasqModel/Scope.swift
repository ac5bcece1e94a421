/// How much of the world is explored: every interleaving of what this allows is looked at.
package struct Scope: Sendable {
    /// One or two.
    package var jobs = 2
    /// One or two processes; a dead one comes back under a fresh id.
    package var workers = 2
    /// Statements under way at once, at most three.
    package var flights = 2
    /// Attempts of every job.
    package var maxAttempts: UInt8 = 2
    /// Crashes after which a job is given up.
    package var maxCrashes: UInt8 = 2
    /// Crashes from which on a job is a suspect, which claims and sweeps leave; one less than in
    /// claim.sql, so that worlds in which one worker dies have suspects.
    package var suspectCrashes: UInt8 = 1
    /// Hand-backs that cost no attempt.
    package var freeHandbacks: UInt8 = 1
    /// Worker processes that die, between any two steps.
    package var deaths: UInt8 = 0
    /// Workers that are paused past their lease: buried while they go on.
    package var pauses: UInt8 = 0
    /// Statements that abort, whose connection breaks while they go on, or whose answer gets lost.
    package var losses: UInt8 = 0
    /// Jobs cancelled or retried by an operator: statements.
    package var operations: UInt8 = 0
    /// How handlers may end, beside success.
    package var verdicts: [Verdict] = [.retry]
    /// Whether a failed attempt waits in `scheduled` for its promotion.
    package var delaysRetries = false
    /// Whether both jobs have the same unique key; the second begins in `error`, without it.
    package var sharesKey = false
    /// The constraint that a final job has an end and no other has.
    package var hasConstraint = true
    /// The mistake that is put back.
    package var fault = Fault.none
    /// Whether what a statement does to a row behind its lock counts as one step. Where every
    /// statement locks a job's row before it touches anything of that job, and none waits for such a
    /// lock, nobody can come between; a test compares both.
    package var joinsSteps = true

    /// Two jobs and two workers to whom nothing happens.
    package init() {}
}

/// A mistake to put back.
package enum Fault: Sendable, CaseIterable {
    case none
    /// Claims insert from a plain select, without locking the job's row.
    case naiveClaim
    /// Claims take the attempt's number from a second look at the row, outside the lock.
    case attemptReadAgain
    /// The settlement deletes the claim before it locks the job's row.
    case claimFirstSettle
    /// The settlement is fenced by the worker instead of the claim's token.
    case workerFence
    /// The reaper lists orphans first and then deletes their claims by the job alone.
    case reapWithoutToken
    /// The claim counts nothing; a failed attempt does when it is settled.
    case countedOnFailure
    /// The cancellation goes by what it locks, without asking whether it was written meanwhile.
    case cancelWithoutVersion
}

extension Fault {
    /// Whether every statement locks the job's row first.
    var locksFirst: Bool { self != .naiveClaim && self != .claimFirstSettle }
}

/// How a handler ended, as it is settled.
package enum Verdict: UInt8, Sendable, CaseIterable {
    case success
    /// Again if attempts are left, otherwise `error`.
    case retry
    case handedBack
}
