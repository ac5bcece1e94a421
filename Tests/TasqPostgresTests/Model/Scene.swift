@testable import TasqModel

/// Two jobs, and what two sessions do about them: one statement here, two there.
struct Scene {
    /// How a job stands at the beginning.
    enum Standing: CaseIterable {
        case fresh, tried, handedBack, suspect, scheduled, executingByA, executingByB, orphan,
            error,
            cancelled, success
    }

    /// What one session runs.
    struct Order {
        var statement: Statement
        /// Worker A's or B's: 0 or 1.
        var worker: UInt8
        /// The jobs it is about, a bit for each.
        var rows: UInt8
        /// What a settlement says, and whether it belongs to the claim that stands or to one that
        /// was taken away before.
        var verdict = Verdict.success
        var isLate = false
    }

    let seed: UInt64
    let scope: Scope
    let jobs: [Standing]
    /// What each session runs, one after the other.
    let orders: [[Order]]

    init(seed: UInt64, fault: Fault) {
        self.seed = seed
        var dice = SplitMix(seed: seed)
        var scope = Scope()
        scope.fault = fault
        scope.joinsSteps = false
        scope.maxAttempts = 3
        scope.maxCrashes = 3
        scope.suspectCrashes = 2
        scope.freeHandbacks = 1
        scope.hasConstraint = fault != .naiveClaim || seed % 2 == 0
        scope.delaysRetries = seed % 3 == 0
        self.scope = scope
        jobs = (0..<2).map { _ in dice.pick(Standing.allCases) }
        let all: [Statement] = [
            .claim, .claim, .sweep, .suspect, .settle, .settle, .reap, .cancel, .cancel, .retry,
            .promote,
        ]
        // Where a mistake was put back, its statement is the one that the others meet.
        let first: [Statement] =
            switch fault {
            case .naiveClaim: [.claim]
            case .attemptReadAgain: [.claim, .sweep, .suspect]
            case .claimFirstSettle, .workerFence: [.settle]
            case .cancelWithoutVersion: [.cancel]
            default: all
            }
        orders = [[first], [all, all]].map { lists in
            lists.map { statements in
                Order(
                    statement: dice.pick(statements),
                    worker: UInt8.random(in: 0...1, using: &dice),
                    rows: dice.pick([1, 2, 3, 3, 3]),
                    verdict: dice.pick(Verdict.allCases),
                    isLate: UInt8.random(in: 0..<5, using: &dice) == 0)
            }
        }
    }

    /// The worker whose row is gone: its claims are the reaper's.
    static let dead: UInt8 = 2

    /// The beginning, as the model has it. Claims that stand have the number 1, those that were
    /// taken away before, and whose outcomes may still come, the number 2.
    var start: State {
        var state = State(scope)
        for (job, standing) in jobs.enumerated() {
            var row = JobRow(status: .queued, maxAttempts: scope.maxAttempts)
            switch standing {
            case .fresh: break
            case .tried: row.attempt = 1
            case .handedBack: (row.attempt, row.handbacks) = (1, 1)
            case .suspect: (row.attempt, row.crashes) = (2, 2)
            case .scheduled: (row.status, row.attempt) = (.scheduled, 1)
            case .executingByA, .executingByB, .orphan:
                (row.status, row.attempt) = (.executing, 1)
                state.claims[job] = 1
                let worker: UInt8 =
                    standing == .orphan ? Self.dead : standing == .executingByA ? 0 : 1
                state.runs[job * State.slots] = Run(phase: .running, worker: worker, attempt: 1)
            case .error: (row.status, row.attempt) = (.error, 3)
            case .cancelled: row.status = .cancelled
            case .success: (row.status, row.attempt) = (.success, 1)
            }
            state.jobs[job] = row
            state.counted[job] = row.attempt
            state.runs[job * State.slots + 1] = Run(
                phase: .pending, fate: .reaped, worker: 0, attempt: 1)
        }
        return state
    }

    /// The statement as it begins: what it looks for, and the outcomes it carries.
    func flight(_ order: Order, _ state: State, _ model: Model) -> (Flight, rows: UInt8) {
        var flight = Flight(statement: order.statement)
        func those(_ condition: (JobRow) -> Bool) -> UInt8 {
            (0..<2).reduce(into: UInt8(0)) { rows, job in
                if condition(state.jobs[job]) { rows |= 1 << UInt8(job) }
            }
        }
        switch order.statement {
        case .claim:
            flight.worker = order.worker
            return (
                flight, order.rows & those { model.isDue($0) && $0.crashes < scope.suspectCrashes }
            )
        case .sweep:
            flight.worker = order.worker
            flight.takesOne = order.rows != 3
            return (flight, those { model.isDue($0) && $0.crashes < scope.suspectCrashes })
        case .suspect:
            flight.worker = order.worker
            flight.takesOne = true
            return (flight, those { model.isDue($0) && $0.crashes >= scope.suspectCrashes })
        case .settle:
            flight.worker = order.worker
            for job in 0..<2 where order.rows & (1 << UInt8(job)) != 0 {
                flight.parts[job].token = order.isLate ? 2 : 1
                flight.parts[job].verdict = order.verdict
            }
            return (flight, order.rows)
        case .reap:
            let orphans = (0..<2).reduce(into: UInt8(0)) { rows, job in
                let claim = state.claims[job]
                if claim != 0, !state.hasRow(state.run(job, claim).worker) {
                    rows |= 1 << UInt8(job)
                }
            }
            return (flight, orphans)
        case .cancel, .retry: return (flight, order.rows)
        case .promote: return (flight, those { $0.status == .scheduled })
        }
    }
}

/// A small generator that gives the same numbers for the same seed.
struct SplitMix: RandomNumberGenerator {
    var seed: UInt64

    mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[Int.random(in: choices.indices, using: &self)]
    }

    mutating func next() -> UInt64 {
        seed &+= 0x9E37_79B9_7F4A_7C15
        var z = seed
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
