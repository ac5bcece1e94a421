import Foundation

@testable import TasqModel

extension World {
    /// What is explored: with `TASQ_MODEL_LARGE=1` all, in minutes and gigabytes of a release build.
    static var explored: [World] {
        ProcessInfo.processInfo.environment["TASQ_MODEL_LARGE"] == nil ? small : small + large
    }

    /// Two workers and two jobs of two attempts, unless it says otherwise.
    private static let small = [
        World("three statements at once") { $0.flights = 3 },
        World("retries that wait for their time") { $0.delaysRetries = true },
        World("jobs handed back") { $0.verdicts = [.retry, .handedBack] },
        World("an operator cancels or retries, once") { $0.operations = 1 },
        World("two operations on jobs of one unique key, one attempt") { scope in
            scope.operations = 2
            scope.sharesKey = true
            scope.maxAttempts = 1
        },
        World("a lost answer, one attempt") { scope in
            scope.losses = 1
            scope.maxAttempts = 1
        },
        World("a worker dies, one attempt") { scope in
            scope.deaths = 1
            scope.maxAttempts = 1
        },
        World("a worker is paused past its lease, one attempt") { scope in
            scope.pauses = 1
            scope.maxAttempts = 1
        },
        World("one job: a death, a pause, a lost answer, one attempt") { scope in
            scope.jobs = 1
            scope.deaths = 1
            scope.pauses = 1
            scope.losses = 1
            scope.maxAttempts = 1
        },
        World("one job: a worker dies, and it runs again") { scope in
            scope.jobs = 1
            scope.deaths = 1
        },
        World("one job: a worker is paused past its lease, and it runs again") { scope in
            scope.jobs = 1
            scope.pauses = 1
        },
    ]

    private static let large = [
        World("two operations, one attempt") { scope in
            scope.operations = 2
            scope.maxAttempts = 1
        },
        World("a lost answer") { $0.losses = 1 },
        World("two lost answers, one attempt") { scope in
            scope.losses = 2
            scope.maxAttempts = 1
        },
        World("a worker dies") { $0.deaths = 1 },
        World("a worker is paused past its lease") { $0.pauses = 1 },
        World("a death and a pause, one attempt") { scope in
            scope.deaths = 1
            scope.pauses = 1
            scope.maxAttempts = 1
        },
        World("one job: a death, a pause, a lost answer and an operation") { scope in
            scope.jobs = 1
            scope.operations = 1
            scope.losses = 1
            scope.deaths = 1
            scope.pauses = 1
        },
        World("one job of one attempt: the same, with three statements at once") { scope in
            scope.jobs = 1
            scope.operations = 1
            scope.losses = 1
            scope.deaths = 1
            scope.pauses = 1
            scope.maxAttempts = 1
            scope.flights = 3
        },
    ]
}
