/// The ids that were announced again last, for others: at least so many are remembered, at most twice
/// as many.
///
/// Where a list holds more of them than that, each would be forgotten by the time it comes round again,
/// and the list would go round for ever, as fast as it can be taken from. So of those that come faster
/// than so many a minute no more are announced again, until that minute is over: they are left to sweeps.
struct PassedOn: Sendable {
    typealias Instant = ContinuousClock.Instant

    static let span = Duration.seconds(60)

    private let limit: Int
    private var newest: Set<JobID> = []
    private var older: Set<JobID> = []
    /// When the first of the newest came.
    private var since: Instant?
    /// Until then none is taken in.
    private var restsUntil: Instant?

    init(limit: Int = 10_000) {
        self.limit = limit
    }

    /// Takes an id in; `false` when it is remembered, or one of too many.
    mutating func insert(_ id: JobID, at now: Instant) -> Bool {
        if let restsUntil, now < restsUntil { return false }
        guard !older.contains(id), newest.insert(id).inserted else { return false }
        let start = since ?? now
        since = start
        if newest.count >= limit {
            older = newest
            newest = []
            since = nil
            restsUntil = start + Self.span
        }
        return true
    }
}
