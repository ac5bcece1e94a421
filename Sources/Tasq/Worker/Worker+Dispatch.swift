import Logging

/// How a worker finds work: announced ids first, the table when idle and every so often.
extension Worker {
    /// How long a suspect may have a worker to itself.
    static let suspectAlone = Duration.seconds(10)
    /// How long a worker waits for its other jobs to end before it runs a suspect beside them.
    static let suspectPatience = Duration.seconds(5)
    /// Ids that a claim did not get and that are looked at again; more are left to the sweep.
    static let maxMissed = 10_000
    /// How long after the claim they are looked at.
    static let missedDelay = Duration.milliseconds(100)
    /// How often a worker that ever missed a claim's answer looks for claims it does not know of:
    /// the lost statement may have been committed late.
    static let auditEvery = Duration.seconds(30)
    /// Jobs that a sweep finds are taken to be lost from the list when they have waited this much
    /// longer, in microseconds, than those that the list gives.
    static let lostAfter: Int64 = 1_000_000
    /// The longest pause between two looks of an idle worker at the table, in poll intervals.
    static let idlePolls = 5
    /// Ids or jobs of one claim.
    static let claimLimit = 500

    /// What the loop remembers from one round to the next.
    private struct Search {
        let clock = ContinuousClock()
        var batches = 0
        var lastSweep: ContinuousClock.Instant?
        var pollPause = Backoff(from: .milliseconds(20), to: .seconds(1))
        var outage = Backoff(from: .milliseconds(100), to: .seconds(2))
        var doorbellIsOut = false
        var isFilled = false
        /// How long the next take waits for an announcement.
        var idleWait = Duration.zero
        /// Taken, but the store could not be asked.
        var unclaimed: [JobID] = []
        /// Offered to a claim that did not return them.
        var missed: Set<JobID> = []
        var missedSince: ContinuousClock.Instant?
        var suspectWaits = false
        /// How long the last announced jobs had waited, in microseconds; unknown before the first.
        var announcedWait: Int64?
        /// The last sweep found jobs whose announcement got lost, and there may be more.
        var sweepsAgain = false
        /// The last sweep left no room for a take, so the next turn is the list's.
        var owesTake = false
        /// The answer of a claim got lost: jobs may be claimed that this worker does not know of.
        /// Look for them from this moment on.
        var auditAt: ContinuousClock.Instant?
    }

    /// Finds and starts jobs until the task is cancelled or the session is over.
    func dispatch(in session: WorkerSession) async {
        var search = Search()
        search.pollPause = Backoff(from: .milliseconds(20), to: settings.pollInterval)
        search.idleWait = settings.pollInterval
        while !Task.isCancelled, !session.isReaped {
            // Behind the jobs just started: those that end at once leave their slots to this claim,
            // which doubles its size under a backlog of short jobs.
            await Task.yield()
            let free = await executor.waitForFreeSlot()
            guard free > 0, !Task.isCancelled else { break }
            if settings.onLeaseUnknown == .cancel, session.isUnknown {
                await sleep(for: Self.missedDelay)
                continue
            }
            do throws(StoreError) {
                if let time = search.auditAt, search.clock.now >= time {
                    try await handBackUnknown(in: session)
                    search.auditAt = search.clock.now + Self.auditEvery
                }
                if search.suspectWaits {
                    try await runSuspects(&search, in: session)
                    continue
                }
                let limit = min(free, Self.claimLimit)
                // Without a doorbell there is nothing to wait for but the table.
                switch announcer.rings ? settings.findWork : .poll {
                case .poll:
                    try await poll(&search, upTo: limit, in: session)
                case .push, .pushAndSweep:
                    try await push(&search, upTo: limit, in: session)
                }
                if search.outage.attempts > 0 { logger.info("postgres answers again") }
                search.outage.reset()
            } catch {
                if case .unknown = error { search.auditAt = search.clock.now }
                if search.outage.attempts == 0 {
                    logger.warning("cannot look for work", metadata: ["error": "\(error)"])
                }
                await search.outage.pause()
            }
        }
        if search.auditAt != nil, !session.isReaped {
            do {
                try await handBackUnknown(in: session)
            } catch {
                logger.warning(
                    "claims may be left to the lease", metadata: ["error": "\(error)"])
            }
        }
        await giveBack(search.unclaimed + search.missed)
    }

    private func push(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession
    ) async throws(StoreError) {
        try await retryMissed(&search)
        let sweeps = settings.findWork == .pushAndSweep
        let isTime =
            search.lastSweep.map { search.clock.now - $0 >= settings.pollInterval } ?? true
        // Before the take: under a full list a take fills every slot, and a row whose
        // announcement got lost would wait for as long as the list does not empty.
        let isTurn = search.batches % settings.sweepEvery == settings.sweepEvery - 1
        if sweeps, search.unclaimed.isEmpty, !search.owesTake,
            isTime || isTurn || search.sweepsAgain
        {
            search.batches += 1
            search.owesTake = try await sweep(&search, upTo: limit, in: session) >= limit
            guard !search.owesTake else { return }
            return try await takeAndClaim(&search, upTo: executorRoom(limit), in: session)
        }
        try await takeAndClaim(&search, upTo: limit, in: session)
    }

    /// What of `limit` is still free after a sweep has started jobs.
    private func executorRoom(_ limit: Int) -> Int {
        max(0, min(limit, settings.concurrency - executor.load))
    }

    /// Announced ids, and the table when there are none.
    private func takeAndClaim(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession
    ) async throws(StoreError) {
        guard limit > 0 else { return }
        search.owesTake = false
        let sweeps = settings.findWork == .pushAndSweep
        if search.unclaimed.isEmpty, search.isFilled || sweeps {
            search.unclaimed = await take(&search, upTo: limit)
        }
        search.batches += 1
        let ids = search.unclaimed
        var free = limit
        if !ids.isEmpty {
            let jobs = try await store.claim(ids, for: session.id, from: queueNames)
            search.unclaimed = []
            meters.claimed.add(jobs.count)
            for job in jobs { start(job, in: session) }
            search.announcedWait =
                jobs.map(\.waitedMicroseconds).max() ?? search.announcedWait
            noteMissed(&search, ids, jobs)
            free -= jobs.count
        }
        guard sweeps ? ids.isEmpty : !search.isFilled, free > 0 else { return }
        let found = try await sweep(&search, upTo: free, in: session)
        if found == 0 { search.isFilled = true }
        search.idleWait =
            found == 0
            ? min(search.idleWait * 2, settings.pollInterval * Self.idlePolls)
            : settings.pollInterval
        if search.doorbellIsOut, found == 0 {
            await search.pollPause.pause()
        } else {
            search.pollPause.reset()
        }
    }

    private func poll(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession
    ) async throws(StoreError) {
        if try await sweep(&search, upTo: limit, in: session) == 0 {
            await search.pollPause.pause()
        } else {
            search.pollPause.reset()
        }
    }

    /// Takes announced ids; none when the doorbell is out of order, after noting so.
    private func take(_ search: inout Search, upTo limit: Int) async -> [JobID] {
        // While somebody's lock is waited for, the wait is short. Otherwise an idle worker looks at
        // the table whenever it has waited, first after a poll interval, then less and less often.
        let wait =
            search.missed.isEmpty
            ? max(search.idleWait, settings.pollInterval) : Self.missedDelay
        do {
            let ids = try await announcer.take(
                upTo: limit, from: settings.drawnQueues(), wait: wait)
            if search.doorbellIsOut {
                search.doorbellIsOut = false
                logger.info("announcements arrive again")
            }
            meters.taken.add(ids.count)
            if !ids.isEmpty { search.idleWait = settings.pollInterval }
            return ids
        } catch {
            if !search.doorbellIsOut, !Task.isCancelled {
                search.doorbellIsOut = true
                logger.warning(
                    "no announcements: polling the table", metadata: ["error": "\(error)"])
            }
            return []
        }
    }

    @discardableResult
    private func sweep(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession
    ) async throws(StoreError) -> Int {
        let sweep = try await store.sweep(
            upTo: limit, for: session.id, from: settings.drawnQueues())
        search.lastSweep = search.clock.now
        // Lost ones are many or none: a sweep and a take go by turns until they are found.
        let longestWait = sweep.jobs.map(\.waitedMicroseconds).max() ?? 0
        search.sweepsAgain =
            search.announcedWait.map { longestWait - $0 > Self.lostAfter } ?? false
        search.suspectWaits = search.suspectWaits || sweep.suspectWaits
        meters.claimed.add(sweep.jobs.count)
        meters.swept.add(sweep.jobs.count)
        for job in sweep.jobs { start(job, in: session) }
        return sweep.jobs.count + (sweep.suspectWaits ? 1 : 0)
    }

    /// Runs suspects one by one while nothing else runs here. A job that was on board when a
    /// worker died may be the one that killed it: alone, it takes nobody with it. Patience and
    /// time alone are bounded, so that long jobs and suspects cannot hold up a worker for ever.
    private func runSuspects(
        _ search: inout Search, in session: WorkerSession
    ) async throws(StoreError) {
        search.suspectWaits = false
        _ = await happens(within: Self.suspectPatience, unless: nil) {
            await self.executor.waitUntilIdle()
        }
        // Suspects and the others take turns: the next sweep points out those that are left.
        let end = search.clock.now + Self.suspectAlone
        while search.clock.now < end, !Task.isCancelled, !session.isReaped,
            let suspect = try await store.claimSuspect(for: session.id, from: queueNames)
        {
            meters.claimed.add()
            start(suspect, in: session)
            let isOver = await happens(within: Self.suspectAlone, unless: nil) {
                await self.executor.waitUntilIdle()
            }
            guard isOver else { return }
        }
    }

    private func noteMissed(_ search: inout Search, _ ids: [JobID], _ jobs: [ClaimedJob]) {
        guard jobs.count < ids.count else { return }
        let claimed = Set(jobs.map(\.id))
        let missed = ids.filter { !claimed.contains($0) }
        meters.claimMisses.add(missed.count)
        search.missed.formUnion(missed.prefix(max(0, Self.maxMissed - search.missed.count)))
        search.missedSince = search.missedSince ?? search.clock.now
    }

    /// Looks again at ids that a claim did not get: locked for a moment, or suspects.
    private func retryMissed(_ search: inout Search) async throws(StoreError) {
        guard let since = search.missedSince, search.clock.now - since >= Self.missedDelay
        else { return }
        let jobs = try await store.stillQueued(Array(search.missed))
        search.missed = []
        search.missedSince = nil
        search.suspectWaits = jobs.contains(where: \.isSuspect)
        doorbell.ring(jobs.filter { !$0.isSuspect }.map(\.announcement))
    }

    /// Hands back claims whose answer got lost. Nothing else claims for this session meanwhile, so
    /// what stands under it and is not held here was never handed to this process.
    private func handBackUnknown(in session: WorkerSession) async throws(StoreError) {
        let first = try await store.claims(of: session.id).filter { !held.contains($0.claim) }
        guard !first.isEmpty else { return }
        // Asked twice: one whose end was just being written is gone from the second answer.
        let standing = Set(try await store.claims(of: session.id).map(\.claim))
        let unknown = first.filter { standing.contains($0.claim) }
        logger.info(
            "hands back claims whose answer got lost", metadata: ["jobs": "\(unknown.count)"])
        for claim in unknown {
            held.add(claim.claim)
            meters.handedBack.add()
            settler.settle(Settlement(job: claim.job, claim: claim.claim, verdict: .handedBack))
        }
    }

    /// Announces again what was taken and not claimed. What cannot be announced is swept.
    private func giveBack(_ ids: [JobID]) async {
        guard !ids.isEmpty else { return }
        do {
            doorbell.ring(try await store.stillQueued(ids).map(\.announcement))
        } catch {
            logger.info("ids not given back are left to a sweep", metadata: ["error": "\(error)"])
        }
    }

    private var queueNames: [Name] { settings.queues.map(\.name) }
}
