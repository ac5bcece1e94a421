import Logging

/// How a worker runs jobs that were on board when a worker died.
///
/// Such a job may be the one that killed it, but most of them are not. Those that one worker died
/// with start a few at a time: should one kill this worker too, only these few, and those that have
/// run for a while, become grave suspects.
extension Worker {
    /// The share of the slots that suspects of one dead worker may have at a time.
    static let suspectShare = 4
    /// How long a suspect counts as one that may kill. One that runs on is in nobody's way: a few
    /// long jobs would hold up all other suspects until they end.
    static let suspectProof = Duration.seconds(1)
    /// How long after the start of the last one of those no grave suspect runs beside them.
    static let suspectQuiet = Duration.seconds(3)
    /// How long a grave suspect may have a worker to itself, and several in a row before the others'
    /// turn: all workers may be giving way to one at the same moment, and nothing else starts then.
    static let suspectAlone = Duration.seconds(2)
    /// How long a worker waits for its other jobs to end before a grave suspect runs beside them.
    static let suspectPatience = Duration.seconds(2)

    /// Starts suspects, in turn with the others; says whether it did.
    func startSuspects(
        _ suspicion: Suspicion, _ search: inout Search, upTo free: Int, in session: WorkerSession
    ) async throws(StoreError) -> Bool {
        if suspicion == .grave { return try await runGraveSuspects(&search, in: session) }
        // One that kills would take a grave one, which may be innocent, along for the third time.
        guard held.suspects(ofCrashes: 2) == 0 else { return false }
        let share = max(1, settings.concurrency / Self.suspectShare)
        let asked = search.clock.now
        let room = min(free, share - held.suspects(ofCrashes: 1, after: asked - Self.suspectProof))
        // Their slots are taken by others like them; meanwhile the rest goes on.
        guard room > 0 else { return false }
        let suspects = try await store.claimSuspects(
            upTo: room, .first, for: session.id, from: queueNames)
        meters.claimed.add(suspects.count)
        start(suspects, askedAt: asked, in: session)
        if !suspects.isEmpty { search.noteClaims() }
        if suspects.count < room { search.suspect = nil }
        return !suspects.isEmpty
    }

    /// Runs suspects that more than one worker died with, one by one, while nothing else runs here:
    /// alone, one takes nobody with it. Patience and time alone are bounded, so that long jobs and
    /// suspects cannot hold up a worker for ever; but two of them never run beside each other, nor
    /// one before the end of another is written, so that no innocent one is on board of a third
    /// dead worker.
    private func runGraveSuspects(
        _ search: inout Search, in session: WorkerSession
    ) async throws(StoreError) -> Bool {
        search.suspect = nil
        guard held.suspects(ofCrashes: 2) == 0,
            held.suspects(ofCrashes: 1, after: search.clock.now - Self.suspectQuiet) == 0
        else { return false }
        _ = await happens(within: Self.suspectPatience, unless: nil) {
            await self.executor.waitUntilIdle()
            await self.settler.settled()
            return true
        }
        // Suspects and the others take turns: the next sweep points out those that are left.
        let end = search.clock.now + Self.suspectAlone
        while search.clock.now < end, !Task.isCancelled, !session.isReaped,
            case let asked = search.clock.now,
            let suspect = try await store.claimSuspects(
                upTo: 1, .grave, for: session.id, from: queueNames
            ).first
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
