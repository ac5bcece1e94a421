import Synchronization

/// How many jobs a worker claims beyond its free slots, so that these need not wait for the answer.
///
/// As many as will have ended when the answer comes, and at most a batch, or two jobs a slot if
/// that is more; never more than one claim may ask for. While jobs are longer than a claim takes,
/// that is none: a worker claims for its free slots, and leaves the others to whoever has one.
///
/// The bound does not shrink with the slots, because few slots wait for what a claim costs by
/// itself: with one slot and jobs that end at once, two jobs a slot came to a fifth of the rate.
final class Lookahead: Sendable {
    /// A job that waits longer for its slot is given back: another worker may have one free.
    static let patience = Duration.milliseconds(100)
    /// A claim that takes longer counts for this: what it brings is to run within the patience.
    private static let longestClaim = patience / 2
    /// What jobs are taken to last while none has ended, or when slots did not come free.
    private static let longRun: Int64 = 1_000_000_000
    /// Each new time counts for this share of the mean.
    private static let share: Int64 = 16

    private let slots: Int
    private let limit: Int
    /// Nanoseconds that a claim takes, and a run.
    private let claim = Atomic<Int64>(0)
    private let run = Atomic(longRun)
    private let isWatched = Atomic(false)

    init(slots: Int) {
        self.slots = slots
        limit = min(max(2 * slots, ClaimPlan.batchLeast), ClaimPlan.claimLimit)
    }

    /// How many jobs may wait for a slot.
    var count: Int {
        min(limit, Int(claimInSlots / max(1, run.load(ordering: .relaxed))))
    }

    /// What all slots run in the time of a claim, in nanoseconds.
    private var claimInSlots: Int64 {
        let (time, overflow) =
            claim.load(ordering: .relaxed).multipliedReportingOverflow(by: Int64(slots))
        return overflow ? .max - 1 : time
    }

    func noteClaim(took time: Duration) { Self.note(min(time, Self.longestClaim), in: claim) }

    func noteRun(took time: Duration) { Self.note(time, in: run) }

    /// Jobs waited in vain: until short ones end, nothing is claimed ahead.
    func noteHeldUp() {
        let longest = max(run.load(ordering: .relaxed), Self.longRun, claimInSlots + 1)
        run.store(longest, ordering: .relaxed)
    }

    /// Says that somebody looks after those that wait from now on; `false` when somebody does.
    func watch() -> Bool { !isWatched.exchange(true, ordering: .acquiringAndReleasing) }

    func unwatch() { isWatched.store(false, ordering: .releasing) }

    /// Some of what is noted at the same moment may get lost; a mean can bear that.
    private static func note(_ time: Duration, in mean: borrowing Atomic<Int64>) {
        let (seconds, attoseconds) = time.components
        let (large, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let time = overflow ? longRun * 3600 : large + attoseconds / 1_000_000_000
        let old = mean.load(ordering: .relaxed)
        mean.store(old + (min(time, longRun * 3600) - old) / share, ordering: .relaxed)
    }
}
