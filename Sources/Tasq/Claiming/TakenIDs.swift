/// Ids that were taken off the lists, until each is claimed, announced again or left to sweeps.
struct TakenIDs: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Ids that a claim did not get and that are looked at again; more are left to a sweep.
    static let missedLimit = 10_000
    /// How long after the claim they are looked at: whoever has a row locked has it for a moment.
    static let missedDelay = Duration.milliseconds(100)
    /// How long at most, where a row stays locked: it is announced again less and less often.
    static let longestDelay = Duration.seconds(2)

    var unclaimed: [JobID] = []
    /// Offered to a claim that did not return them, and when each is to be looked at.
    private var due: [JobID: Instant] = [:]
    private var firstDue: Instant?
    /// Those that are being looked at.
    private var looked: [JobID] = []
    /// How often an id was announced again after a claim had missed it, since one got it.
    private var announced: [JobID: Int] = [:]
    /// Ids in a row that were taken and could not be claimed.
    private(set) var stale = 0
    /// Those that were announced again for others.
    private var passedOn = PassedOn()

    /// Offered to a claim that did not return them.
    var missed: Dictionary<JobID, Instant>.Keys { due.keys }

    /// Some of the missed ones have waited for long enough.
    func missedAreDue(at now: Instant) -> Bool {
        firstDue.map { now >= $0 } ?? false
    }

    /// Those of the missed ones that are due, or soon will be; all of them, if that is asked for.
    mutating func lookAtMissed(at now: Instant, all: Bool) -> [JobID] {
        let soon = now + Self.missedDelay
        looked = Array(due.filter { all || $0.value <= soon }.keys)
        return looked
    }

    /// A take has brought these.
    mutating func note(taken ids: [JobID]) {
        unclaimed = ids
        if ids.isEmpty { stale = 0 }
    }

    /// Of these ids a claim has got these jobs.
    mutating func note(claimed jobs: [ClaimedJob], of ids: [JobID], at now: Instant) {
        noteStale(ids.count - jobs.count, of: ids.count)
        if !announced.isEmpty {
            for job in jobs { announced[job.id] = nil }
        }
        guard jobs.count < ids.count else { return }
        let claimed = Set(jobs.map(\.id))
        note(missed: ids.filter { !claimed.contains($0) }, at: now)
    }

    /// These were missed at that time, or are not worth a look before then.
    mutating func note(missed ids: [JobID], at time: Instant) {
        for id in ids where due.count < Self.missedLimit {
            let delay = Backoff.length(
                after: 1 + (announced[id] ?? 0), from: Self.missedDelay, to: Self.longestDelay)
            let end = min(due[id] ?? time + delay, time + delay)
            due[id] = end
            firstDue = min(firstDue ?? end, end)
        }
    }

    /// The store was asked about those that were looked at.
    mutating func forgetMissed() {
        for id in looked { due[id] = nil }
        looked = []
        firstDue = due.values.min()
    }

    /// These had been missed and are announced again: the next claim may miss them as well.
    mutating func note(announcedAgain jobs: [Announcement]) {
        if announced.count + jobs.count > Self.missedLimit { announced = [:] }
        for job in jobs { announced[job.id, default: 0] += 1 }
    }

    /// Of the unclaimed ones so many stand in the table as queued, and these can be claimed by their
    /// ids. Keeps so many of them, in their order, and returns the others.
    mutating func keep(
        _ limit: Int, of claimable: [Announcement], amongQueued count: Int
    ) -> ArraySlice<Announcement> {
        noteStale(unclaimed.count - count, of: unclaimed.count)
        var queued = Dictionary(claimable.map { ($0.id, $0) }) { $1 }
        let inOrder = unclaimed.compactMap { queued.removeValue(forKey: $0) }
        unclaimed = inOrder.prefix(limit).map(\.id)
        return inOrder.dropFirst(limit)
    }

    /// Jobs of kinds that nobody here has a handler for are announced once more, for others; those
    /// nobody took then are found in the table by whoever knows them, or the list would go round and
    /// round.
    mutating func passOn(_ foreign: [Announcement], at now: Instant) -> [Announcement] {
        foreign.filter { passedOn.insert($0.id, at: now) }
    }

    /// Other kinds are known from now on.
    mutating func forgetPassedOn() { passedOn = PassedOn() }

    /// So many of the ids that the list gave last are of jobs that cannot be claimed.
    private mutating func noteStale(_ count: Int, of all: Int) {
        stale = count > all / 2 ? min(stale + count, ClaimPlan.claimLimit) : 0
    }
}
