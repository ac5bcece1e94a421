import Synchronization

/// How a request looks at the table.
extension ClaimDesk {
    /// Sets of queues whose sweeps go on; of one more, another begins at the head again.
    private static let cursorsLimit = 1000

    /// What the table has for a worker, claimed under this row.
    func sweep(
        for worker: RemoteWorker, _ row: WorkerID
    ) async throws(StoreError) -> [ClaimedJob] {
        do throws(StoreError) {
            return try await swept(for: worker, row)
        } catch {
            leave(row, after: error)
            throw error
        }
    }

    /// Unless nothing was written nobody knows what is claimed under the row by now: it is left to the
    /// reaper with that.
    func leave(_ row: WorkerID, after error: StoreError) {
        switch error {
        case .unavailable, .contended, .full: break
        case .unknown, .rejected, .denied, .misconfigured, .unreadable:
            state.withLock { $0.rows.forget([row]) }
        }
    }

    /// Suspects and the others of a queue take turns; a suspect is handed out alone.
    private func swept(
        for worker: RemoteWorker, _ row: WorkerID
    ) async throws(StoreError) -> [ClaimedJob] {
        if let suspect = try await suspect(for: worker, row) { return [suspect] }
        let (asked, queues) = (ContinuousClock.now, Set(worker.queues))
        let start = state.withLock { $0.cursors[queues]?.start() ?? [:] }
        let sweep = try await store.sweep(
            upTo: worker.limit, for: row, from: worker.queues.shuffled(), behind: start,
            lookingAt: Sweep.reach)
        state.withLock { state in
            var cursors = state.cursors.removeValue(forKey: queues) ?? SweepCursors()
            cursors.note(sweep, of: worker.queues, upTo: worker.limit, from: start)
            guard cursors.goOn else { return }
            // Perhaps nobody asks for that one any more.
            if state.cursors.count >= Self.cursorsLimit { _ = state.cursors.popFirst() }
            state.cursors[queues] = cursors
        }
        meters.sweepTimes.observe(.now - asked)
        meters.swept.add(sweep.jobs.count)
        guard let queue = sweep.suspectsQueue else { return sweep.jobs }
        state.withLock { $0.suspects.hear(of: queue) }
        if sweep.jobs.isEmpty, let suspect = try await suspect(for: worker, row) {
            return [suspect]
        }
        return sweep.jobs
    }

    /// A suspect, where this request is to have one: on queues where an id was known to be of one, or
    /// where a sweep told of one and it is this row's turn.
    private func suspect(
        for worker: RemoteWorker, _ row: WorkerID
    ) async throws(StoreError) -> ClaimedJob? {
        let (known, asks) = state.withLock { state in
            (
                state.suspects.takeKnown(among: worker.queues),
                state.suspects.takeHeard(among: worker.queues)
            )
        }
        if !known.isEmpty {
            let suspect: ClaimedJob?
            do throws(StoreError) {
                suspect = try await store.claimSuspect(for: row, from: Array(known))
            } catch {
                state.withLock { $0.suspects.know(of: known) }
                throw error
            }
            if let suspect {
                // The others' turn is still to come.
                state.withLock { $0.suspects.know(of: known.subtracting([suspect.queue])) }
                return suspect
            }
        }
        guard asks,
            let turn = try await store.suspectsTurn(of: row, on: Array(worker.queues))
        else { return nil }
        return try await store.claimSuspect(for: row, from: [turn.queue])
    }
}
