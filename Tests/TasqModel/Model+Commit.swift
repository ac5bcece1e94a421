/// How statements end: committed and answered, committed with the answer lost, or aborted.
extension Model {
    func end(_ index: Int, from state: State, into moves: inout [Move]) {
        let flight = state.flights[index]
        if flight.isDone {
            moves.append(commit(index, state, answered: flight.hasClient))
            if flight.hasClient, flight.worker != Flight.nobody, state.losses > 0 {
                var losing = state
                losing.losses &-= 1
                moves.append(commit(index, losing, answered: false))
            }
        }
        if !flight.hasClient || state.losses > 0 {
            var next = state
            if flight.hasClient { next.losses &-= 1 }
            next.isOpen = true
            next.flights.remove(at: index)
            fail(flight, &next)
            moves.append(Move(action: .abort(flight), state: next))
        }
        if state.isOpen, flight.hasClient, flight.worker != Flight.nobody, state.losses > 0 {
            var next = state
            next.losses &-= 1
            next.flights[index].hasClient = false
            loseAnswer(flight, &next)
            moves.append(Move(action: .disconnect(flight), state: next))
        }
    }

    /// Whoever waited for a statement that was undone will say the same again.
    func fail(_ flight: Flight, _ state: inout State) {
        state.isOpen = true
        if flight.hasClient { loseAnswer(flight, &state) }
        tidy(&state)
    }

    private func loseAnswer(_ flight: Flight, _ state: inout State) {
        guard flight.statement == .settle else { return }
        for job in 0..<scope.jobs where flight.parts[job].token != 0 {
            let place = job &* State.slots &+ Int(flight.parts[job].token) &- 1
            if state.runs[place].phase == .settling { state.runs[place].phase = .pending }
        }
    }

    func commit(_ index: Int, _ state: State, answered: Bool) -> Move {
        var next = state
        next.flights.remove(at: index)
        next.isOpen = true
        let flight = state.flights[index]
        var violation: String?
        for job in 0..<scope.jobs {
            let part = flight.parts[job]
            if part.wroteClaim {
                let objection =
                    flight.statement.isClaim
                    ? enterClaim(flight, job, answered, &next) : endClaim(flight, job, &next)
                violation = violation ?? objection
            }
            if part.wroteKey { next.key = flight.statement == .retry ? UInt8(job) &+ 1 : 0 }
            if part.wroteJob {
                next.jobs[job] = written(flight, part, state.jobs[job])
                for other in next.flights.indices where !next.flights[other].parts[job].isOut {
                    if next.flights[other].statement == .cancel {
                        next.flights[other].parts[job].isStale = true
                    }
                    // Those in front began earlier: their `now()` is older than this one's.
                    if other < index, next.flights[other].comparesTime,
                        part.setsTime(flight.statement)
                    {
                        next.flights[other].parts[job].isPostponed = true
                    }
                }
            }
            if part.token != 0 { hear(flight, part, job, answered, &next) }
        }
        tidy(&next)
        violation = violation ?? brokenRule(of: next)
        let isLost = !answered && flight.hasClient && flight.worker != Flight.nobody
        return Move(
            action: isLost ? .commitUnanswered(flight) : .commit(flight), state: next,
            violation: violation)
    }

    /// Makes a claim stand; returns the rule that forbids it, if any.
    private func enterClaim(
        _ flight: Flight, _ job: Int, _ answered: Bool, _ state: inout State
    ) -> String? {
        let part = flight.parts[job]
        let objection = objection(to: part, job, state)
        let base = job &* State.slots
        let places = base..<base &+ State.slots
        guard let place = places.first(where: { state.runs[$0].phase == .none }) else {
            return "the scope has too few numbers for claims"
        }
        state.counted[job] &+= 1
        state.runs[place] = Run(
            phase: !state.isAlive(flight.worker) ? .dropped : answered ? .running : .unknown,
            worker: flight.worker, attempt: part.attempt)
        state.claims[job] = UInt8(place &- base &+ 1)
        return objection
    }

    private func objection(to part: Part, _ job: Int, _ state: State) -> String? {
        let row = state.jobs[job]
        let name = "job \(job + 1)"
        guard row.status == .queued else {
            return row.status.isFinal
                ? "\(name) ended in \(row.status) and runs again (invariant 5)"
                : "\(name) is \(row.status) and is claimed (invariant 3)"
        }
        for place in 0..<State.slots {
            let other = state.runs[job &* State.slots &+ place]
            guard other.phase == .running || other.phase == .unknown else { continue }
            if other.fate == .stands || other.fate != .cancelled && state.hasRow(other.worker) {
                return "two runs of \(name) overlap, and no lease had run out (invariant 2)"
            }
        }
        guard part.attempt == state.counted[job] &+ 1 else {
            return
                "\(name) begins attempt \(part.attempt) after \(state.counted[job]) (invariant 4)"
        }
        return nil
    }

    /// Makes a claim end; returns the rule that forbids it, if any.
    private func endClaim(_ flight: Flight, _ job: Int, _ state: inout State) -> String? {
        let part = flight.parts[job]
        let place = job &* State.slots &+ Int(state.claims[job]) &- 1
        let name = "job \(job + 1)"
        let token = state.claims[job]
        state.claims[job] = 0
        switch flight.statement {
        case .settle:
            if part.verdict == .handedBack {
                state.runs[place].fate = .handedBack
                if state.jobs[job].handbacks < scope.freeHandbacks { state.counted[job] &-= 1 }
            } else {
                state.runs[place].fate = .settled
            }
            return part.token == token
                ? nil : "a late outcome of \(name) ends a claim that is not its own (invariant 2)"
        case .cancel:
            state.runs[place].fate = .cancelled
            return nil
        default:
            state.runs[place].fate = .reaped
            return state.hasRow(state.runs[place].worker)
                ? "the reaper takes \(name) from a worker that is not dead (invariant 2)" : nil
        }
    }

    /// What a worker makes of the answer to a settlement, or of its absence.
    private func hear(
        _ flight: Flight, _ part: Part, _ job: Int, _ answered: Bool, _ state: inout State
    ) {
        let place = job &* State.slots &+ Int(part.token) &- 1
        guard flight.hasClient, state.runs[place].phase == .settling else { return }
        guard answered else {
            state.runs[place].phase = .pending
            return
        }
        state.runs[place].phase = part.wroteJob ? .dropped : .asking
    }

    /// Forgets what makes no difference any more.
    func tidy(_ state: inout State) {
        for job in 0..<scope.jobs {
            var isAsked = false
            for token in 1...State.slots {
                let place = job &* State.slots &+ token &- 1
                guard state.runs[place].phase != .none else { continue }
                let isReferred = state.flights.contains { flight in
                    let part = flight.parts[job]
                    return part.token == UInt8(token) || part.target == UInt8(token)
                }
                if state.runs[place].isOver, !isReferred, state.claims[job] != UInt8(token) {
                    state.runs[place] = Run()
                    if state.jobs[job].lastClaim == UInt8(token) { state.jobs[job].lastClaim = 0 }
                } else if state.jobs[job].lastClaim == UInt8(token) {
                    isAsked = true
                }
            }
            if !isAsked { state.jobs[job].lastClaim = 0 }
        }
    }
}
