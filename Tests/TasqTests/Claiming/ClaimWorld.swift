@testable import Tasq

/// A worker or a desk with its doorbell and its store, as a loop sees them.
///
/// Chance says what comes of each action, and each is checked against what the loop guarantees.
struct ClaimWorld {
    typealias Instant = ContinuousClock.Instant
    enum Fate { case plain, locked, suspect, foreign }

    let plan: ClaimPlan
    let queue = Name.defaultQueue
    /// Jobs that run at once, or wait for a slot.
    private let places: Int
    private var dice: SplitMix
    var loop: ClaimLoop
    private var action: ClaimLoop.Action
    var now = Instant.now
    private(set) var violations: [String] = []
    /// Nothing fails any more and nothing new comes.
    var isQuiet = false

    var order: [JobID] = []
    var queued: [JobID: Fate] = [:]
    var list: [JobID] = []
    /// Claims that stand under the worker, which it does not know of.
    var unknown: [JobID] = []
    var doorbellIsDown = false
    var storeIsDown = false
    var kinds: [String]
    /// Somebody asks the doorbell until it answers.
    var isOut = false
    var hasTurn = false
    /// Queued jobs that one sweep looks at, and where those had an end that had more behind it.
    let reach: Int
    var sweepEnds: Set<QueuedCursor> = []

    /// When the jobs that run will have ended.
    private var ends: [Instant] = []
    var claims: [(answer: ClaimLoop.ClaimAnswer, lands: Instant)] = []
    var flown: (answer: ClaimLoop.SweepAnswer, limit: Int, lands: Instant)?
    var landed = ClaimLoop.Landed()

    var round = ClaimLoop.Round(free: 0)
    /// Things done in this round, and those of them that take time.
    private var done = 0
    private var timed = 1
    /// Taken, queued, and neither claimed nor announced again since.
    var owned: Set<JobID> = []
    /// Foreign ones that were announced again.
    var passedOn: Set<JobID> = []

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
        reach = Int.random(in: 2...12, using: &dice)
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

    var isDesk: Bool { plan.findWork == nil }

    var free: Int {
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
        case .sweep(let limit, let start, let flies):
            return sweep(upTo: limit, behind: start, flies: flies)
        case .pause(let time, _):
            check(time >= .zero, "a pause is negative")
            now += isQuiet ? time : drawn(20_000...200_000)
        case .giveUp: check(false, "it gives up")
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

    mutating func changeKinds() {
        if !isQuiet, !isDesk, chance(2) { kinds = kinds == ["a"] ? ["a", "b"] : ["a"] }
    }

    mutating func land() {
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

    mutating func start(_ count: Int) {
        guard !isDesk else { return }
        for _ in 0..<count { ends.append(now + drawn(100...300_000)) }
        check(free >= 0, "there are more jobs than places")
    }

    mutating func drawn(_ microseconds: ClosedRange<Int>) -> Duration {
        .microseconds(Int.random(in: microseconds, using: &dice))
    }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &dice) < percent
    }

    mutating func check(_ holds: Bool, _ violation: String) {
        if !holds { violations.append(violation) }
    }
}
