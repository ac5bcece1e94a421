/// How jobs are found: announced ids first, the table when idle and every so often.
///
/// A value without clock, task, lock or store: it is told what has happened and says what to do next.
/// ``Worker`` does that, and so does ``ClaimDesk`` for those who wait there; so what becomes of missed
/// ids, of suspects, of sweeps and of a doorbell that is out is written once. It goes in rounds, from
/// one wait for a free place to the next, and guarantees that
///
/// - between two waits there is a statement, a take or a pause, so that it is never hot; only where
///   nobody has a place there may be none;
/// - one thing is done at a time, but for ``ClaimPlan/flightLimit`` claims and one sweep beside it, and
///   neither audits nor suspects go with such a sweep: nothing claims behind their back;
/// - a round claims no more jobs than it had places;
/// - an id that was taken is looked at until it is claimed, announced again or not queued any more;
///   those that are too many, or that nobody took when they were announced again, are left to sweeps;
/// - while the doorbell is out it sweeps at once and in every round, where it sweeps at all; and after
///   a failure of the store it pauses, longer each time;
/// - suspects have a turn only where the store has given one, or where nothing else will.
struct ClaimLoop: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Where a round stands: what may have to be done next, before the step behind it.
    enum Step {
        case wait, end
        case declare, audit, askTurn, suspects, missed, find
        // Up to so many jobs.
        case take(Int)
        case claim(Int)
        case idle(Int)
    }

    let plan: ClaimPlan
    var step = Step.wait
    var round = Round(free: 0)
    var batches = 0
    var idlePauses: Backoff
    private var outage = Backoff(from: .milliseconds(100), to: .seconds(2))
    /// The last take failed.
    private(set) var doorbellIsOut = false
    /// The table was looked at since there were old jobs in it.
    var isFilled: Bool
    /// The last take brought nothing.
    var listIsEmpty = false
    /// How long the next take waits for an announcement.
    var idleWait: Duration
    /// The next take waits until then, so that it brings more.
    var restsUntil: Instant?
    var ids = TakenIDs()
    /// Claims beside the loop.
    var flights = 0
    var sweeps = Sweeps()
    /// The last sweep left no room for a take, so the next turn is the list's.
    var owesTake = false
    var suspects = SuspectTurns()
    private var audits = Audits()
    /// The kinds that the worker's row says it has handlers for.
    private var kinds: [String]

    init(_ plan: ClaimPlan, kinds: [String] = []) {
        self.plan = plan
        self.kinds = kinds
        idlePauses = plan.pauses
        idleWait = plan.pollInterval
        isFilled = plan.findWork == nil
    }

    /// Ids that were taken, for others when the loop ends.
    var leftovers: [JobID] { ids.unclaimed + ids.missed }

    /// Ids wait to be looked at again.
    var hasMissed: Bool { !ids.missed.isEmpty }

    /// Claims may stand that nobody here knows of.
    var owesAudit: Bool { audits.areOwed }

    /// Takes in what has happened, first ``Event/done``, and says what to do next.
    mutating func next(after event: Event, at now: Instant) -> Action {
        switch event {
        case .done:
            noteDone(at: now)
        case .round(let round):
            self.round = round
            self.round.landed = Landed()
            step = .declare
            if let failure = land(round.landed, at: now) { return pause(after: failure, at: now) }
        case .turn(let turn, let asked):
            if let turn { suspects.note(turn, asked: asked) }
        case .ranSuspects(let time):
            if time.claimed > 0 { audits.noteClaims(at: now) }
            suspects.noteTime(isLast: time.isLast, isTold: !plan.isPush, at: now)
            step = time.isOver ? .end : .missed
        case .stillQueued(let jobs, let foreign):
            let again = note(queued: jobs, foreign, at: now)
            if !again.isEmpty { return .ring(again) }
        case .taken(let taken, let kinds):
            note(taken: taken)
            // It knows other kinds than its row says.
            if kinds != self.kinds { step = .end }
            // Whoever cannot take and has nothing else to do asks again in a while.
            if taken == nil, !plan.sweeps {
                step = .end
                return .pause(idlePauses.next(), telling: nil)
            }
        case .claimed(let jobs):
            note(claimed: jobs, of: ids.unclaimed, at: now)
            ids.unclaimed = []
            if case .claim(let limit) = step { endClaim(of: jobs.count, upTo: limit) }
        case .swept(let answer, let free):
            return goOn(behind: answer, free: free, at: now)
        case .failed(let error):
            if case .suspects = step {
                suspects.noteTime(isLast: false, isTold: !plan.isPush, at: now)
            }
            return pause(after: error, at: now)
        }
        return advance(at: now)
    }

    /// Takes in what has come back; a failure among it.
    @discardableResult
    mutating func land(_ landed: Landed, at now: Instant) -> StoreError? {
        var failures: [StoreError] = []
        for claim in landed.claims {
            flights -= 1
            switch claim.result {
            case .success(let jobs): note(claimed: jobs, of: claim.ids, at: now)
            case .failure(let error):
                ids.unclaimed += claim.ids
                failures.append(error)
            }
        }
        if let answer = landed.sweep {
            note(answer, flown: true, at: now)
            if case .failure(let error) = answer.result { failures.append(error) }
        }
        for failure in failures { audits.note(failure, at: now) }
        return failures.first
    }

    /// Pauses after a failure; one that no pause mends is the end.
    mutating func pause(after error: StoreError, at now: Instant) -> Action {
        audits.note(error, at: now)
        step = .wait
        if case .unreadable = error { return .giveUp(error) }
        let isNew = outage.attempts == 0
        return .pause(outage.next(), telling: isNew ? error : nil)
    }

    /// Goes on through the round until there is something to do.
    mutating func advance(at now: Instant) -> Action {
        while true {
            var action: Action?
            switch step {
            case .wait:
                defer { restsUntil = nil }
                return .wait(until: restsUntil)
            case .end:
                outage.reset()
                step = .wait
            case .declare:
                if round.kinds != kinds { return .declare(round.kinds) }
                step = .audit
            case .audit:
                if audits.areDue(at: now), !sweeps.areFlying { return .audit }
                step = .askTurn
            case .askTurn:
                // Behind the jobs of the sweep that told of a suspect: they run by now.
                if suspects.takeHeard(among: plan.queues) { return .askTurn }
                step = .suspects
            case .suspects:
                // A sweep's answer may be older than what is known of suspects, and its jobs late.
                if suspects.areDue(at: now), !sweeps.areFlying {
                    let queues = plan.isPush ? plan.queues : Array(suspects.known)
                    return .runSuspects(from: queues, until: suspects.end)
                }
                step = .missed
            case .missed:
                step = .find
                // Where nobody has a place they are for others, at once. While takes fail a desk
                // keeps them: an announcement would fail too, and who waits there sweeps.
                let keeps = plan.findWork == nil && doorbellIsOut
                if hasMissed, plan.findWork != .poll,
                    round.free == 0 || ids.missedAreDue(at: now) && !keeps
                {
                    let missed = ids.lookAtMissed(at: now, all: round.free == 0)
                    action = .lookAgain(missed, areMissed: true)
                }
            case .find: action = find(at: now)
            case .take(let limit): action = take(upTo: limit, at: now)
            case .claim(let limit): action = claim(upTo: limit, at: now)
            case .idle(let free): action = lookWhenIdle(upTo: free, at: now)
            }
            if let action { return action }
        }
    }

    private mutating func noteDone(at now: Instant) {
        switch step {
        case .declare:
            // What waits of them is looked for in the table: their ids may have been passed on.
            kinds = round.kinds
            ids.forgetPassedOn()
            isFilled = false
            sweeps.beginAnew()
        case .audit: audits.noteLook(at: now)
        default: break
        }
    }

    /// Takes in the answer to a sweep and returns what it was.
    @discardableResult
    mutating func note(
        _ answer: SweepAnswer, flown: Bool, at now: Instant
    ) -> Sweeps.Asked? {
        let asked = sweeps.end(
            flown: flown, answer, of: plan.queues, listIsEmpty: listIsEmpty)
        guard case .success(let sweep) = answer.result else { return asked }
        if let queue = sweep.suspectsQueue {
            if plan.isPush { suspects.know(of: [queue]) } else { suspects.hear(of: queue) }
        }
        let isEmpty = sweep.jobs.isEmpty
        if !isEmpty { audits.noteClaims(at: now) }
        guard asked?.purpose == .idle else { return asked }
        if isEmpty { isFilled = true }
        // One that finds nothing looks less and less often; while a suspect waits, often enough not
        // to miss its turn. One whose sweep had an end before that of the queue goes on.
        if !isEmpty || sweep.suspectsQueue != nil && !sweeps.goOn {
            idleWait = plan.pollInterval
        } else if !sweeps.goOn {
            idleWait = min(idleWait * 2, plan.pollInterval * ClaimPlan.idlePolls)
        }
        return asked
    }

    private mutating func note(claimed jobs: [ClaimedJob], of asked: [JobID], at now: Instant) {
        sweeps.note(announced: jobs)
        if plan.findWork != nil, !jobs.isEmpty { audits.noteClaims(at: now) }
        ids.note(claimed: jobs, of: asked, at: now)
    }

    private mutating func note(taken: [JobID]?) {
        if doorbellIsOut, taken != nil { idlePauses.reset() }
        doorbellIsOut = taken == nil
        ids.note(taken: taken ?? [])
        listIsEmpty = ids.unclaimed.isEmpty
        if !listIsEmpty { idleWait = plan.pollInterval }
    }

    /// Takes in which ids are queued after all; returns what is to be announced again.
    private mutating func note(
        queued jobs: [QueuedJob], _ foreign: [Announcement], at now: Instant
    ) -> [Announcement] {
        guard case .claim(let limit) = step else {
            ids.forgetMissed()
            let claimable = claimable(among: jobs, at: now)
            ids.note(announcedAgain: claimable)
            return ids.passOn(foreign, at: now) + claimable
        }
        let claimable = claimable(among: jobs, at: now)
        let others = ids.keep(
            limit, of: claimable, amongQueued: jobs.count + foreign.count)
        return ids.passOn(foreign, at: now) + others
    }

    /// Those that anybody may claim by their ids. Suspects have their own turn, and a sweep says
    /// whose it is: one that waits lets the next sweep be soon. Where nothing tells, it is now, and
    /// their ids, which stand on no list, are looked at again until they have run.
    private mutating func claimable(
        among jobs: [QueuedJob], at now: Instant
    ) -> [Announcement] {
        guard plan.findWork != nil else { return jobs.map(\.announcement) }
        let waiting = jobs.filter(\.isSuspect).map(\.announcement)
        if plan.isPush {
            suspects.know(of: waiting.map(\.queue))
            ids.note(missed: waiting.map(\.id), at: now + SuspectTurns.alone)
        } else if !waiting.isEmpty {
            sweeps.hurry()
        }
        return jobs.filter { !$0.isSuspect }.map(\.announcement)
    }
}
