import Logging
import Synchronization

/// How claims end: outcomes of the moment are written together, and each is answered for itself.
extension ClaimDesk {
    /// What became of one settlement.
    enum Ending: Sendable, Equatable {
        case settled(Settled)
        /// Its claim had been taken away: nothing was written.
        case gone
        /// Somebody has the job's row locked: nothing was written yet.
        case heldUp
    }

    /// Ends a claim with the outcome of its attempt; `nil` when it is gone and nothing was
    /// written. Repeating a call whose answer got lost gives the same answer; another outcome than
    /// the one that was recorded is too late.
    package func settle(
        _ claim: ClaimToken, of job: JobID, as outcome: Outcome
    ) async throws(StoreError) -> Settled? {
        var record: JobRecord?
        if outcome.isFailure {
            record = try await catalog.job(job)
            guard record != nil else { return nil }
        }
        let verdict = RetryPolicy().verdict(
            on: outcome, after: record?.attempt ?? 1, of: record?.maxAttempts ?? 1,
            before: record?.attemptsBefore ?? 0)
        let settled = try await settle(Settlement(job: job, claim: claim, verdict: verdict))
        // A repeat of what is written was told the first time.
        if let record, record.status == .executing, settled != nil {
            failures.tell(record, verdict)
        }
        return settled
    }

    /// Hands back jobs whose answer could not be delivered: one alone as at a worker's shutdown, without
    /// an attempt for the first twenty times, for an answer that nobody can take would else be offered
    /// for ever. Of several nobody knows which it was: nothing is counted, and the worker's next answer
    /// has one job. What cannot be written now is left to the lease.
    ///
    /// - Parameter isOurs: whether the answer was kept back here, for want of room. That passes, and
    ///   with many workers that ask it happens to a job many times a second: nothing is counted.
    package func giveBack(_ jobs: [ClaimedJob], of worker: WorkerID, isOurs: Bool) async {
        let isShared = jobs.count > 1
        if isShared, !isOurs { state.withLock { $0.cutOff.note(worker) } }
        let verdict = isOurs || isShared ? Verdict.unstarted : .handedBack
        await withDiscardingTaskGroup { group in
            for job in jobs {
                group.addTask {
                    do throws(StoreError) {
                        let settled = try await self.settle(
                            Settlement(job: job.id, claim: job.claim, verdict: verdict),
                            ofRun: false)
                        if settled?.status == .error { self.failures.tell(job, verdict) }
                    } catch {
                        self.logger.warning(
                            "a claim is left to the lease",
                            metadata: ["job": "\(job.id)", "error": "\(error)"])
                    }
                }
            }
        }
    }

    func settle(
        _ settlement: Settlement, ofRun: Bool = true
    ) async throws(StoreError) -> Settled? {
        guard let settled = try await end(settlement) else {
            if ofRun { meters.lost.add() }
            return nil
        }
        meters.settled.add()
        meters.ended(CollectionOfOne(settlement))
        if settled.status == .scheduled, let delay = settlement.verdict.delay {
            promoter.armOwn(after: [delay])
        }
        if settled.status == .queued { doorbell.ring([settled.announcement]) }
        return settled
    }

    /// Writes it together with those of the moment. While somebody has its job's row locked it alone
    /// is tried again, after longer and longer pauses: the others have had their answers.
    private func end(_ settlement: Settlement) async throws(StoreError) -> Settled? {
        let deadline = ContinuousClock.now + holdUpPatience
        var backoff = Backoff(from: Settler.heldUpPause, to: .milliseconds(500))
        while true {
            switch try await settling.submit([settlement]).first {
            case .settled(let settled): return settled
            case .gone, nil: return nil
            case .heldUp: break
            }
            let left = deadline - .now
            guard left > .zero, await sleep(for: min(backoff.next(), left)) else {
                throw .contended("somebody holds a lock on the job's row: try again")
            }
        }
    }

    /// Settles a batch, once more if the answer got lost; waits for nobody's lock.
    static func endings(
        of batch: [Settlement], in store: any ClaimStore
    ) async throws(StoreError) -> [Ending] {
        let answer: SettleAnswer
        do throws(StoreError) {
            answer = try await store.settle(batch)
        } catch {
            guard case .unknown = error else { throw error }
            answer = try await store.settle(batch)
        }
        let settled = Dictionary(answer.settled.map { ($0.claim, $0) }) { $1 }
        return batch.map { settlement in
            if let settled = settled[settlement.claim] { return .settled(settled) }
            return answer.heldUp.contains(settlement.claim) ? .heldUp : .gone
        }
    }
}
