/// What must hold whatever happens.
extension Model {
    /// The invariant that a committed state breaks.
    func brokenRule(of state: State) -> String? {
        for job in 0..<scope.jobs {
            let row = state.jobs[job]
            let claim = state.claims[job]
            let name = "job \(job + 1)"
            if (row.status == .executing) != (claim != 0) {
                return claim == 0
                    ? "\(name) is executing without a claim (invariant 3)"
                    : "\(name) is \(row.status) and has a claim (invariant 3)"
            }
            if row.attempt > row.maxAttempts {
                return "\(name) has more attempts than it may (invariant 4)"
            }
            guard scope.sharesKey else { continue }
            let holdsKey = state.key == UInt8(job) &+ 1
            if row.status.isFinal, holdsKey {
                return "\(name) is over and keeps its unique key for ever"
            }
            if !row.status.isFinal, !holdsKey {
                return "\(name) is unfinished without its unique key"
            }
        }
        return nil
    }

    /// Whether statements under way wait for each other.
    func isDeadlocked(_ state: State) -> Bool {
        guard state.flights.count > 1 else { return false }
        var waits = state.flights.indices.map { index in
            state.flights.indices.map { other in waitsFor(index, other, state) }
        }
        for middle in waits.indices {
            for from in waits.indices where waits[from][middle] {
                for to in waits.indices where waits[middle][to] { waits[from][to] = true }
            }
        }
        return waits.indices.contains { waits[$0][$0] }
    }

    private func waitsFor(_ index: Int, _ other: Int, _ state: State) -> Bool {
        (0..<scope.jobs).contains { job in
            guard let step = nextStep(state.flights[index], job, state) else { return false }
            return blocker(of: step, index, job, state) == other
        }
    }

    /// Whether there is nothing left to do.
    func isOver(_ state: State) -> Bool {
        (0..<scope.jobs).allSatisfy { state.jobs[$0].status.isFinal }
    }
}
