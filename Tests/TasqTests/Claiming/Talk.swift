@testable import Tasq

/// A loop and what it is told, at a time that stands still unless it is moved.
struct Talk {
    private(set) var loop: ClaimLoop
    var now = ContinuousClock.now

    init(_ findWork: FindWork = .pushAndSweep, slots: Int = 8, rings: Bool = true) throws {
        var settings = try WorkerSettings(concurrency: slots)
        settings.findWork = findWork
        self.init(ClaimLoop(ClaimPlan(settings, rings: rings), kinds: ["a"]))
    }

    init(_ loop: ClaimLoop) {
        self.loop = loop
        _ = after(.done)
    }

    /// A desk's, where nobody knows of kinds.
    static func atDesk() -> Talk { Talk(ClaimLoop(ClaimPlan(takesLasting: .milliseconds(500)))) }

    mutating func after(_ event: ClaimLoop.Event) -> ClaimLoop.Action {
        loop.next(after: event, at: now)
    }

    mutating func round(
        free: Int = 8, kinds: [String] = ["a"], isDoorbellOut: Bool = false,
        landed: ClaimLoop.Landed = ClaimLoop.Landed()
    ) -> ClaimLoop.Action {
        let round = ClaimLoop.Round(
            free: free, kinds: kinds, isDoorbellOut: isDoorbellOut, landed: landed)
        return after(.round(round))
    }

    mutating func taken(_ ids: [JobID]?, kinds: [String] = ["a"]) -> ClaimLoop.Action {
        after(.taken(ids, kinds: kinds))
    }

    /// Claims them all.
    mutating func takenAndClaimed(_ ids: [JobID]) -> ClaimLoop.Action {
        _ = taken(ids)
        return after(.claimed(ids.map { .sample($0) }))
    }

    /// The answer to the sweep that is waited for.
    mutating func swept(
        _ count: Int, waited: Int64 = 0, end: QueuedCursor? = nil, suspects: Name? = nil,
        free: Int = 8, took time: Duration = .zero
    ) -> ClaimLoop.Action {
        let answer = answer(count, waited: waited, end: end, suspects: suspects, took: time)
        return after(.swept(answer, free: free))
    }

    /// What a sweep answers that begins now: so many jobs, which had waited so many microseconds,
    /// and where it ended, if that is not the end of the queue.
    mutating func answer(
        _ count: Int, waited: Int64 = 0, end: QueuedCursor? = nil, suspects: Name? = nil,
        took time: Duration = .zero
    ) -> ClaimLoop.SweepAnswer {
        let asked = now
        now += time
        let sweep = Sweep(
            jobs: (0..<count).map { _ in .sample(waited: waited) }, suspectsQueue: suspects,
            cursors: end.map { [$0.queue: $0] } ?? [:])
        return ClaimLoop.SweepAnswer(result: .success(sweep), asked: asked, answered: now)
    }

    /// Goes through the first sweep, which finds nothing.
    @discardableResult
    mutating func goToTake() -> ClaimLoop.Action {
        _ = round()
        return swept(0)
    }
}

extension ClaimLoop.Action {
    var isPause: Bool { pauseTime != nil }

    /// How long a pause is.
    var pauseTime: Duration? {
        if case .pause(let time, _) = self { time } else { nil }
    }

    /// The failure that a pause tells of.
    var told: StoreError? {
        if case .pause(_, let failure) = self { failure } else { nil }
    }
}
