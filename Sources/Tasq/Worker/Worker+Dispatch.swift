import Logging

/// How a worker finds work: announced ids first, the table when idle and every so often.
extension Worker {
    /// Ids that a claim did not get and that are looked at again; more are left to the sweep.
    static let maxMissed = 10_000
    /// How long after the claim they are looked at.
    static let missedDelay = Duration.milliseconds(100)
    /// How often a worker that claims, or whose PostgreSQL failed, looks for claims that stand under
    /// it and that it does not know of.
    static let auditEvery = Duration.seconds(30)
    /// Jobs that a sweep finds are taken to be lost from the list when they have waited this much
    /// longer, in microseconds, than those that the list gives.
    static let lostAfter: Int64 = 1_000_000
    /// The longest pause between two looks of an idle worker at the table, in poll intervals.
    static let idlePolls = 5
    /// How often a worker that goes by Redis alone looks at the table all the same, in poll intervals:
    /// ids get lost with a worker, off a list that was too long, or among workers that know other kinds.
    static let netPolls = 30
    /// Ids or jobs of one claim.
    static let claimLimit = 500
    /// A claim of at least so many ids goes on beside the next take; fewer are soon done.
    static let flightLeast = 4
    /// Claims under way at once.
    static let flightLimit = 2
    /// Between the starts of two claims when the first one's jobs came together but left none on
    /// the list: they come faster than a statement for each few of them is worth. A job that comes
    /// alone is claimed at once.
    static let pace = Duration.milliseconds(2)
    /// A sweep that takes so long is in the way of the takes, and the next one is not waited for.
    static let longSweep = Duration.milliseconds(10)
    /// The share of the slots that are kept for what such a sweep finds beside a list that gives
    /// work, or beside it for the list once that is empty.
    static let sweepShare = 8
    /// Half of the slots are claimed at once, where that is a batch worth its statement: while one
    /// half is claimed the other one starts.
    static let batchLeast = 100

    /// Finds and starts jobs until the task is cancelled or the session is over.
    func dispatch(in session: WorkerSession) async {
        var search = Search()
        search.pollPause = Backoff(from: .milliseconds(20), to: settings.pollInterval)
        search.idleWait = settings.pollInterval
        search.kinds = session.record.kinds
        search.takesEveryTurn = announcer.rings && settings.findWork == .push
        await withDiscardingTaskGroup { group in
            await look(&search, in: session, &group)
        }
        _ = land(&search)
        _ = landSweep(&search)
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

    private func look(
        _ search: inout Search, in session: WorkerSession, _ group: inout DiscardingTaskGroup
    ) async {
        while !Task.isCancelled, !session.isReaped {
            // Behind the jobs just started: those that end at once leave their slots to this claim,
            // which doubles its size under a backlog of short jobs.
            await Task.yield()
            if let time = search.restsUntil {
                if time > search.clock.now { await sleep(for: time - search.clock.now) }
                search.restsUntil = nil
            }
            executor.lookAhead(lookahead.count)
            let free = await executor.waitForFreePlace()
            guard free > 0, !Task.isCancelled else { break }
            if settings.onLeaseUnknown == .cancel, session.isUnknown {
                await sleep(for: Self.missedDelay)
                continue
            }
            do throws(StoreError) {
                if kinds != search.kinds {
                    let kinds = kinds
                    try await store.declare(kinds, of: session.id)
                    search.noteKinds(kinds)
                }
                if let failure = land(&search) { throw failure }
                if let failure = landSweep(&search) { throw failure }
                if search.owesAudit, !search.flights.isSweeping {
                    await executor.waitUntilAllHaveCome()
                    guard !Task.isCancelled else { break }
                    try await handBackUnknown(in: session)
                    search.noteAudit()
                }
                // Behind the jobs of the sweep that told of a suspect: they run by now.
                if search.asksTurn {
                    let asked = search.clock.now
                    search.noteQuestion()
                    if let turn = try await store.suspectsTurn(of: session.id, on: queueNames) {
                        search.noteTurn(turn, from: asked)
                    }
                }
                // Its answer may be older than what is known of suspects, and its jobs may come late.
                if search.owesSuspects, !search.flights.isSweeping,
                    try await runSuspects(&search, in: session)
                {
                    continue
                }
                let limit = min(
                    free, max(settings.concurrency / 2, Self.batchLeast), Self.claimLimit)
                // Without a doorbell there is nothing to wait for but the table.
                switch announcer.rings ? settings.findWork : .poll {
                case .poll:
                    try await poll(&search, upTo: limit, in: session)
                case .push, .pushAndSweep:
                    try await push(&search, upTo: limit, in: session, &group)
                }
                search.outage.reset()
            } catch {
                search.noteFailure(error)
                if search.outage.attempts == 0 {
                    store.tell(logger, "cannot look for work", error)
                }
                await search.outage.pause()
            }
        }
    }

    private func push(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession,
        _ group: inout DiscardingTaskGroup
    ) async throws(StoreError) {
        try await retryMissed(&search)
        let sweeps = settings.findWork == .pushAndSweep
        if sweeps, search.unclaimed.isEmpty, bell.isOut {
            return try await poll(&search, upTo: limit, in: session)
        }
        if !sweeps, search.isFilled, search.unclaimed.isEmpty, !search.restsFromSweep,
            let last = search.lastSweep,
            search.cursors.goOn
                || search.clock.now - last >= settings.pollInterval * Self.netPolls
        {
            let found = try await sweep(&search, upTo: limit, in: session).jobs.count
            search.isFilled = !(search.listIsEmpty && found > 0)
            return
        }
        let isTime =
            search.lastSweep.map { search.clock.now - $0 >= settings.pollInterval } ?? true
        // Before the take: under a full list a take fills every slot, and a row whose
        // announcement got lost would wait for as long as the list does not empty.
        let isTurn = search.batches % settings.sweepEvery == settings.sweepEvery - 1
        if sweeps, search.unclaimed.isEmpty, !search.owesTake, !search.restsFromSweep,
            isTime || isTurn || search.sweepsAgain || search.cursors.goOn
        {
            search.batches += 1
            if search.sweepFlies {
                let kept = min(limit, max(1, settings.concurrency / Self.sweepShare))
                flySweep(&search, upTo: kept, isIdle: false, in: session, &group)
                search.owesTake = kept == limit
                return try await takeAndClaim(&search, upTo: limit - kept, in: session, &group)
            }
            search.owesTake = try await sweep(&search, upTo: limit, in: session).jobs.count >= limit
            guard !search.owesTake else { return }
            return try await takeAndClaim(
                &search, upTo: min(limit, executor.free), in: session, &group)
        }
        try await takeAndClaim(&search, upTo: limit, in: session, &group)
    }

    /// The list lags behind the table: sweeps have claimed what it announces first, as they do after
    /// an outage. Its old ids are looked at more and more at a time, or they would be in the way of
    /// new ones for as long as there is work. What could be claimed beyond `limit` is announced anew.
    private func dropStale(_ search: inout Search, beyond limit: Int) async throws(StoreError) {
        let ids = search.unclaimed
        let jobs = try await store.stillQueued(ids)
        meters.claimMisses.add(ids.count - jobs.count)
        meters.duplicates.add(ids.count - jobs.count)
        search.noteStale(ids.count - jobs.count, of: ids.count)
        let claimable = claimable(among: jobs, &search)
        var queued = Dictionary(claimable.map { ($0.id, $0) }) { $1 }
        let inOrder = ids.compactMap { queued.removeValue(forKey: $0) }
        search.unclaimed = inOrder.prefix(limit).map(\.id)
        doorbell.ring(Array(inOrder.dropFirst(limit)))
    }

    /// Announced ids, and the table when there are none.
    private func takeAndClaim(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession,
        _ group: inout DiscardingTaskGroup
    ) async throws(StoreError) {
        guard limit > 0 else { return }
        search.owesTake = false
        let sweeps = settings.findWork == .pushAndSweep
        if search.unclaimed.isEmpty, search.isFilled || sweeps {
            // A sweep makes the next take stale; only more than that says that the list lags.
            let wanted = search.stale > limit ? min(search.stale * 2, Self.claimLimit) : limit
            search.unclaimed = await take(&search, upTo: wanted)
            search.listIsEmpty = search.unclaimed.isEmpty
            if search.listIsEmpty { search.noteStale(0, of: 0) }
            // Whoever cannot take and has nothing else to do asks again in a while.
            if search.listIsEmpty, search.doorbellIsOut, !sweeps { await search.pollPause.pause() }
            // It knows other kinds than its row says.
            guard kinds == search.kinds else { return }
        }
        if search.unclaimed.count > limit { try await dropStale(&search, beyond: limit) }
        search.batches += 1
        let ids = Array(search.unclaimed.prefix(limit))
        var free = limit
        if ids.count >= Self.flightLeast, ids.count < limit {
            search.restsUntil = search.clock.now + Self.pace
        }
        if ids.count >= Self.flightLeast, search.flights.count < Self.flightLimit {
            search.unclaimed.removeFirst(ids.count)
            fly(ids, search.flights, in: session, &group)
            free -= ids.count
        } else if !ids.isEmpty {
            let jobs = try await claim(ids, in: session)
            search.unclaimed.removeFirst(ids.count)
            note(&search, ids, jobs)
            free -= jobs.count
        }
        guard free > 0, sweeps ? ids.isEmpty && !search.restsFromSweep : !search.isFilled
        else { return }
        if sweeps, search.sweepFlies {
            // The list is empty: all but a few slots are for what it has lost.
            let kept = max(1, free - max(1, settings.concurrency / Self.sweepShare))
            flySweep(&search, upTo: kept, isIdle: true, in: session, &group)
            search.pollPause.reset()
            return
        }
        let found = try await sweep(&search, upTo: free, in: session)
        noteIdleSweep(&search, found)
        if search.doorbellIsOut, found.jobs.isEmpty {
            await search.pollPause.pause()
        } else {
            search.pollPause.reset()
        }
    }

    /// An idle worker that finds nothing looks less and less often; while a suspect waits, often
    /// enough not to miss its turn. One whose sweep had an end before that of the queue goes on.
    func noteIdleSweep(_ search: inout Search, _ sweep: Sweep) {
        if sweep.jobs.isEmpty { search.isFilled = true }
        if sweep.jobs.isEmpty, search.cursors.goOn { return }
        search.idleWait =
            sweep.jobs.isEmpty && sweep.suspectsQueue == nil
            ? min(search.idleWait * 2, settings.pollInterval * Self.idlePolls)
            : settings.pollInterval
    }

    private func poll(
        _ search: inout Search, upTo limit: Int, in session: WorkerSession
    ) async throws(StoreError) {
        if try await !sweep(&search, upTo: limit, in: session).jobs.isEmpty {
            search.pollPause.reset()
        } else if search.cursors.goOn {
            await sleep(for: min(search.sweepRest, settings.pollInterval))
        } else {
            await search.pollPause.pause()
        }
    }

    /// Takes announced ids; none when the doorbell is out of order, after noting so.
    private func take(_ search: inout Search, upTo limit: Int) async -> [JobID] {
        // While announcements are known to get lost, or a sweep has not seen all, nobody waits for one;
        // while somebody's lock, a suspect's turn or a claim's answer is waited for, the wait is
        // short. Otherwise an idle worker looks at the table whenever it has waited, first after a
        // poll interval, then less and less often.
        let wait =
            if search.sweepsAgain || search.cursors.goOn, !search.flights.isSweeping {
                min(search.sweepRest, Self.missedDelay)
            } else if !search.missed.isEmpty || search.asksTurn || search.owesSuspects
                || search.flights.count > 0 || search.flights.isSweeping
            {
                Self.missedDelay
            } else {
                max(search.idleWait, settings.pollInterval)
            }
        do {
            let ids = try await announcer.take(
                upTo: limit, from: settings.drawnQueues(), wait: wait)
            if !ids.isEmpty { FailPoint.afterTake.reach() }
            if search.doorbellIsOut {
                search.doorbellIsOut = false
                logger.debug("announcements arrive again")
            }
            meters.taken.add(ids.count)
            if !ids.isEmpty { search.idleWait = settings.pollInterval }
            return ids
        } catch {
            if !Task.isCancelled, settings.findWork == .pushAndSweep { bell.failed() }
            if !search.doorbellIsOut, !Task.isCancelled {
                search.doorbellIsOut = true
                // The announcer says in the log what ails it.
                logger.debug(
                    "no announcements: polling the table", metadata: ["error": "\(error)"])
            }
            return []
        }
    }
}
