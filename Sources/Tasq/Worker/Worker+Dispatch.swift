import Logging
import Synchronization

/// How a worker finds work: it does what a ``ClaimLoop`` says.
extension Worker {
    /// Finds and starts jobs until the task is cancelled or the session is over, or an answer of the
    /// store cannot be read: returns why.
    func dispatch(in session: WorkerSession) async -> StoreError? {
        let plan = ClaimPlan(settings, rings: announcer.rings)
        var loop = ClaimLoop(plan, kinds: session.record.kinds)
        var failure: StoreError?
        await withDiscardingTaskGroup { group in
            var action = loop.next(after: .done, at: .now)
            while let event = await perform(
                action, isOut: loop.doorbellIsOut, in: session, &group)
            {
                action = loop.next(after: event, at: .now)
            }
            if case .giveUp(let error) = action { failure = error }
        }
        loop.land(takeLanded(), at: .now)
        if loop.owesAudit, !session.isReaped {
            do {
                try await handBackUnknown(in: session)
            } catch {
                logger.warning(
                    "claims may be left to the lease", metadata: ["error": "\(error)"])
            }
        }
        await giveBack(loop.leftovers)
        return failure
    }

    /// Does it and returns what has happened; `nil` when that is the end.
    private func perform(
        _ action: ClaimLoop.Action, isOut: Bool, in session: WorkerSession,
        _ group: inout DiscardingTaskGroup
    ) async -> ClaimLoop.Event? {
        do throws(StoreError) {
            switch action {
            case .wait(let time):
                return await round(after: time, in: session)
            case .declare(let kinds):
                try await store.declare(kinds, of: session.id)
            case .audit:
                await executor.waitUntilAllHaveCome()
                guard !Task.isCancelled else { return nil }
                try await handBackUnknown(in: session)
            case .askTurn:
                let asked = ContinuousClock.now
                let turn = try await store.suspectsTurn(of: session.id, on: queueNames)
                return .turn(turn, asked: asked)
            case .runSuspects(let queues, let end):
                return .ranSuspects(
                    try await runSuspects(from: queues, until: end, in: session))
            case .lookAgain(let ids, let areMissed):
                return try await lookAgain(at: ids, areMissed: areMissed)
            case .ring(let jobs):
                doorbell.ring(jobs)
            case .take(let limit, let wait):
                return await take(upTo: limit, wait: wait, isOut: isOut)
            case .claim(let ids, let flies):
                guard flies else { return .claimed(try await claim(ids, in: session)) }
                fly(ids, in: session, &group)
            case .sweep(let limit, let start, let flies):
                guard flies else {
                    let answer = await sweep(upTo: limit, behind: start, in: session)
                    return .swept(answer, free: executor.free)
                }
                flySweep(upTo: limit, behind: start, in: session, &group)
            case .pause(let time, let failure):
                if let failure { store.tell(logger, "cannot look for work", failure) }
                await sleep(for: time)
            case .giveUp(let failure):
                logger.error("cannot go on", metadata: ["error": "\(failure)"])
                return nil
            }
            return .done
        } catch {
            return .failed(error)
        }
    }

    /// Waits for a free place, and at least until `time`.
    private func round(
        after time: ContinuousClock.Instant?, in session: WorkerSession
    ) async -> ClaimLoop.Event? {
        while !Task.isCancelled, !session.isReaped {
            // Behind the jobs just started: those that end at once leave their slots to this claim,
            // which doubles its size under a backlog of short jobs.
            await Task.yield()
            if let time, time > .now { await sleep(for: time - .now) }
            executor.lookAhead(lookahead.count)
            let free = await executor.waitForFreePlace()
            guard free > 0, !Task.isCancelled else { return nil }
            if settings.onLeaseUnknown == .cancel, session.isUnknown {
                await sleep(for: TakenIDs.missedDelay)
                continue
            }
            return .round(
                ClaimLoop.Round(
                    free: free, kinds: kinds, isDoorbellOut: bell.isOut, landed: takeLanded()))
        }
        return nil
    }

    /// Takes announced ids.
    private func take(upTo limit: Int, wait: Duration, isOut: Bool) async -> ClaimLoop.Event {
        do {
            let ids = try await announcer.take(
                upTo: limit, from: settings.drawnQueues(), wait: wait)
            if !ids.isEmpty { FailPoint.afterTake.reach() }
            if isOut { logger.debug("announcements arrive again") }
            meters.taken.add(ids.count)
            return .taken(ids, kinds: kinds)
        } catch {
            guard !Task.isCancelled else { return .taken([], kinds: kinds) }
            if settings.findWork == .pushAndSweep { bell.failed() }
            if !isOut {
                // The announcer says in the log what ails it.
                logger.debug(
                    "no announcements: polling the table", metadata: ["error": "\(error)"])
            }
            return .taken(nil, kinds: kinds)
        }
    }

    /// Looks again at ids that a claim did not get, locked for a moment or suspects, or at old ones.
    private func lookAgain(
        at ids: [JobID], areMissed: Bool
    ) async throws(StoreError) -> ClaimLoop.Event {
        let jobs = try await store.stillQueued(ids)
        if !areMissed { meters.claimMisses.add(ids.count - jobs.count) }
        meters.duplicates.add(ids.count - jobs.count)
        return .stillQueued(
            jobs.filter { knows($0.kind) },
            foreign: jobs.filter { !knows($0.kind) }.map(\.announcement))
    }

    private func takeLanded() -> ClaimLoop.Landed {
        landed.withLock { landed in
            defer { landed = ClaimLoop.Landed() }
            return landed
        }
    }
}
