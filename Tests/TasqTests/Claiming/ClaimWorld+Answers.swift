@testable import Tasq

/// What the doorbell and the store answer.
extension ClaimWorld {
    mutating func audit() -> ClaimLoop.Event {
        check(flown == nil, "a sweep claims behind an audit's back")
        now = max(now, claims.map { $0.lands }.max() ?? now)
        land()
        if let failure = statement() { return .failed(failure) }
        for id in unknown { queued[id] = .plain }
        if !doorbellIsDown { list += unknown }
        unknown = []
        return .done
    }

    mutating func runSuspects() -> ClaimLoop.Event {
        check(hasTurn || plan.isPush, "suspects run though it is not their turn")
        check(flown == nil, "a sweep claims beside suspects")
        hasTurn = false
        if let failure = statement() { return .failed(failure) }
        var time = ClaimLoop.SuspectsTime()
        guard chance(80) else { return .ranSuspects(time) }
        time.isOver = true
        for id in order where queued[id] == .suspect && chance(70) {
            queued[id] = nil
            time.claimed += 1
        }
        time.isLast = !queued.values.contains(.suspect)
        return .ranSuspects(time)
    }

    mutating func lookAgain(at ids: [JobID]) -> ClaimLoop.Event {
        check(!ids.isEmpty, "there is nothing to look at")
        if let failure = statement() { return .failed(failure) }
        var known: [QueuedJob] = []
        var foreign: [Announcement] = []
        for id in Set(ids).sorted() {
            guard let fate = queued[id] else { continue }
            let announcement = Announcement(id: id, queue: queue, priority: .default)
            if fate == .foreign {
                foreign.append(announcement)
            } else if isDesk, fate == .suspect, chance(50) {
                // It is kept for a request that waits.
                queued[id] = nil
            } else {
                let isSuspect = fate == .suspect
                known.append(
                    QueuedJob(announcement: announcement, isSuspect: isSuspect, kind: queue))
            }
        }
        return .stillQueued(known, foreign: foreign)
    }

    mutating func ring(_ jobs: [Announcement]) {
        check(!jobs.isEmpty, "there is nothing to announce")
        for id in jobs.map(\.id) {
            if queued[id] == .foreign {
                let isNew = passedOn.insert(id).inserted
                check(isNew, "a foreign id goes round and round")
            }
            owned.remove(id)
            if !doorbellIsDown, isQuiet || chance(95) { list.append(id) }
        }
    }

    mutating func take(upTo limit: Int, wait: Duration) -> ClaimLoop.Event {
        check(plan.findWork != .poll, "there is no doorbell")
        check(!round.isDoorbellOut || !plan.sweeps, "a doorbell that is out is waited for")
        check(wait >= .zero && limit > 0 && limit <= ClaimPlan.claimLimit, "a take is too large")
        check(loop.ids.unclaimed.isEmpty, "ids are taken before others are claimed")
        guard !doorbellIsDown else {
            now += .milliseconds(1)
            isOut = plan.sweeps
            return .taken(nil, kinds: kinds)
        }
        let ids = Array(list.prefix(limit))
        list.removeFirst(ids.count)
        now += ids.isEmpty ? wait : .milliseconds(1)
        for id in ids where queued[id] == .plain || queued[id] == .locked { owned.insert(id) }
        changeKinds()
        return .taken(ids, kinds: kinds)
    }

    mutating func claim(_ ids: [JobID], flies: Bool) -> ClaimLoop.Event {
        check(!ids.isEmpty && ids.count <= free, "a claim is larger than the room for it")
        let failure = statement()
        let jobs = claimed(ids, failure)
        if flies {
            let isWithin = claims.count + landed.claims.count < ClaimPlan.flightLimit
            check(isWithin, "too many claims go on at once")
            let result: Result<[ClaimedJob], StoreError> =
                if let failure { .failure(failure) } else { .success(jobs) }
            let answer = ClaimLoop.ClaimAnswer(ids: ids, result: result)
            claims.append((answer: answer, lands: now + drawn(1000...200_000)))
            return .done
        }
        if let failure { return .failed(failure) }
        start(jobs.count)
        return .claimed(jobs)
    }

    mutating func sweep(
        upTo limit: Int, behind begins: [Name: QueuedCursor], flies: Bool
    ) -> ClaimLoop.Event {
        check(!isDesk, "a desk's loop sweeps")
        check(limit > 0 && limit <= free, "a sweep is larger than the room for it")
        check(flown == nil || round.isDoorbellOut && !flies, "two sweeps go on at once")
        check(sweepEnds.isSuperset(of: begins.values), "a sweep begins where none has ended")
        let asked = now
        let failure = statement()
        var found = Sweep(jobs: [])
        if queued.values.contains(.suspect) { found.suspectsQueue = queue }
        let begin = begins[queue]?.id ?? JobID(high: 0, low: 0)
        let seen = Array(order.filter { $0 > begin && queued[$0] != nil }.prefix(reach))
        found.jobs = claimed(Array(seen.filter { queued[$0] == .plain }.prefix(limit)), failure)
        if failure == nil, seen.count == reach, found.jobs.count < limit, let last = seen.last {
            let end = QueuedCursor.sample(last)
            found.cursors[queue] = end
            sweepEnds.insert(end)
        }
        let result: Result<Sweep, StoreError> =
            if let failure { .failure(failure) } else { .success(found) }
        let answer = ClaimLoop.SweepAnswer(result: result, asked: asked, answered: now)
        if flies {
            flown = (answer: answer, limit: limit, lands: now + drawn(1000...200_000))
            return .done
        }
        if failure == nil { start(found.jobs.count) }
        return .swept(answer, free: max(0, free))
    }

    /// What a statement claims of these. One whose answer gets lost does so all the same.
    private mutating func claimed(_ ids: [JobID], _ failure: StoreError?) -> [ClaimedJob] {
        var jobs: [ClaimedJob] = []
        if case .unavailable? = failure { return jobs }
        for id in ids where queued[id] == .plain {
            queued[id] = nil
            owned.remove(id)
            if failure != nil { unknown.append(id) }
            jobs.append(.sample(id, waited: chance(10) ? 2_000_000 : 0))
        }
        return jobs
    }

    /// Something is asked of the store; why it failed, if it did.
    mutating func statement() -> StoreError? {
        now += drawn(100...30_000)
        guard storeIsDown else { return nil }
        return chance(50) ? .unavailable("away") : .unknown("away")
    }
}
