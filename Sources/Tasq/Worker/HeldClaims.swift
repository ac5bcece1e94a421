import Synchronization

/// A claim whose handler runs here.
struct RunningClaim: Sendable {
    let job: ClaimedJob
    let run: JobExecutor.Run
}

/// The claims a worker knows of: from the moment it got one until its end is written.
final class HeldClaims: Sendable {
    private struct Holding {
        /// Whether more than one worker died with its job, as far as that is known.
        let isSuspect: Bool
        let run: JobExecutor.Run?
        /// While the handler runs; after that its end is being written.
        var running: RunningClaim?
        /// It was taken away, and the handler has not returned yet.
        var isRevoked = false
        /// When the handler returned, and who counts how long its end then takes to be written.
        var returned: (at: ContinuousClock.Instant, meters: JobMeters)?
    }

    private struct State {
        var claims: [ClaimToken: Holding] = [:]
        /// Raised when a claim is gone; somebody waits for that.
        var whenGone: Signal?
    }

    private let state = Mutex(State())
    private let overdue: OverdueRuns

    /// - Parameter overdue: told of the handlers that are told to stop.
    init(overdue: OverdueRuns) {
        self.overdue = overdue
    }

    /// Its handler starts.
    func start(_ job: ClaimedJob, as run: JobExecutor.Run) {
        let running = RunningClaim(job: job, run: run)
        let holding = Holding(
            isSuspect: job.crashes >= JobLimits.suspectCrashes, run: run, running: running)
        state.withLock { $0.claims[job.claim] = holding }
    }

    /// Its handler is over and its end about to be written; `false` when it was taken from the
    /// handler meanwhile.
    func finish(_ token: ClaimToken, counting meters: JobMeters) -> Bool {
        let now = ContinuousClock.now
        let (isHeld, whenGone) = state.withLock { state -> (Bool, Signal?) in
            guard var holding = state.claims[token] else { return (false, nil) }
            if holding.isRevoked {
                state.claims[token] = nil
                return (false, state.whenGone.take())
            }
            guard holding.running != nil else { return (false, nil) }
            holding.running = nil
            holding.returned = (at: now, meters: meters)
            state.claims[token] = holding
            return (true, nil)
        }
        whenGone?.raise()
        return isHeld
    }

    /// One that nobody here knew of, whose end is about to be written; `false` when it is known.
    /// Whether its job is a suspect is not known either, so it counts as one.
    func add(_ token: ClaimToken) -> Bool {
        state.withLock { state in
            guard state.claims[token] == nil else { return false }
            state.claims[token] = Holding(isSuspect: true, run: nil)
            return true
        }
    }

    /// Whether its handler runs or may start.
    func isRunning(_ token: ClaimToken) -> Bool {
        state.withLock { $0.claims[token]?.running != nil }
    }

    /// Their ends are written.
    func settled(_ ended: [ClaimToken]) {
        let now = ContinuousClock.now
        let whenGone = state.withLock { state in
            for token in ended {
                guard let returned = state.claims.removeValue(forKey: token)?.returned else {
                    continue
                }
                returned.meters.recorded(after: now - returned.at)
            }
            return state.whenGone.take()
        }
        whenGone?.raise()
    }

    /// Their ends will not be written.
    func remove(_ ended: [ClaimToken]) {
        let whenGone = state.withLock { state in
            for token in ended { state.claims[token] = nil }
            return state.whenGone.take()
        }
        whenGone?.raise()
    }

    /// Notes that a claim was taken away while its handler runs, and returns it. Until the handler
    /// returns it is on board.
    func revoke(_ token: ClaimToken) -> RunningClaim? {
        state.withLock { state in
            guard let running = state.claims[token]?.running else { return nil }
            overdue.add(CollectionOfOne(token))
            state.claims[token]?.running = nil
            state.claims[token]?.isRevoked = true
            return running
        }
    }

    /// All handlers are about to be told to stop.
    func noteAllTold() {
        state.withLock { state in
            overdue.add(state.claims.values.lazy.compactMap { $0.running?.job.claim })
        }
    }

    /// Takes all claims from their handlers: their ends are about to be written.
    func finishAll() -> [RunningClaim] {
        state.withLock { state in
            let running = state.claims.values.compactMap(\.running)
            for claim in running { state.claims[claim.job.claim]?.running = nil }
            return running
        }
    }

    /// Takes from their runs the claims of those that never started, and returns their jobs; one
    /// that was taken away meanwhile is gone.
    func withdraw(_ runs: Set<JobExecutor.Run>) -> [ClaimedJob] {
        let (jobs, whenGone) = state.withLock { state -> ([ClaimedJob], Signal?) in
            var jobs: [ClaimedJob] = []
            var isGone = false
            for (token, holding) in state.claims {
                guard let run = holding.run, runs.contains(run) else { continue }
                overdue.remove(token)
                if let running = holding.running {
                    state.claims[token]?.running = nil
                    jobs.append(running.job)
                } else if holding.isRevoked {
                    state.claims[token] = nil
                    isGone = true
                }
            }
            return (jobs, isGone ? state.whenGone.take() : nil)
        }
        whenGone?.raise()
        return jobs
    }

    func contains(_ token: ClaimToken) -> Bool {
        state.withLock { $0.claims[token] != nil }
    }

    /// Waits until this claim is gone, or the task is cancelled.
    func waitUntilGone(_ token: ClaimToken) async {
        while !Task.isCancelled {
            let signal = state.withLock { state -> Signal? in
                guard state.claims[token] != nil else { return nil }
                let signal = state.whenGone ?? Signal()
                state.whenGone = signal
                return signal
            }
            guard let signal else { return }
            await signal.wait()
        }
    }

    /// The claims whose handlers run.
    var running: [RunningClaim] {
        state.withLock { $0.claims.values.compactMap(\.running) }
    }

    /// Whether one of a suspect is among them. Should this worker die now, it was on board, whether
    /// its handler runs or its end is not written yet.
    var haveSuspect: Bool {
        state.withLock { state in state.claims.values.contains { $0.isSuspect } }
    }
}
