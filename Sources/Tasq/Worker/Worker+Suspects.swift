import Logging

/// How a worker runs suspects: jobs that were on board when more than one worker died.
///
/// Such a job may be what killed them, though most are not. After a single crash a job runs like any
/// other: most crashes are lost machines, and what was on board of one is innocent.
extension Worker {
    /// How long a suspect may have a worker to itself, and several in a row before the others' turn.
    static let suspectAlone = Duration.seconds(2)
    /// How long a worker waits for its other jobs to end before a suspect runs beside them.
    static let suspectPatience = Duration.seconds(2)

    /// Runs suspects, one by one, while nothing else runs here: alone, one takes nobody with it. Says
    /// whether it did. The other workers go on meanwhile: a sweep gives the turn to one of them. A
    /// worker that never sweeps has the turn when it hears of a suspect.
    ///
    /// Patience and time alone are bounded, so that long jobs and suspects cannot hold up a worker for
    /// ever, and none is claimed when the turn has passed on; but two of them never run beside each
    /// other, nor one before the end of another is written, so that no innocent one is on board of a
    /// third dead worker.
    func runSuspects(
        _ search: inout Search, in session: WorkerSession
    ) async throws(StoreError) -> Bool {
        var isLast = false
        defer { search.noteSuspectsTime(isLast: isLast) }
        guard !held.haveSuspect else { return false }
        let turnEnd = search.suspectsTurnEnd ?? search.clock.now + Self.suspectPatience * 2
        let patience = min(turnEnd - search.clock.now, Self.suspectPatience)
        guard patience > .zero else { return false }
        _ = await happens(within: patience, unless: nil) {
            await self.executor.waitUntilIdle()
            await self.settler.settled()
            return true
        }
        guard executor.hasVacantSlot else { return false }
        // Suspects and the others take turns: the next sweep points out those that are left.
        let end = min(search.clock.now + Self.suspectAlone, turnEnd)
        while search.clock.now < end, !Task.isCancelled, !session.isReaped {
            let asked = search.clock.now
            let queues = search.suspectsQueue.map { [$0] } ?? queueNames
            guard let suspect = try await store.claimSuspect(for: session.id, from: queues) else {
                isLast = true
                break
            }
            meters.claimed.add()
            search.noteClaims()
            start([suspect], askedAt: asked, in: session)
            let isOver = await happens(within: Self.suspectAlone, unless: nil) {
                await self.held.waitUntilGone(suspect.claim)
                return true
            }
            guard isOver else { break }
        }
        return true
    }
}
