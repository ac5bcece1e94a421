import Logging

/// Moves scheduled jobs to `queued` when they are due, waiting for the next due time.
///
/// Every worker process has one, for the retries it scheduled itself; the holder of the
/// maintenance term also asks once a second what others have scheduled. Several at once share the
/// work.
final class Promoter: Sendable {
    static let batchLimit = 1000

    private let store: any UpkeepStore
    private let doorbell: Doorbell
    private let meters: Meters
    private let logger: Logger
    private let alarm = Alarm()

    init(store: any UpkeepStore, doorbell: Doorbell, meters: Meters, logger: Logger) {
        self.store = store
        self.doorbell = doorbell
        self.meters = meters
        self.logger = logger
    }

    /// A job is due after `delay`: look then, if nothing is due sooner.
    func arm(after delay: Duration) {
        alarm.set(after: delay)
    }

    /// Promotes until cancelled.
    func run() async {
        var outage = Backoff(from: .milliseconds(200), to: .seconds(5))
        while !Task.isCancelled {
            await alarm.wait()
            guard !Task.isCancelled else { return }
            do {
                try await promote()
                outage.reset()
            } catch {
                if outage.attempts == 0 {
                    store.tell(logger, "cannot promote what is due", error)
                }
                arm(after: outage.next())
            }
        }
    }

    /// Promotes what is due now and arms for what is due next.
    private func promote() async throws(StoreError) {
        while true {
            let promotion = try await store.promote(upTo: Self.batchLimit)
            meters.promoted.add(promotion.jobs.count)
            doorbell.ring(promotion.jobs)
            guard promotion.jobs.count == Self.batchLimit else {
                if let next = promotion.nextDue { arm(after: next) }
                return
            }
        }
    }
}
