@testable import TasqModel

/// A mistake, the smallest world it shows in, and what it breaks there.
struct Mistake: Sendable, CustomStringConvertible {
    let world: World
    /// Part of the rule that is broken.
    let rule: String

    var description: String { world.description }

    static let all = [
        Mistake(
            world: World("the naive claim") { scope in
                scope.fault = .naiveClaim
                scope.jobs = 1
                scope.hasConstraint = false
            }, rule: "runs again"),
        Mistake(
            world: World("the naive claim, before the schema's constraint") { scope in
                scope.fault = .naiveClaim
                scope.jobs = 1
            }, rule: "invariant 4"),
        Mistake(
            world: World("the naive claim of two jobs") { scope in
                scope.fault = .naiveClaim
                scope.hasConstraint = false
            }, rule: "deadlock"),
        Mistake(
            world: World("the attempt read again outside the lock") { scope in
                scope.fault = .attemptReadAgain
                scope.freeHandbacks = 0
                scope.verdicts = [.handedBack]
            }, rule: "begins attempt 1 after 1"),
        Mistake(
            world: World("the attempt of a suspect read again outside the lock") { scope in
                scope.fault = .attemptReadAgain
                scope.jobs = 1
                scope.deaths = 2
                scope.maxAttempts = 3
                scope.maxCrashes = 3
            }, rule: "begins attempt 2 after 2"),
        Mistake(
            world: World("claim-first settle against a cancellation") { scope in
                scope.fault = .claimFirstSettle
                scope.operations = 1
            }, rule: "deadlock"),
        Mistake(
            world: World("claim-first settle against the reaper") { scope in
                scope.fault = .claimFirstSettle
                scope.pauses = 1
            }, rule: "deadlock"),
        Mistake(
            world: World("the worker's id as the fence, and an answer that got lost") { scope in
                scope.fault = .workerFence
                scope.losses = 1
            }, rule: "a late outcome"),
        Mistake(
            world: World("the worker's id as the fence, and a job cancelled and retried") { scope in
                scope.fault = .workerFence
                scope.jobs = 1
                scope.operations = 2
            }, rule: "a late outcome"),
        Mistake(
            world: World("a reaper that deletes by the job alone") { scope in
                scope.fault = .reapWithoutToken
                scope.deaths = 1
            }, rule: "a worker that is not dead"),
        Mistake(
            world: World("attempts counted only on failure") { scope in
                scope.fault = .countedOnFailure
                scope.deaths = 1
            }, rule: "begins attempt 1 after 1"),
        Mistake(
            world: World("a cancellation that ignores what was written meanwhile") { scope in
                scope.fault = .cancelWithoutVersion
                scope.operations = 2
                scope.sharesKey = true
            }, rule: "keeps its unique key"),
    ]
}
