import Logging

/// What a worker claims, and what it does about ids it did not get.
extension Worker {
    func claim(
        _ ids: [JobID], in session: WorkerSession
    ) async throws(StoreError) -> [ClaimedJob] {
        let asked = ContinuousClock.now
        let jobs = try await store.claim(ids, for: session.id, from: queueNames)
        let time = ContinuousClock.now - asked
        meters.claimTimes.observe(time)
        lookahead.noteClaim(took: time)
        meters.claimed.add(jobs.count)
        start(jobs, askedAt: asked, in: session)
        return jobs
    }

    /// Claims beside the loop, in slots that are kept for it.
    func fly(
        _ ids: [JobID], _ flights: ClaimFlights, in session: WorkerSession,
        _ group: inout DiscardingTaskGroup
    ) {
        executor.reserve(ids.count)
        flights.start()
        group.addTask {
            let result: Result<[ClaimedJob], StoreError>
            do throws(StoreError) {
                result = .success(try await self.claim(ids, in: session))
            } catch {
                result = .failure(error)
            }
            flights.land(ids, result)
            self.executor.release(ids.count)
        }
    }

    /// Takes note of the claims that have come back; the first failure among them.
    func land(_ search: inout Search) -> StoreError? {
        var failure: StoreError?
        for landing in search.flights.landed() {
            switch landing.result {
            case .success(let jobs): note(&search, landing.ids, jobs)
            case .failure(let error):
                search.unclaimed += landing.ids
                search.noteFailure(error)
                failure = failure ?? error
            }
        }
        return failure
    }

    func note(_ search: inout Search, _ ids: [JobID], _ jobs: [ClaimedJob]) {
        search.announcedWait = jobs.map(\.waitedMicroseconds).max() ?? search.announcedWait
        if !jobs.isEmpty { search.noteClaims() }
        search.noteStale(ids.count - jobs.count, of: ids.count)
        guard jobs.count < ids.count else { return }
        let claimed = Set(jobs.map(\.id))
        let missed = ids.filter { !claimed.contains($0) }
        meters.claimMisses.add(missed.count)
        search.missed.formUnion(missed.prefix(max(0, Self.maxMissed - search.missed.count)))
        search.missedSince = min(search.missedSince ?? search.clock.now, search.clock.now)
    }

    /// Looks again at ids that a claim did not get: locked for a moment, or suspects.
    func retryMissed(_ search: inout Search) async throws(StoreError) {
        guard let since = search.missedSince, search.clock.now - since >= Self.missedDelay
        else { return }
        let jobs = try await store.stillQueued(Array(search.missed))
        meters.duplicates.add(search.missed.count - jobs.count)
        search.missed = []
        search.missedSince = nil
        doorbell.ring(claimable(among: jobs, &search))
    }

    /// Those that this worker can claim by their ids. Jobs of kinds that it has no handler for are
    /// announced once more, for others; those nobody took then are found in the table by whoever
    /// knows them, or the list would go round and round.
    func claimable(among jobs: [QueuedJob], _ search: inout Search) -> [Announcement] {
        let known = jobs.filter { knows($0.kind) }
        let foreign = jobs.filter { !knows($0.kind) }.map(\.announcement)
        doorbell.ring(foreign.filter { search.passedOn.insert($0.id) })
        return search.noteSuspects(among: known)
    }

    /// Hands back claims whose answer got lost, or whose end did with a primary. Nothing else claims
    /// for this session meanwhile, so what stands under it and is not held here is not known to this
    /// process, or no longer.
    func handBackUnknown(in session: WorkerSession) async throws(StoreError) {
        let first = try await store.claims(of: session.id).filter { !held.contains($0.claim) }
        guard !first.isEmpty else { return }
        // Asked twice: one whose end was just being written is gone from the second answer.
        let standing = Set(try await store.claims(of: session.id).map(\.claim))
        let unknown = first.filter { standing.contains($0.claim) }
        guard !unknown.isEmpty else { return }
        logger.info(
            "hands back claims that it does not know of", metadata: ["jobs": "\(unknown.count)"])
        for claim in unknown where held.add(claim.claim) {
            meters.handedBack.add()
            settler.settle(Settlement(job: claim.job, claim: claim.claim, verdict: .handedBack))
        }
    }

    /// Looks after jobs that wait for a slot until none does.
    func giveBackLate() {
        guard lookahead.watch() else { return }
        Task {
            await sleep(for: Lookahead.patience)
            self.lookahead.unwatch()
            if self.giveBackWaiting(since: .now - Lookahead.patience) > 0 {
                self.lookahead.noteHeldUp()
            }
            if self.executor.waits > 0 { self.giveBackLate() }
        }
    }

    /// Gives back the jobs that wait for a slot since before `time`, as if never claimed.
    func giveBackWaiting(since time: ContinuousClock.Instant) -> Int {
        let jobs = held.withdraw(executor.withdraw(postedBefore: time))
        for job in jobs {
            settler.settle(Settlement(job: job.id, claim: job.claim, verdict: .unstarted))
        }
        return jobs.count
    }

    /// Announces again what was taken and not claimed. What cannot be announced is swept.
    func giveBack(_ ids: [JobID]) async {
        guard !ids.isEmpty else { return }
        do {
            doorbell.ring(try await store.stillQueued(ids).map(\.announcement))
        } catch {
            logger.info("ids not given back are left to a sweep", metadata: ["error": "\(error)"])
        }
    }

    var queueNames: [Name] { settings.queues.map(\.name) }
}
