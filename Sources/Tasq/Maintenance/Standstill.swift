/// Judges by its own monotonic clock what stands still: a term, a hold or a row that whoever holds
/// it changes with every renewal.
///
/// What has been seen in the same state by successful looks, none too far apart, for as long as its
/// holder has for a renewal is abandoned. A stored time is not asked for: the clock it was written
/// by may be another's, or have jumped, and then a term would stand for an hour or fall at once.
/// Time in which nobody could look does not count, as the holder could not renew then either: a
/// look after a gap starts all anew.
struct Standstill<Key: Hashable & Sendable, State: Equatable & Sendable>: Sendable {
    /// What one look shows of one holding.
    struct Sight: Sendable {
        let state: State
        /// How long it may stay as it is.
        let patience: Duration
    }

    /// Looks further apart than this have a gap between them.
    let longestGap: Duration
    private var since: [Key: (state: State, instant: ContinuousClock.Instant)] = [:]
    private var lastLook: ContinuousClock.Instant?

    init(longestGap: Duration) {
        self.longestGap = longestGap
    }

    /// Takes one successful look and returns what is abandoned, each in the state it stands in:
    /// take it over only if it still does.
    mutating func look(
        at sights: [Key: Sight], now: ContinuousClock.Instant
    ) -> [Key: State] {
        if let lastLook, now - lastLook > longestGap { since = [:] }
        lastLook = now
        var seen: [Key: (state: State, instant: ContinuousClock.Instant)] = [:]
        var abandoned: [Key: State] = [:]
        for (key, sight) in sights {
            guard let known = since[key], known.state == sight.state else {
                seen[key] = (sight.state, now)
                continue
            }
            seen[key] = known
            if now - known.instant >= sight.patience { abandoned[key] = sight.state }
        }
        since = seen
        return abandoned
    }

    /// Forgets everything: a look failed.
    mutating func reset() {
        since = [:]
        lastLook = nil
    }
}
