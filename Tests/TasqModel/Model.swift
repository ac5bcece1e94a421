/// The transactions, the workers and the operators of a scope, and every move they can make.
struct Model: Sendable {
    let scope: Scope

    init(_ scope: Scope) {
        self.scope = scope
    }

    /// A state one move away, and the rule it breaks, if any.
    struct Move {
        var action: Action
        var state: State
        var violation: String?
    }

    /// All moves from a state.
    ///
    /// A statement's snapshot reads only what is committed, and what its steps do before the commit
    /// nobody's snapshot shows. So a beginning moves past other statements' steps without any
    /// difference, and so do the acts of processes. Only one order is looked at: whatever begins
    /// or acts does so right after a commit (or another act), before the next step.
    func successors(of state: State) -> [Move] {
        var moves: [Move] = []
        for index in state.flights.indices {
            step(index, from: state, into: &moves)
            end(index, from: state, into: &moves)
        }
        if state.isOpen {
            begin(from: state, into: &moves)
            act(from: state, into: &moves)
        }
        return moves
    }
}

// MARK: - Steps of statements

extension Model {
    /// The next step of a part that has something to do.
    func nextStep(_ flight: Flight, _ job: Int, _ state: State) -> Step? {
        let part = flight.parts[job]
        guard !part.isOut else { return nil }
        return flight.statement.steps(with: scope.fault)[Int(part.next)]
    }

    /// Every step that a statement can take now. Its plan is not assumed: each row's steps are in
    /// order, and between rows any order is possible that ``mustWait(_:_:_:)`` does not exclude.
    func step(_ index: Int, from state: State, into moves: inout [Move]) {
        let flight = state.flights[index]
        for job in 0..<scope.jobs {
            guard let step = nextStep(flight, job, state) else { continue }
            if mustWait(step, flight, job) { continue }
            if blocker(of: step, index, job, state) != nil { continue }
            var next = state
            next.isOpen = false
            take(step, index, job, &next)
            moves.append(Move(action: .step(flight, job, step), state: next))
        }
    }

    /// Rows are locked, and those that were found are inserted, in one order: that of ids, which
    /// only sweeps do not keep.
    private func mustWait(_ step: Step, _ flight: Flight, _ job: Int) -> Bool {
        guard job == 1, step == .lock || step == .insertClaim, flight.statement != .sweep,
            flight.statement != .suspect
        else { return false }
        let first = flight.parts[0]
        return !first.isOut && first.next <= flight.parts[1].next
    }

    /// The statement under way that this step has to wait for.
    func blocker(of step: Step, _ index: Int, _ job: Int, _ state: State) -> Int? {
        for (other, flight) in state.flights.enumerated() where other != index {
            let theirs = flight.parts[job]
            switch step {
            case .lock: continue  // SKIP LOCKED
            case .insertClaim:
                // Another's row that is inserted or deleted and not committed.
                if theirs.wroteClaim { return other }
            case .deleteClaim:
                // One that is being deleted; an insert under way is not in the snapshot.
                let target = state.flights[index].parts[job].target
                if theirs.wroteClaim, target != 0, target == state.claims[job] { return other }
            case .writeJob:
                if theirs.holdsJob { return other }
            case .takeKey, .freeKey:
                if flight.parts[0].wroteKey || flight.parts[1].wroteKey { return other }
            }
        }
        return nil
    }

    /// Takes a step that nothing blocks.
    private func take(_ step: Step, _ index: Int, _ job: Int, _ state: inout State) {
        var flight = state.flights[index]
        var part = flight.parts[job]
        switch step {
        case .lock:
            let other = flight.parts[1 &- job]
            let isTaken = flight.takesOne && other.holdsJob && (other.wroteJob || !other.isOut)
            let isLocked = state.flights.contains { $0.parts[job].holdsJob }
            if isTaken || isLocked {
                part.next = Part.out
            } else {
                // The newest version is locked, and stays so even if it does not fit any more.
                part.holdsJob = true
                part.next = fits(flight.statement, part, state.jobs[job]) ? 1 : Part.out
                if flight.statement.isClaim, scope.fault != .attemptReadAgain {
                    part.attempt = state.jobs[job].attempt &+ 1
                }
            }
        case .insertClaim:
            if state.claims[job] != 0 || flight.takesOne && flight.parts[1 &- job].wroteClaim {
                part.next = Part.out
            } else {
                part.wroteClaim = true
                part.next &+= 1
            }
        case .deleteClaim:
            if part.target != 0, part.target == state.claims[job] {
                part.wroteClaim = true
                part.next &+= 1
            } else {
                part.next = Part.out
            }
        case .writeJob:
            if scope.hasConstraint, flight.statement.isClaim, state.jobs[job].status.isFinal {
                // finished_iff_final refuses the row, and with it the whole statement.
                state.flights.remove(at: index)
                return fail(flight, &state)
            }
            part.holdsJob = true
            part.wroteJob = true
            part.next &+= 1
        case .takeKey:
            if state.key != 0 || flight.parts[1 &- job].wroteKey {
                part.next = Part.out
            } else {
                part.wroteKey = true
                part.next &+= 1
            }
        case .freeKey:
            part.wroteKey = state.key == UInt8(job) &+ 1
            part.next &+= 1
        }
        skipIdleSteps(flight, job, &part, state)
        flight.parts[job] = part
        state.flights[index] = flight
        guard scope.joinsSteps, scope.fault.locksFirst, part.holdsJob,
            let next = nextStep(flight, job, state), next != .takeKey, next != .freeKey,
            blocker(of: next, index, job, state) == nil
        else { return }
        take(next, index, job, &state)
    }

    /// Whether a locked row still fits the conditions of the select that locked it.
    private func fits(_ statement: Statement, _ part: Part, _ row: JobRow) -> Bool {
        switch statement {
        case .claim, .sweep: isDue(row) && row.crashes < scope.suspectCrashes && !part.isPostponed
        case .suspect: isDue(row) && row.crashes >= scope.suspectCrashes && !part.isPostponed
        case .settle, .reap: true
        case .cancel:
            !row.status.isFinal && (!part.isStale || scope.fault == .cancelWithoutVersion)
        case .retry: row.status == .scheduled || row.status == .error || row.status == .cancelled
        case .promote: row.status == .scheduled && !part.isPostponed
        }
    }

    func isDue(_ row: JobRow) -> Bool {
        row.status == .queued && row.attempt < row.maxAttempts
    }

    /// Passes over steps that have nothing to do with this row.
    private func skipIdleSteps(_ flight: Flight, _ job: Int, _ part: inout Part, _ state: State) {
        let steps = flight.statement.steps(with: scope.fault)
        while !part.isOut {
            guard Int(part.next) < steps.count else {
                part.next = Part.out
                return
            }
            let row = state.jobs[job]
            let isIdle =
                switch steps[Int(part.next)] {
                case .deleteClaim: flight.statement == .cancel && row.status != .executing
                case .takeKey: !scope.sharesKey || !row.status.isFinal
                case .freeKey:
                    !part.seesKey || !written(flight, part, row).status.isFinal
                default: false
                }
            guard isIdle else { return }
            part.next &+= 1
        }
    }

    /// The new version of a job's row.
    func written(_ flight: Flight, _ part: Part, _ row: JobRow) -> JobRow {
        var row = row
        switch flight.statement {
        case .claim, .sweep, .suspect:
            row.status = .executing
            if scope.fault != .countedOnFailure { row.attempt = part.attempt }
        case .settle: settle(part, &row)
        case .reap:
            row.crashes &+= 1
            let isOver = row.crashes >= scope.maxCrashes || row.attempt >= row.maxAttempts
            row.status = isOver ? .error : .queued
        case .cancel: row.status = .cancelled
        case .retry:
            row.status = .queued
            row.handbacks = 0
            row.maxAttempts = max(row.maxAttempts, row.attempt &+ 1)
        case .promote: row.status = .queued
        }
        return row
    }

    private func settle(_ part: Part, _ row: inout JobRow) {
        switch part.verdict {
        case .success:
            row.status = .success
            row.lastClaim = part.token
        case .retry:
            if scope.fault == .countedOnFailure { row.attempt &+= 1 }
            let isLast = row.attempt >= row.maxAttempts
            row.status = isLast ? .error : scope.delaysRetries ? .scheduled : .queued
            if !isLast { row.crashes = 0 }
            row.lastClaim = part.token
        case .handedBack:
            if row.handbacks < scope.freeHandbacks {
                row.handbacks &+= 1
                row.attempt &-= 1
                row.status = .queued
            } else {
                row.status = row.attempt >= row.maxAttempts ? .error : .queued
            }
        }
    }
}
