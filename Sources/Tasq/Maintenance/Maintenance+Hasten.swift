import Logging
import Synchronization

/// What is queued and seems not to be due, because PostgreSQL's clock went back.
extension Maintenance {
    /// Between two looks for it, while jobs run and while none do.
    static let hastenPause = Duration.seconds(3)
    static let idleHastenPause = Duration.seconds(9)
    /// However long it took.
    static let longestHastenPause = Duration.seconds(60)
    /// Jobs moved in one statement.
    static let hastenLimit = 1000

    /// Makes queued jobs due, or schedules them again, while the term is held. It has a twentieth of
    /// the time, as sweeps have: beside somebody's long transaction each look walks over what was moved
    /// before.
    func hasten() async {
        var hasFailed = false
        var pause = Self.tick
        while await sleep(for: pause) {
            pause = Self.tick
            let queues = served.withLock { $0 }
            guard holdsTerm.load(ordering: .relaxed), !queues.isEmpty else { continue }
            let start = ContinuousClock.now
            do throws(StoreError) {
                try await hastenAll(on: queues)
                hasFailed = false
            } catch {
                if !hasFailed {
                    store.tell(logger, "cannot make queued jobs due", error)
                }
                hasFailed = true
            }
            let isBusy = self.isBusy.load(ordering: .relaxed)
            pause = max(
                isBusy ? Self.hastenPause : Self.idleHastenPause,
                min((ContinuousClock.now - start) * 19, Self.longestHastenPause))
        }
    }

    private func hastenAll(on queues: [Name]) async throws(StoreError) {
        var (due, putBack) = (0, 0)
        defer {
            if due > 0 {
                logger.warning(
                    "PostgreSQL's clock went back: queued jobs are due again",
                    metadata: ["jobs": "\(due)"])
            }
            if putBack > 0 {
                logger.warning(
                    "PostgreSQL's clock was ahead: jobs it queued too early are scheduled again",
                    metadata: ["jobs": "\(putBack)"])
            }
        }
        while holdsTerm.load(ordering: .relaxed), !Task.isCancelled {
            let jobs = try await store.hasten(on: queues, upTo: Self.hastenLimit)
            due += jobs.due.count
            putBack += jobs.putBack
            doorbell.ring(jobs.due)
            guard jobs.due.count + jobs.putBack == Self.hastenLimit else { return }
        }
    }
}
