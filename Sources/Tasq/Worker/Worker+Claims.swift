import Logging
import Synchronization

/// What a worker claims, within its loop or beside it, and what it gives back.
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
        if jobs.count < ids.count { meters.claimMisses.add(ids.count - jobs.count) }
        start(jobs, askedAt: asked, in: session)
        return jobs
    }

    /// Claims beside the loop, in slots that are kept for it.
    func fly(_ ids: [JobID], in session: WorkerSession, _ group: inout DiscardingTaskGroup) {
        executor.reserve(ids.count)
        group.addTask {
            let result: Result<[ClaimedJob], StoreError>
            do throws(StoreError) {
                result = .success(try await self.claim(ids, in: session))
            } catch {
                result = .failure(error)
            }
            self.landed.withLock { $0.claims.append(.init(ids: ids, result: result)) }
            self.executor.release(ids.count)
        }
    }

    /// Claims straight from the table.
    func sweep(
        upTo limit: Int, behind cursors: [Name: QueuedCursor], in session: WorkerSession
    ) async -> ClaimLoop.SweepAnswer {
        let asked = ContinuousClock.now
        let result: Result<Sweep, StoreError>
        do throws(StoreError) {
            let sweep = try await store.sweep(
                upTo: limit, for: session.id, from: settings.drawnQueues(), behind: cursors,
                lookingAt: Sweep.reach)
            let time = ContinuousClock.now - asked
            meters.sweepTimes.observe(time)
            lookahead.noteClaim(took: time)
            meters.claimed.add(sweep.jobs.count)
            meters.swept.add(sweep.jobs.count)
            start(sweep.jobs, askedAt: asked, in: session)
            result = .success(sweep)
        } catch {
            result = .failure(error)
        }
        return ClaimLoop.SweepAnswer(result: result, asked: asked, answered: .now)
    }

    /// Sweeps beside the loop, into slots that are kept for it.
    func flySweep(
        upTo kept: Int, behind cursors: [Name: QueuedCursor], in session: WorkerSession,
        _ group: inout DiscardingTaskGroup
    ) {
        executor.reserve(kept)
        group.addTask {
            let answer = await self.sweep(upTo: kept, behind: cursors, in: session)
            self.landed.withLock { $0.sweep = answer }
            self.executor.release(kept)
        }
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
