import TasqTesting

@testable import TasqModel

/// Plays a scene on the real stage and in the model at once, and compares them step by step.
///
/// Between two gates the model takes the steps of one statement in every order that its rows allow,
/// because the plan is the server's; what the server is seen to do sorts out the states that are
/// still possible. None left: the model is wrong.
final class Rehearsal {
    /// What the two met that is worth having met.
    struct Coverage: Hashable {
        var waited = false
        var waitedAndInserted = false
        var lockedInVain = false
        var deadlocked = false
        var refused = false
        var stale = false
        var brokenRule: String?
    }

    /// A state of the model that what was seen so far leaves possible.
    private struct Possible {
        var state: State
        /// The sessions whose statements are under way, in the order of the state's flights.
        var order: [Int]
        var hasPassed: Set<Int> = []
    }

    private let scene: Scene
    private let stage: RealStage
    private let model: Model
    private var possible: [Possible]
    private var dice: SplitMix
    private var story: [String] = []
    private var positions: [RealStage.Position?] = [nil, nil]
    /// The place of each session's present order among its orders.
    private var next = [0, 0]
    private(set) var coverage = Coverage()

    init(_ scene: Scene, on stage: RealStage) {
        self.scene = scene
        self.stage = stage
        model = Model(scene.scope)
        possible = [Possible(state: scene.start, order: [])]
        dice = SplitMix(seed: scene.seed ^ 0xABCD)
    }

    /// Returns what went wrong, as a story; `nil` if the model saw all of it coming.
    func play() async throws -> String? {
        try await stage.set(scene)
        while true {
            let free = (0..<2).filter {
                next[$0] < scene.orders[$0].count && positions[$0] != .waiting
            }
            guard let session = free.randomElement(using: &dice) else { break }
            switch positions[session] {
            case nil:
                begin(session)
                positions[session] = try await stage.begin(session, order(of: session), scene)
            case .atGate(let point):
                if point == RealStage.claimRow {
                    for index in possible.indices {
                        possible[index].hasPassed.insert(session)
                    }
                }
                positions[session] = try await stage.open(point, of: session)
            case .waiting: break
            case .done:
                if let wrong = try await end(session) { return wrong }
                continue
            }
            if let wrong = compare(session, positions[session]) { return wrong }
            if positions == [.waiting, .waiting], let wrong = try await endDeadlock() {
                return wrong
            }
        }
        guard positions == [nil, nil] else { return failure("nobody can go on") }
        return try await compareOutcome()
    }

    private func order(of session: Int) -> Scene.Order { scene.orders[session][next[session]] }

    private func begin(_ session: Int) {
        for index in possible.indices {
            let state = possible[index].state
            let (flight, rows) = scene.flight(order(of: session), state, model)
            var moves: [Model.Move] = []
            model.start(flight, rows, from: state, into: &moves)
            possible[index].state = moves[0].state
            // Whose outcome is settled does not run any more.
            for job in 0..<2 where flight.parts[job].token != 0 {
                let place = job * State.slots + Int(flight.parts[job].token) - 1
                if possible[index].state.runs[place].phase != .none {
                    possible[index].state.runs[place].phase = .settling
                }
            }
            possible[index].order.append(session)
        }
    }

    /// Ends a transaction, and looks where the other one comes to if it waited for this one.
    private func end(_ session: Int) async throws -> String? {
        let failed = stage.outcome(of: session)?.isFailure ?? false
        let commits = !failed && Int.random(in: 0..<4, using: &dice) > 0
        try await stage.end(session, commits: commits)
        possible = possible.map { item in
            guard let index = item.order.firstIndex(of: session) else { return item }
            var item = item
            item.order.remove(at: index)
            item.hasPassed.remove(session)
            if commits {
                let move = model.commit(index, item.state, answered: true)
                item.state = move.state
                coverage.brokenRule = coverage.brokenRule ?? move.violation
            } else {
                item.state.flights.remove(at: index)
            }
            return item
        }
        tell(session, commits ? "commits" : "is rolled back")
        positions[session] = nil
        next[session] += 1
        let other = 1 - session
        guard positions[other] == .waiting else { return nil }
        coverage.waited = true
        positions[other] = try await stage.position(of: other)
        return positions[other] == .waiting
            ? failure("it waits for nobody") : compare(other, positions[other])
    }

    private func endDeadlock() async throws -> String? {
        coverage.deadlocked = true
        guard possible.contains(where: { model.isDeadlocked($0.state) }) else {
            return failure("a deadlock")
        }
        try await eventually("the server ends the deadlock") {
            (0..<2).contains { stage.outcome(of: $0) != nil }
        }
        let victim = stage.outcome(of: 0) != nil ? 0 : 1
        tell(victim, "is the deadlock's victim")
        positions[victim] = .done
        return nil
    }

    /// Keeps the states in which a session can have come to stand where it was seen.
    private func compare(_ session: Int, _ position: RealStage.Position?) -> String? {
        tell(session, "\(position.map { "\($0)" } ?? "?")")
        if case .failed(let error)? = stage.outcome(of: session) {
            return compareFailure(session, error)
        }
        if position == .atGate(RealStage.scan) {
            // In front of its first step.
            possible = possible.filter { item in
                item.order.firstIndex(of: session).map { !item.state.flights[$0].isDone } ?? false
            }
            return possible.isEmpty ? failure("it has nothing to look for") : nil
        }
        var reached: [Possible] = []
        for item in possible { reached += walked(item, session, to: position) }
        var seen: Set<UInt64> = []
        possible = reached.filter { seen.insert($0.state.fingerprint).inserted }
        return possible.isEmpty ? failure("no step of the model leads there") : nil
    }

    /// All states in which the session's statement has come to this position.
    private func walked(
        _ item: Possible, _ session: Int, to position: RealStage.Position?
    ) -> [Possible] {
        guard let first = item.order.firstIndex(of: session) else { return [] }
        var results: [Possible] = []
        var open = [item]
        var seen: Set<UInt64> = []
        while let item = open.popLast() {
            let flight = item.state.flights[first]
            let steps = (0..<2).compactMap { job in
                model.nextStep(flight, job, item.state).map { (job: job, step: $0) }
            }
            switch position {
            case .done?:
                let moved = (0..<2).reduce(into: UInt8(0)) { moved, job in
                    if flight.parts[job].wroteJob { moved |= 1 << UInt8(job) }
                }
                if flight.isDone, stage.outcome(of: session) == .answered(moved) {
                    results.append(item)
                    note(flight)
                }
            case .waiting?:
                if steps.contains(where: {
                    model.blocker(of: $0.step, first, $0.job, item.state) != nil
                }) {
                    results.append(item)
                }
            case .atGate?:
                if steps.contains(where: { isGated($0.step, flight.parts[$0.job], flight) }) {
                    results.append(item)
                }
            case nil: break
            }
            var moves: [Model.Move] = []
            model.step(first, from: item.state, into: &moves)
            for move in moves {
                guard case .step(_, let job, let step) = move.action else { continue }
                // The gate is there for the whole statement.
                if isGated(step, flight.parts[job], flight), !item.hasPassed.contains(session) {
                    continue
                }
                guard move.state.flights.count == item.state.flights.count else { continue }
                if step == .lock, flight.statement == .cancel, flight.parts[job].isStale {
                    coverage.stale = true
                }
                if step == .insertClaim, coverage.waited,
                    move.state.flights[first].parts[job].wroteClaim
                {
                    coverage.waitedAndInserted = true
                }
                if seen.insert(move.state.fingerprint).inserted {
                    open.append(
                        Possible(
                            state: move.state, order: item.order,
                            hasPassed: item.hasPassed))
                }
            }
        }
        return results
    }

    /// Whether the gate before claims are written stands before this step.
    private func isGated(_ step: Step, _ part: Part, _ flight: Flight) -> Bool {
        switch step {
        case .insertClaim: true
        case .deleteClaim:
            part.target != 0
                && !(flight.statement == .settle && scene.scope.fault == .claimFirstSettle)
        default: false
        }
    }

    private func note(_ flight: Flight) {
        for job in 0..<2 {
            let part = flight.parts[job]
            if part.holdsJob, !part.wroteJob { coverage.lockedInVain = true }
        }
    }

    /// A statement that the server refused: the constraint, or a deadlock's victim.
    private func compareFailure(_ session: Int, _ error: String) -> String? {
        if error == "contended" { return nil }
        coverage.refused = true
        var isForeseen = false
        possible = possible.map { item in
            guard let index = item.order.firstIndex(of: session) else { return item }
            let isFinal = (0..<2).contains { job in
                item.state.flights[index].statement.isClaim && item.state.jobs[job].status.isFinal
            }
            isForeseen = isForeseen || scene.scope.hasConstraint && isFinal
            return item
        }
        return isForeseen && error == "rejected 23514" ? nil : failure("refused: \(error)")
    }

    private func compareOutcome() async throws -> String? {
        let real = try await stage.committed()
        let foreseen = possible.map { item in
            (0..<2).map { job in
                let row = item.state.jobs[job]
                let claim = item.state.claims[job]
                let run = claim == 0 ? nil : item.state.run(job, claim)
                return "\(row.status) attempt \(row.attempt) crashes \(row.crashes) "
                    + "handbacks \(row.handbacks) "
                    + (run.map { "claimed by \($0.worker) as attempt \($0.attempt)" } ?? "unclaimed")
            }
        }
        return foreseen.contains(real) ? nil : failure("\(real) instead of \(foreseen)")
    }

    private func tell(_ session: Int, _ what: String) {
        let list = scene.orders[session]
        let order = list[min(next[session], list.count - 1)]
        story.append("\(order.statement) of \(order.rows) by session \(session): \(what)")
    }

    private func failure(_ what: String) -> String {
        "seed \(scene.seed), \(scene.scope.fault), jobs \(scene.jobs), orders \(scene.orders):\n"
            + story.joined(separator: "\n") + "\nbut \(what)"
    }
}

extension RealStage.Outcome {
    var isFailure: Bool {
        if case .failed = self { true } else { false }
    }
}
