/// Where a round looks for jobs, and how many it asks for.
extension ClaimLoop {
    mutating func find(at now: Instant) -> Action? {
        let limit = min(
            round.free, max(plan.slots / 2, ClaimPlan.batchLeast), ClaimPlan.claimLimit)
        let isEmpty = ids.unclaimed.isEmpty
        if plan.findWork == .poll || plan.sweeps && isEmpty && round.isDoorbellOut {
            return sweeps.start(.only, upTo: limit, flies: false)
        }
        let maySweep = isEmpty && !restsFromSweep(at: now)
        if plan.isPush, isFilled, maySweep, let last = sweeps.last,
            sweeps.goOn || now - last >= plan.pollInterval * ClaimPlan.netPolls
        {
            return sweeps.start(.net, upTo: limit, flies: false)
        }
        // Before the take: under a full list a take fills every slot, and a row whose
        // announcement got lost would wait for as long as the list does not empty.
        let isTime = sweeps.last.map { now - $0 >= plan.pollInterval } ?? true
        let isTurn = batches % plan.sweepEvery == plan.sweepEvery - 1
        guard plan.sweeps, maySweep, !owesTake,
            isTime || isTurn || sweeps.findLost || sweeps.goOn
        else {
            step = .take(limit)
            return nil
        }
        batches += 1
        guard sweepFlies else { return sweeps.start(.turn, upTo: limit, flies: false) }
        let kept = min(limit, max(1, plan.slots / ClaimPlan.sweepShare))
        owesTake = kept == limit
        step = .take(limit - kept)
        return sweeps.start(.turn, upTo: kept, flies: true)
    }

    mutating func take(upTo limit: Int, at now: Instant) -> Action? {
        step = limit > 0 ? .claim(limit) : .end
        guard limit > 0 else { return nil }
        owesTake = false
        guard ids.unclaimed.isEmpty, isFilled || plan.sweeps else { return nil }
        // A sweep makes the next take stale; only more than that says that the list lags.
        let lags = plan.findWork != nil && ids.stale > limit
        let wanted = lags ? min(ids.stale * 2, ClaimPlan.claimLimit) : limit
        return .take(upTo: wanted, wait: takeWait(at: now))
    }

    /// While announcements are known to get lost, or a sweep has not seen all, nobody waits for one;
    /// while somebody's lock, a suspect's turn or a claim's answer is waited for, the wait is
    /// short. Otherwise an idle worker looks at the table whenever it has waited, first after a
    /// poll interval, then less and less often.
    private func takeWait(at now: Instant) -> Duration {
        if sweeps.findLost || sweeps.goOn, !sweeps.areFlying {
            return min(sweeps.rest(at: now), TakenIDs.missedDelay)
        }
        let isExpecting =
            hasMissed || suspects.asks || suspects.areDue(at: now) || flights > 0
            || sweeps.areFlying
        return isExpecting ? TakenIDs.missedDelay : max(idleWait, plan.pollInterval)
    }

    mutating func claim(upTo limit: Int, at now: Instant) -> Action? {
        let all = ids.unclaimed
        // The list lags behind the table: sweeps have claimed what it announces first, as they do
        // after an outage. Its old ids are looked at more and more at a time, or they would be in the
        // way of new ones for as long as there is work.
        guard all.count <= limit else { return .lookAgain(all, areMissed: false) }
        batches += 1
        // A worker with one slot starts jobs as they were announced, so its claims do not overlap.
        let areMany =
            plan.findWork != nil && plan.slots > 1 && all.count >= ClaimPlan.flightLeast
        if areMany, all.count < limit { restsUntil = now + ClaimPlan.pace }
        if areMany, flights < ClaimPlan.flightLimit {
            flights += 1
            ids.unclaimed = []
            endClaim(of: all.count, upTo: limit)
            return .claim(all, flies: true)
        }
        guard all.isEmpty else { return .claim(all, flies: false) }
        step = .idle(limit)
        return nil
    }

    mutating func endClaim(of count: Int, upTo limit: Int) {
        step = plan.sweeps ? .end : .idle(limit - count)
    }

    mutating func lookWhenIdle(upTo free: Int, at now: Instant) -> Action? {
        step = .end
        guard free > 0, plan.sweeps ? !restsFromSweep(at: now) : !isFilled else { return nil }
        guard plan.sweeps, sweepFlies else {
            return sweeps.start(.idle, upTo: free, flies: false)
        }
        idlePauses.reset()
        // The list is empty: all but a few slots are for what it has lost.
        let kept = max(1, free - max(1, plan.slots / ClaimPlan.sweepShare))
        return sweeps.start(.idle, upTo: kept, flies: true)
    }

    private func restsFromSweep(at now: Instant) -> Bool {
        sweeps.areFlying || sweeps.rest(at: now) > .zero
    }

    /// The next sweep goes on beside the takes, which find work meanwhile. Lost jobs are not left to
    /// it, nor is all work while the doorbell is out; and an audit waits for whatever claims.
    private var sweepFlies: Bool { sweeps.areLong && !sweeps.findLost && !doorbellIsOut }

    /// Goes on with what the sweep that was waited for has found.
    mutating func goOn(behind answer: SweepAnswer, free: Int, at now: Instant) -> Action {
        step = .end
        let asked = note(answer, flown: false, at: now)
        let found: Int
        switch answer.result {
        case .success(let sweep): found = sweep.jobs.count
        case .failure(let error): return pause(after: error, at: now)
        }
        switch asked?.purpose {
        case .only where found == 0 && sweeps.goOn:
            return .pause(min(sweeps.rest(at: now), plan.pollInterval), telling: nil)
        case .only where found == 0, .idle where found == 0 && doorbellIsOut:
            return .pause(idlePauses.next(), telling: nil)
        case .only, .idle: idlePauses.reset()
        case .net: isFilled = found == 0 || !listIsEmpty
        case .turn:
            let limit = asked?.limit ?? 0
            owesTake = found >= limit
            if !owesTake { step = .take(min(limit, free)) }
        case nil: break
        }
        return advance(at: now)
    }
}
