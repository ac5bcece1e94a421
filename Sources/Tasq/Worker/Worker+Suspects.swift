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
    /// whether it did. The other workers go on meanwhile: a sweep gives the turn to one of them.
    ///
    /// Patience and time alone are bounded, so that long jobs and suspects cannot hold up a worker for
    /// ever; but two of them never run beside each other, nor one before the end of another is written,
    /// so that no innocent one is on board of a third dead worker.
    func runSuspects(
        _ search: inout Search, in session: WorkerSession
    ) async throws(StoreError) -> Bool {
        search.isSuspectsTurn = false
        guard !held.haveSuspect else { return false }
        _ = await happens(within: Self.suspectPatience, unless: nil) {
            await self.executor.waitUntilIdle()
            await self.settler.settled()
            return true
        }
        // Suspects and the others take turns: the next sweep points out those that are left.
        let end = search.clock.now + Self.suspectAlone
        while search.clock.now < end, !Task.isCancelled, !session.isReaped,
            case let asked = search.clock.now,
            let suspect = try await store.claimSuspect(for: session.id, from: queueNames)
        {
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
