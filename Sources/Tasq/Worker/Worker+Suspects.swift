import Logging

/// How a worker runs suspects: jobs that were on board when more than one worker died.
///
/// Such a job may be what killed them, though most are not. After a single crash a job runs like any
/// other: most crashes are lost machines, and what was on board of one is innocent.
extension Worker {
    /// How long a worker waits for its other jobs to end before a suspect runs beside them.
    static let suspectPatience = Duration.seconds(2)

    /// Runs suspects, one by one, while nothing else runs here: alone, one takes nobody with it. The
    /// other workers go on meanwhile: a sweep gives the turn to one of them. A worker that never
    /// sweeps has the turn when it hears of a suspect.
    ///
    /// Patience and time alone are bounded, so that long jobs and suspects cannot hold up a worker for
    /// ever, and none is claimed when the turn has passed on; but two of them never run beside each
    /// other, nor one before the end of another is written, so that no innocent one is on board of a
    /// third dead worker.
    func runSuspects(
        from queues: [Name], until turnEnd: ContinuousClock.Instant?, in session: WorkerSession
    ) async throws(StoreError) -> ClaimLoop.SuspectsTime {
        var time = ClaimLoop.SuspectsTime()
        guard !held.haveSuspect else { return time }
        let turnEnd = turnEnd ?? ContinuousClock.now + Self.suspectPatience * 2
        let patience = min(turnEnd - .now, Self.suspectPatience)
        guard patience > .zero else { return time }
        _ = await happens(within: patience, unless: nil) {
            await self.executor.waitUntilIdle()
            await self.settler.settled()
            return true
        }
        guard executor.hasVacantSlot else { return time }
        time.isOver = true
        // Suspects and the others take turns: the next sweep points out those that are left.
        let end = min(ContinuousClock.now + SuspectTurns.alone, turnEnd)
        while .now < end, !Task.isCancelled, !session.isReaped {
            let asked = ContinuousClock.now
            guard let suspect = try await store.claimSuspect(for: session.id, from: queues) else {
                time.isLast = true
                break
            }
            meters.claimed.add()
            time.claimed += 1
            start([suspect], askedAt: asked, in: session)
            let isOver = await happens(within: SuspectTurns.alone, unless: nil) {
                await self.held.waitUntilGone(suspect.claim)
                return true
            }
            guard isOver else { break }
        }
        return time
    }
}
