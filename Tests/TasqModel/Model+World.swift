/// What begins statements, and what processes do by themselves.
extension Model {
    func begin(from state: State, into moves: inout [Move]) {
        guard state.flights.count < scope.flights else { return }
        for place in 0..<scope.workers where state.isUp[place] {
            beginClaims(place, from: state, into: &moves)
            beginSettlements(place, from: state, into: &moves)
        }
        for rows in nonEmpty(reapable(state)) {
            start(Flight(statement: .reap), rows, from: state, into: &moves)
        }
        if state.operations > 0 {
            var paid = state
            paid.operations &-= 1
            for rows in nonEmpty(allJobs) {
                start(Flight(statement: .cancel), rows, from: paid, into: &moves)
                start(Flight(statement: .retry), rows, from: paid, into: &moves)
            }
        }
        if scope.delaysRetries {
            let due = jobs { state.jobs[$0].status == .scheduled }
            if due != 0 { start(Flight(statement: .promote), due, from: state, into: &moves) }
        }
    }

    /// Any ids may be announced at any time, and again: a claim of any due jobs may begin.
    private func beginClaims(_ place: Int, from state: State, into moves: inout [Move]) {
        let id = state.ids[place]
        guard state.hasRow(id) else { return }
        let isClaiming = state.flights.contains {
            $0.worker == id && $0.hasClient && $0.statement.isClaim
        }
        guard !isClaiming else { return }
        let due = jobs { isDue(state.jobs[$0]) && state.jobs[$0].crashes < scope.suspectCrashes }
        for rows in nonEmpty(due) {
            start(Flight(statement: .claim, worker: id), rows, from: state, into: &moves)
        }
        if due == 3 {
            let sweep = Flight(statement: .sweep, worker: id, takesOne: true)
            start(sweep, due, from: state, into: &moves)
        }
        let suspects = jobs {
            isDue(state.jobs[$0]) && state.jobs[$0].crashes >= scope.suspectCrashes
        }
        if suspects != 0 {
            let suspect = Flight(statement: .suspect, worker: id, takesOne: true)
            start(suspect, suspects, from: state, into: &moves)
        }
    }

    /// A worker settles what has ended, one statement at a time. The handler's end and the
    /// beginning of its settlement are one act, unless the outcome is settled again.
    private func beginSettlements(_ place: Int, from state: State, into moves: inout [Move]) {
        let isSettling = state.flights.contains {
            Int($0.worker & 1) == place && $0.hasClient && $0.statement == .settle
        }
        guard !isSettling else { return }
        var choices: [[(token: UInt8, verdict: Verdict)?]] = [[nil], [nil]]
        for job in 0..<scope.jobs {
            for token in 1...State.slots {
                let run = state.runs[job &* State.slots &+ token &- 1]
                guard Int(run.worker & 1) == place else { continue }
                switch run.phase {
                case .running:
                    choices[job].append((UInt8(token), .success))
                    for verdict in scope.verdicts { choices[job].append((UInt8(token), verdict)) }
                case .pending: choices[job].append((UInt8(token), run.verdict))
                default: break
                }
            }
        }
        for first in choices[0] {
            for second in choices[1] where first != nil || second != nil {
                var flight = Flight(statement: .settle, worker: state.ids[place])
                var next = state
                var rows: UInt8 = 0
                for (job, choice) in [first, second].enumerated() {
                    guard let choice else { continue }
                    flight.parts[job].token = choice.token
                    flight.parts[job].verdict = choice.verdict
                    let index = job &* State.slots &+ Int(choice.token) &- 1
                    next.runs[index].phase = .settling
                    next.runs[index].verdict = choice.verdict
                    rows |= 1 &<< UInt8(job)
                }
                start(flight, rows, from: next, into: &moves)
            }
        }
    }

    /// Takes the statement's snapshot.
    func start(
        _ flight: Flight, _ rows: UInt8, from state: State, into moves: inout [Move]
    ) {
        var flight = flight
        for job in 0..<scope.jobs where rows & (1 &<< UInt8(job)) != 0 {
            flight.parts[job].next = 0
            let claim = state.claims[job]
            switch flight.statement {
            case .settle:
                let token = flight.parts[job].token
                let isOurs =
                    scope.fault == .workerFence
                    ? claim != 0 && state.run(job, claim).worker == flight.worker : claim == token
                flight.parts[job].target = isOurs ? claim : 0
            case .reap, .cancel: flight.parts[job].target = claim
            case .claim, .sweep, .suspect:
                if scope.fault == .naiveClaim || scope.fault == .attemptReadAgain {
                    flight.parts[job].attempt = state.jobs[job].attempt &+ 1
                }
            case .retry, .promote: break
            }
            flight.parts[job].seesKey =
                flight.statement.freesKey && scope.sharesKey && state.key == UInt8(job) &+ 1
        }
        var next = state
        if flight.statement == .reap { next.listed = 0 }
        next.flights.append(flight)
        moves.append(Move(action: .begin(flight), state: next))
    }

    /// Whose claims the reaper takes back.
    private func reapable(_ state: State) -> UInt8 {
        guard scope.fault != .reapWithoutToken else {
            return state.listed & jobs { state.claims[$0] != 0 }
        }
        return orphans(state)
    }

    private func orphans(_ state: State) -> UInt8 {
        jobs { job in
            state.claims[job] != 0 && !state.hasRow(state.run(job, state.claims[job]).worker)
        }
    }

    private func jobs(_ condition: (Int) -> Bool) -> UInt8 {
        var rows: UInt8 = 0
        for job in 0..<scope.jobs where condition(job) { rows |= 1 &<< UInt8(job) }
        return rows
    }

    private var allJobs: UInt8 { scope.jobs == 1 ? 1 : 3 }

    private func nonEmpty(_ rows: UInt8) -> [UInt8] {
        switch rows {
        case 0: []
        case 3: [1, 2, 3]
        default: [rows]
        }
    }
}

// MARK: - Processes

extension Model {
    func act(from state: State, into moves: inout [Move]) {
        for place in 0..<scope.workers {
            if state.isUp[place] {
                die(place, from: state, into: &moves)
                learn(place, from: state, into: &moves)
            } else {
                rise(place, from: state, into: &moves)
            }
        }
        for worker in UInt8(0)..<8 where state.hasRow(worker) {
            bury(worker, from: state, into: &moves)
        }
        for job in 0..<scope.jobs { askAndAudit(job, from: state, into: &moves) }
        if scope.fault == .reapWithoutToken {
            let found = orphans(state)
            if found != 0, found != state.listed {
                var next = state
                next.listed = found
                moves.append(Move(action: .list(found), state: next))
            }
        }
    }

    /// A process dies: its statements go on without it, or are aborted.
    private func die(_ place: Int, from state: State, into moves: inout [Move]) {
        guard state.deaths > 0 else { return }
        var next = state
        next.deaths &-= 1
        next.isUp[place] = false
        drop(place, &next) { _ in true }
        for index in next.flights.indices where next.flights[index].worker < Flight.nobody {
            if Int(next.flights[index].worker & 1) == place {
                next.flights[index].hasClient = false
            }
        }
        tidy(&next)
        moves.append(Move(action: .die(state.ids[place]), state: next))
    }

    private func drop(_ place: Int, _ state: inout State, _ condition: (Run) -> Bool) {
        for index in 0..<6 where Int(state.runs[index].worker & 1) == place {
            if state.runs[index].phase != .none, condition(state.runs[index]) {
                state.runs[index].phase = .dropped
            }
        }
    }

    /// A process comes back under a fresh id.
    private func rise(_ place: Int, from state: State, into moves: inout [Move]) {
        var next = state
        guard register(place, &next) else { return }
        next.isUp[place] = true
        moves.append(Move(action: .rise(next.ids[place]), state: next))
    }

    /// A worker whose heartbeat touched no row discards what it runs and registers anew.
    private func learn(_ place: Int, from state: State, into moves: inout [Move]) {
        guard !state.hasRow(state.ids[place]) else { return }
        var next = state
        drop(place, &next) { $0.phase == .running || $0.phase == .unknown }
        guard register(place, &next) else { return }
        tidy(&next)
        moves.append(Move(action: .learn(state.ids[place], next.ids[place]), state: next))
    }

    /// Takes the first id of this place that nothing refers to: as good as one that never was.
    private func register(_ place: Int, _ state: inout State) -> Bool {
        for generation in 0..<4 {
            let id = UInt8(place &+ 2 &* generation)
            let isKnown =
                state.hasRow(id) || state.isUp[place] && state.ids[place] == id
                || (0..<6).contains { state.runs[$0].phase != .none && state.runs[$0].worker == id }
                || state.flights.contains { $0.worker == id }
            if isKnown { continue }
            state.ids[place] = id
            state.rows |= 1 &<< id
            return true
        }
        return false
    }

    /// The row of a worker that stood still for a lease is deleted; it may be only paused.
    private func bury(_ worker: UInt8, from state: State, into moves: inout [Move]) {
        let isAlive = state.isAlive(worker)
        guard !isAlive || state.pauses > 0 else { return }
        var next = state
        if isAlive { next.pauses &-= 1 }
        next.rows &= ~(1 &<< worker)
        moves.append(Move(action: .bury(worker, isAlive: isAlive), state: next))
    }

    /// settled_before.sql: an outcome was written if the job says so, or the record of the attempt,
    /// for the job may have run again since. A worker asks by the outcome it meant to write, never by
    /// another, so which one was written needs no model.
    private func ask(_ job: Int, _ token: UInt8, from state: State, into moves: inout [Move]) {
        let index = job &* State.slots &+ Int(token) &- 1
        let run = state.runs[index]
        let isRecorded =
            run.verdict != .success && (run.fate == .settled || run.fate == .handedBack)
        let isWritten = state.jobs[job].lastClaim == token || isRecorded
        let stands = state.claims[job] == token
        var next = state
        next.runs[index].phase = stands ? .pending : .dropped
        tidy(&next)
        let name = "an outcome of job \(job + 1)"
        let wasWritten = run.fate == .settled || run.fate == .handedBack
        moves.append(
            Move(
                action: .ask(job, run.worker, isWritten ? "written" : stands ? "held up" : "lost"),
                state: next,
                violation: isWritten && !wasWritten
                    ? "\(name) counts as written and is not (invariant 2)"
                    : !isWritten && wasWritten
                        ? "\(name) was written and counts as lost (invariant 1)" : nil))
    }

    /// What a settlement did not end is asked about, and claims whose answer got lost are looked for.
    private func askAndAudit(_ job: Int, from state: State, into moves: inout [Move]) {
        for token in UInt8(1)...UInt8(State.slots) {
            let index = job &* State.slots &+ Int(token) &- 1
            let run = state.runs[index]
            var next = state
            switch run.phase {
            case .asking:
                ask(job, token, from: state, into: &moves)
            case .unknown:
                let isClaiming = state.flights.contains {
                    $0.worker == run.worker && $0.hasClient && $0.statement.isClaim
                }
                guard !isClaiming, state.ids[Int(run.worker & 1)] == run.worker else { continue }
                if state.claims[job] == token {
                    next.runs[index].phase = .pending
                    next.runs[index].verdict = .handedBack
                } else {
                    next.runs[index].phase = .dropped
                }
                tidy(&next)
                moves.append(Move(action: .audit(job, run.worker), state: next))
            default: break
            }
        }
    }
}
