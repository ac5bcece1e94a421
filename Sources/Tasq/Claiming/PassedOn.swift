/// The ids that were announced again last, for others.
///
/// Where a list holds more of them than are remembered, each would be forgotten by the time it comes
/// round again, and the list would go round for ever, as fast as it can be taken from. So one id in 64
/// is remembered for longer. Where those come back, and more of them than new ones, no id is announced
/// again for a minute: they are left to sweeps. A few come back on lists that do not go round, as of
/// jobs that are retried.
struct PassedOn: Sendable {
    typealias Instant = ContinuousClock.Instant

    static let span = Duration.seconds(60)
    /// One id in so many is remembered for longer.
    static let sampleStep: UInt64 = 64
    /// So many more of them than new ones must have come back.
    static let returnsLimit = 8

    private var all: RecentIDs
    private var sample: RecentIDs
    private var returns = 0
    /// Until then none is taken in.
    private var restsUntil: Instant?

    /// Of all ids at least so many are remembered, and of those that are for longer.
    init(limit: Int = 10_000) {
        all = RecentIDs(limit: limit)
        sample = RecentIDs(limit: limit)
    }

    /// Takes an id in; `false` when it is remembered, or comes while none is announced again.
    mutating func insert(_ id: JobID, at now: Instant) -> Bool {
        if let restsUntil, now < restsUntil { return false }
        guard all.insert(id) else { return false }
        guard id.low % Self.sampleStep == 0 else { return true }
        guard !sample.insert(id) else {
            returns = max(returns - 1, 0)
            return true
        }
        returns += 1
        if returns >= Self.returnsLimit {
            returns = 0
            restsUntil = now + Self.span
        }
        return false
    }
}

/// The last ids: at least so many, at most twice as many.
private struct RecentIDs: Sendable {
    let limit: Int
    private var newest: Set<JobID> = []
    private var older: Set<JobID> = []

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes an id in; `false` when it is among them.
    mutating func insert(_ id: JobID) -> Bool {
        guard !older.contains(id), newest.insert(id).inserted else { return false }
        if newest.count >= limit {
            older = newest
            newest = []
        }
        return true
    }
}
