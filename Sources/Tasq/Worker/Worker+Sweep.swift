/// How a worker claims straight from the table, within its loop or beside it.
extension Worker {
    func sweep(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession
    ) async throws(StoreError) -> Sweep {
        let asked = search.clock.now
        let start = search.cursors.start()
        do throws(StoreError) {
            let sweep = try await sweep(upTo: limit, behind: start, in: session)
            search.cursors.note(sweep, of: queueNames, upTo: limit, from: start)
            note(&search, sweep, from: asked, to: search.clock.now)
            return sweep
        } catch {
            search.noteFailedSweep(from: asked, to: search.clock.now)
            throw error
        }
    }

    private func sweep(
        upTo limit: Int, behind cursors: [Name: QueuedCursor], in session: WorkerSession
    ) async throws(StoreError) -> Sweep {
        let asked = ContinuousClock.now
        let sweep = try await store.sweep(
            upTo: limit, for: session.id, from: settings.drawnQueues(), behind: cursors,
            lookingAt: Sweep.reach)
        let time = ContinuousClock.now - asked
        meters.sweepTimes.observe(time)
        lookahead.noteClaim(took: time)
        meters.claimed.add(sweep.jobs.count)
        meters.swept.add(sweep.jobs.count)
        start(sweep.jobs, askedAt: asked, in: session)
        return sweep
    }

    private func note(
        _ search: inout Search, _ sweep: Sweep, from asked: ContinuousClock.Instant,
        to answered: ContinuousClock.Instant
    ) {
        search.noteSweep(of: sweep.jobs, from: asked, to: answered)
        if sweep.suspectsQueue != nil { search.noteSuspect() }
        if !sweep.jobs.isEmpty { search.noteClaims() }
    }

    /// Sweeps beside the loop, into slots that are kept for it.
    func flySweep(
        _ search: inout Search, upTo kept: Int, isIdle: Bool, in session: WorkerSession,
        _ group: inout DiscardingTaskGroup
    ) {
        let flights = search.flights
        let start = search.cursors.start()
        executor.reserve(kept)
        flights.startSweep()
        group.addTask {
            let asked = ContinuousClock.now
            let result: Result<Sweep, StoreError>
            do throws(StoreError) {
                result = .success(
                    try await self.sweep(upTo: kept, behind: start, in: session))
            } catch {
                result = .failure(error)
            }
            flights.land(
                .init(
                    isIdle: isIdle, limit: kept, start: start, result: result, asked: asked,
                    answered: .now))
            self.executor.release(kept)
        }
    }

    /// Takes note of a sweep that has come back; its failure, if it failed.
    func landSweep(_ search: inout Search) -> StoreError? {
        guard let landing = search.flights.landedSweep() else { return nil }
        switch landing.result {
        case .success(let sweep):
            search.cursors.note(
                sweep, of: queueNames, upTo: landing.limit, from: landing.start)
            note(&search, sweep, from: landing.asked, to: landing.answered)
            if landing.isIdle { noteIdleSweep(&search, sweep) }
            return nil
        case .failure(let error):
            search.noteFailedSweep(from: landing.asked, to: landing.answered)
            search.noteFailure(error)
            return error
        }
    }
}
