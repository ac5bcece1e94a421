@testable import Tasq

/// A worker or a desk with its doorbell and its store, as a loop sees them.
///
/// Chance says what comes of each action, and each is checked against what the loop guarantees.
struct ClaimWorld {
    private typealias Instant = ContinuousClock.Instant
    private enum Fate { case plain, locked, suspect, foreign }

    private let plan: ClaimPlan
    private let queue = Name.defaultQueue
    /// Jobs that run at once, or wait for a slot.
    private let places: Int
    private var dice: SplitMix
    private var loop: ClaimLoop
    private var action: ClaimLoop.Action
    private var now = Instant.now
    private(set) var violations: [String] = []
    /// Nothing fails any more and nothing new comes.
    private var isQuiet = false

    private var order: [JobID] = []
    private var queued: [JobID: Fate] = [:]
    private var list: [JobID] = []
    /// Claims that stand under the worker, which it does not know of.
    private var unknown: [JobID] = []
    private var doorbellIsDown = false
    private var storeIsDown = false
    private var kinds: [String]
    /// Somebody asks the doorbell until it answers.
    private var isOut = false
    private var hasTurn = false

    /// When the jobs that run will have ended.
    private var ends: [Instant] = []
    private var claims: [(answer: ClaimLoop.ClaimAnswer, lands: Instant)] = []
    private var flown: (answer: ClaimLoop.SweepAnswer, limit: Int, lands: Instant)?
    private var landed = ClaimLoop.Landed()

    private var round = ClaimLoop.Round(free: 0)
    /// Things done in this round, and those of them that take time.
    private var done = 0
    private var timed = 1
    /// Taken, queued, and neither claimed nor announced again since.
    private var owned: Set<JobID> = []
    /// Foreign ones that were announced again.
    private var passedOn: Set<JobID> = []

    /// A desk's if it is to find no work but by the list.
    init(_ findWork: FindWork?, seed: UInt64) throws {
        var dice = SplitMix(seed: seed)
        let slots = Int.random(in: 1...20, using: &dice)
        var settings = try WorkerSettings(concurrency: slots)
        settings.findWork = findWork ?? .push
        settings.pollInterval = .milliseconds(Int.random(in: 50...1000, using: &dice))
        settings.sweepEvery = Int.random(in: 1...16, using: &dice)
        let isDesk = findWork == nil
        plan =
            isDesk
            ? ClaimPlan(takesLasting: .milliseconds(500)) : ClaimPlan(settings, rings: true)
        places = slots + Int.random(in: 0...slots, using: &dice)
        kinds = isDesk ? [] : ["a"]
        var loop = ClaimLoop(plan, kinds: kinds)
        action = loop.next(after: .done, at: now)
        self.loop = loop
        self.dice = dice
    }

    /// So many actions while anything may fail; then on until all is done.
    mutating func run(actions: Int) {
        for _ in 0..<actions where violations.isEmpty { step() }
        (isQuiet, doorbellIsDown, storeIsDown) = (true, false, false)
        for id in order where queued[id] == .locked { queued[id] = .plain }
        var count = 0
        while !isDone, violations.isEmpty, count < 20_000 {
            step()
            count += 1
        }
        check(isDone, "\(queued.count) jobs are not found")
    }

    /// How many actions there are in so much time while there is nothing to do.
    mutating func idleActions(in time: Duration) -> Int {
        let end = now + time
        var count = 0
        while now < end, violations.isEmpty, count < 100_000 {
            step()
            count += 1
        }
        return count
    }

    private mutating func step() {
        let event = perform(action)
        action = loop.next(after: event, at: now)
    }

    /// All jobs were claimed that anybody here knows; at a desk, those whose ids came by the list.
    private var isDone: Bool {
        let isTaken = (list.isEmpty || plan.findWork == .poll) && loop.leftovers.isEmpty
        return isTaken && claims.isEmpty && flown == nil && unknown.isEmpty
            && (isDesk || queued.values.allSatisfy { $0 == .foreign })
    }

    private var isDesk: Bool { plan.findWork == nil }

    private var free: Int {
        places - ends.count - claims.reduce(0) { $0 + $1.answer.ids.count } - (flown?.limit ?? 0)
    }

    private mutating func perform(_ action: ClaimLoop.Action) -> ClaimLoop.Event {
        done += 1
        check(done < 30, "a round does not end")
        switch action {
        case .wait, .ring: break
        default: timed += 1
        }
        switch action {
        case .wait(let time): return .round(nextRound(after: time))
        case .declare(let declared):
            check(declared == kinds, "old kinds are declared")
            if let failure = statement() { return .failed(failure) }
            passedOn = []
        case .audit: return audit()
        case .askTurn:
            check(!plan.isPush, "somebody is asked who cannot tell")
            if let failure = statement() { return .failed(failure) }
            guard chance(50) else { return .turn(nil, asked: now) }
            hasTurn = true
            return .turn(SuspectsTurn(queue: queue, left: .seconds(1)), asked: now)
        case .runSuspects(let queues, _):
            check(queues == [queue], "suspects of other queues")
            return runSuspects()
        case .lookAgain(let ids, _): return lookAgain(at: ids)
        case .ring(let jobs): ring(jobs)
        case .take(let limit, let wait): return take(upTo: limit, wait: wait)
        case .claim(let ids, let flies): return claim(ids, flies: flies)
        case .sweep(let limit, _, let flies): return sweep(upTo: limit, flies: flies)
        case .pause(let time, _):
            check(time >= .zero, "a pause is negative")
            now += isQuiet ? time : drawn(20_000...200_000)
        }
        return .done
    }

    private mutating func nextRound(after time: Instant?) -> ClaimLoop.Round {
        check(timed > 0 || round.free == 0, "nothing was done in a round")
        let inTheAir = (claims.map { $0.answer } + landed.claims).flatMap(\.ids)
        let lost = owned.subtracting(loop.leftovers).subtracting(inTheAir)
        check(lost.isEmpty, "\(lost.count) ids are lost")
        (done, timed) = (0, 0)
        if !isQuiet { change() }
        if let time { now = max(now, time) }
        land()
        while free <= 0 {
            let moments = ends + claims.map { $0.lands } + (flown.map { [$0.lands] } ?? [])
            now = max(now, moments.min() ?? now)
            land()
        }
        if isOut, !doorbellIsDown, chance(50) { isOut = false }
        round = ClaimLoop.Round(
            free: free, kinds: kinds, isDoorbellOut: isOut, landed: landed)
        if isDesk, loop.hasMissed, chance(30) { round.free = 0 }
        landed = ClaimLoop.Landed()
        return round
    }

    /// Jobs come, and things break or are mended.
    private mutating func change() {
        for _ in 0..<Int.random(in: 0...6, using: &dice) {
            let id = JobID(high: 0, low: UInt64(order.count + 1))
            order.append(id)
            let fates = [Fate.plain, .plain, .plain, .locked, .suspect, isDesk ? .plain : .foreign]
            queued[id] = fates.randomElement(using: &dice) ?? .plain
            if !doorbellIsDown, chance(80) { list.append(id) }
        }
        if chance(5) { list = [] }
        if chance(5) { list += list }
        if chance(5) { doorbellIsDown.toggle() }
        if chance(storeIsDown ? 50 : 5) { storeIsDown.toggle() }
        changeKinds()
        for id in order where queued[id] == .locked && chance(20) { queued[id] = .plain }
    }

    private mutating func changeKinds() {
        if !isQuiet, !isDesk, chance(2) { kinds = kinds == ["a"] ? ["a", "b"] : ["a"] }
    }

    private mutating func land() {
        let time = now
        ends.removeAll { $0 <= time }
        let back = claims.filter { $0.lands <= time }
        claims.removeAll { $0.lands <= time }
        for claim in back {
            landed.claims.append(claim.answer)
            if case .success(let jobs) = claim.answer.result { start(jobs.count) }
        }
        guard let flown, flown.lands <= time else { return }
        self.flown = nil
        landed.sweep = flown.answer
        if case .success(let found) = flown.answer.result { start(found.jobs.count) }
    }

    private mutating func start(_ count: Int) {
        guard !isDesk else { return }
        for _ in 0..<count { ends.append(now + drawn(100...300_000)) }
        check(free >= 0, "there are more jobs than places")
    }

    private mutating func audit() -> ClaimLoop.Event {
        check(flown == nil, "a sweep claims behind an audit's back")
        now = max(now, claims.map { $0.lands }.max() ?? now)
        land()
        if let failure = statement() { return .failed(failure) }
        for id in unknown { queued[id] = .plain }
        if !doorbellIsDown { list += unknown }
        unknown = []
        return .done
    }

    private mutating func runSuspects() -> ClaimLoop.Event {
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

    private mutating func lookAgain(at ids: [JobID]) -> ClaimLoop.Event {
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

    private mutating func ring(_ jobs: [Announcement]) {
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

    private mutating func take(upTo limit: Int, wait: Duration) -> ClaimLoop.Event {
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

    private mutating func claim(_ ids: [JobID], flies: Bool) -> ClaimLoop.Event {
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

    private mutating func sweep(upTo limit: Int, flies: Bool) -> ClaimLoop.Event {
        check(!isDesk, "a desk's loop sweeps")
        check(limit > 0 && limit <= free, "a sweep is larger than the room for it")
        check(flown == nil || round.isDoorbellOut && !flies, "two sweeps go on at once")
        let asked = now
        let failure = statement()
        var found = Sweep(jobs: [])
        if queued.values.contains(.suspect) { found.suspectsQueue = queue }
        if !isQuiet, chance(15) {
            found.cursors[queue] = QueuedCursor(
                queue: queue, priority: .default, runAt: Timestamp(microseconds: 0),
                id: JobID(high: 0, low: UInt64(order.count)))
        }
        found.jobs = claimed(Array(order.filter { queued[$0] == .plain }.prefix(limit)), failure)
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
    private mutating func statement() -> StoreError? {
        now += drawn(100...30_000)
        guard storeIsDown else { return nil }
        return chance(50) ? .unavailable("away") : .unknown("away")
    }

    private mutating func drawn(_ microseconds: ClosedRange<Int>) -> Duration {
        .microseconds(Int.random(in: microseconds, using: &dice))
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &dice) < percent
    }

    private mutating func check(_ holds: Bool, _ violation: String) {
        if !holds { violations.append(violation) }
    }
}
