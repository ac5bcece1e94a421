/// Ids that were taken off the lists, until each is claimed, announced again or left to sweeps.
struct TakenIDs: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Ids that a claim did not get and that are looked at again; more are left to a sweep.
    static let missedLimit = 10_000
    /// How long after the claim they are looked at: whoever has a row locked has it for a moment.
    static let missedDelay = Duration.milliseconds(100)

    var unclaimed: [JobID] = []
    /// Offered to a claim that did not return them.
    private(set) var missed: Set<JobID> = []
    private var missedSince: Instant?
    /// Ids in a row that were taken and could not be claimed.
    private(set) var stale = 0
    /// Those that were announced again for others.
    private var passedOn = PassedOn()

    /// The missed ones have waited for long enough.
    func missedAreDue(at now: Instant) -> Bool {
        missedSince.map { now - $0 >= Self.missedDelay } ?? false
    }

    /// A take has brought these.
    mutating func note(taken ids: [JobID]) {
        unclaimed = ids
        if ids.isEmpty { stale = 0 }
    }

    /// Of these ids a claim has got these jobs.
    mutating func note(claimed jobs: [ClaimedJob], of ids: [JobID], at now: Instant) {
        noteStale(ids.count - jobs.count, of: ids.count)
        guard jobs.count < ids.count else { return }
        let claimed = Set(jobs.map(\.id))
        note(missed: ids.filter { !claimed.contains($0) }, at: now)
    }

    /// These were missed at that time, or are not worth a look before then.
    mutating func note(missed ids: [JobID], at time: Instant) {
        guard !ids.isEmpty else { return }
        missed.formUnion(ids.prefix(max(0, Self.missedLimit - missed.count)))
        missedSince = min(missedSince ?? time, time)
    }

    /// The store was asked about the missed ones.
    mutating func forgetMissed() {
        missed = []
        missedSince = nil
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
    /// nobody took then, and those that are too many, are found in the table by whoever knows them, or
    /// the list would go round and round.
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
