import Synchronization

/// A count that only grows.
package final class Counter: Sendable {
    private let total = Atomic<Int>(0)

    package init() {}

    package func add(_ amount: Int = 1) {
        total.wrappingAdd(amount, ordering: .relaxed)
    }

    package var value: Int { total.load(ordering: .relaxed) }
}

/// What this process has counted since it started.
package final class Meters: Sendable {
    package let enqueued = Counter()
    package let announcementsDropped = Counter()
    package let taken = Counter()
    package let claimed = Counter()
    package let claimMisses = Counter()
    package let swept = Counter()
    package let succeeded = Counter()
    package let failed = Counter()
    package let settled = Counter()
    package let lost = Counter()
    package let revoked = Counter()
    package let handedBack = Counter()
    package let promoted = Counter()
    package let reaped = Counter()
    package let reannounced = Counter()
    package let buried = Counter()

    package init() {}

    /// Name, help and value of every counter, for a metrics page.
    package var all: [(name: String, help: String, value: Int)] {
        [
            ("tasq_enqueued_total", "Jobs committed by this process.", enqueued.value),
            (
                "tasq_announcements_dropped_total",
                "Announcements that found no room and are left to the sweep.",
                announcementsDropped.value
            ),
            ("tasq_taken_total", "Ids taken from Redis.", taken.value),
            ("tasq_claimed_total", "Jobs claimed.", claimed.value),
            (
                "tasq_claim_misses_total",
                "Ids whose job could not be claimed: duplicates, stale or locked.",
                claimMisses.value
            ),
            ("tasq_swept_total", "Jobs claimed straight from the table.", swept.value),
            ("tasq_succeeded_total", "Attempts whose handler returned.", succeeded.value),
            ("tasq_failed_total", "Attempts whose handler threw.", failed.value),
            ("tasq_settled_total", "Claims ended by this process.", settled.value),
            ("tasq_lost_total", "Outcomes discarded because the claim was gone.", lost.value),
            ("tasq_revoked_total", "Running jobs that were cancelled from outside.", revoked.value),
            ("tasq_handed_back_total", "Jobs handed back at shutdown.", handedBack.value),
            ("tasq_promoted_total", "Scheduled jobs moved to queued when due.", promoted.value),
            ("tasq_reaped_total", "Claims taken back from dead workers.", reaped.value),
            ("tasq_buried_total", "Workers declared dead.", buried.value),
            ("tasq_reannounced_total", "Jobs announced again.", reannounced.value),
        ]
    }
}
