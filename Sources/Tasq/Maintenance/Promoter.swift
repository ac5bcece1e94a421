import Logging
import Synchronization

/// Moves scheduled jobs to `queued` when they are due, waiting for the next due time.
///
/// Every worker process has one, for the retries it scheduled itself. The holder of the maintenance
/// term also goes by when the next of all is due, and asks once a second what others have scheduled; did
/// all go by that, each due time would cost as many statements as there are processes. Several at once
/// share the work.
///
/// It has a twentieth of the time, as sweeps have: while somebody's long transaction keeps old entries
/// of the index from being removed, each promotion walks over those of all that was promoted since.
final class Promoter: Sendable {
    static let batchLimit = 1000
    /// However long a promotion took, the next one is not further off.
    static let longestRest = Duration.seconds(10)

    private let store: any UpkeepStore
    private let doorbell: Doorbell
    private let meters: Meters
    private let logger: Logger
    private let alarm = Alarm()
    private let own = Mutex(DueTimes())

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

    /// This process has scheduled jobs that are due after these delays. To be told once they are in the
    /// table, so that the look at that time does find them due.
    func armOwn(after delays: [Duration]) {
        let now = ContinuousClock.now
        let first = own.withLock { own in
            for delay in delays { own.insert(now + delay) }
            return own.first
        }
        if let first { alarm.set(after: first - now) }
    }

    /// Promotes until cancelled; by the due times of all while `goesByAll`.
    func run(goesByAll: @escaping @Sendable () -> Bool) async {
        var outage = Backoff(from: .milliseconds(200), to: .seconds(5))
        while !Task.isCancelled {
            await alarm.wait()
            guard !Task.isCancelled else { return }
            do {
                let rest = try await promote(goesByAll: goesByAll)
                outage.reset()
                await sleep(for: rest)
            } catch {
                if outage.attempts == 0 {
                    store.tell(logger, "cannot promote what is due", error)
                }
                arm(after: outage.next())
            }
        }
    }

    /// Promotes what is due now and arms for what is due next; returns how long to rest.
    private func promote(goesByAll: () -> Bool) async throws(StoreError) -> Duration {
        while true {
            let start = ContinuousClock.now
            let promotion = try await store.promote(upTo: Self.batchLimit)
            meters.promoted.add(promotion.jobs.count)
            doorbell.ring(promotion.jobs)
            // A whole batch is no walk in vain, and there may be more.
            guard promotion.jobs.count < Self.batchLimit else { continue }
            let end = ContinuousClock.now
            let ownNext = own.withLock { own in
                own.dropFirst(upTo: start)
                return own.first
            }
            if let ownNext { alarm.set(after: ownNext - end) }
            if let next = promotion.nextDue, goesByAll() { arm(after: next) }
            return min((end - start) * 19, Self.longestRest)
        }
    }
}

/// When jobs are due that one process scheduled, the earliest first.
struct DueTimes: Sendable {
    /// Of more than so many the latest are left to the holder of the term, which knows them by then.
    static let limit = 1000

    private var times: [ContinuousClock.Instant] = []

    var first: ContinuousClock.Instant? { times.first }

    mutating func insert(_ time: ContinuousClock.Instant) {
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] <= time { low = middle + 1 } else { high = middle }
        }
        times.insert(time, at: low)
        if times.count > Self.limit { times.removeLast() }
    }

    /// Forgets those up to a time.
    mutating func dropFirst(upTo time: ContinuousClock.Instant) {
        times.removeFirst(times.prefix { $0 <= time }.count)
    }
}
