package import Logging
import ServiceLifecycle
import Synchronization

/// Works off the bulk actions that stand in the table, one at a time.
///
/// Their state is theirs, not this process's: a page at a time is written down, under a hold that
/// ends when others have seen it stand still, by their own clocks. So a restart loses nothing and claims nothing: another server, or this one
/// when it is back, goes on where the row says. Two at once would do no harm either, as every
/// action on a job is decided by the job's own status under its lock.
package final class BulkRunner: Sendable {
    /// How long a holder may take for one page before another one takes over.
    package static let hold = Duration.seconds(60)
    /// How often the table is looked at for actions that lost their holder.
    package static let lookEvery = Duration.seconds(15)

    private let hold: Duration
    private let lookEvery: Duration
    private let queue: Queue
    private let logger: Logger
    private let id = WorkerID()
    private let news = Mutex(Signal())

    package init(
        queue: Queue, logger: Logger, hold: Duration = hold, lookEvery: Duration = lookEvery
    ) {
        self.queue = queue
        self.logger = logger
        self.hold = hold
        self.lookEvery = lookEvery
    }

    /// Looks at the table at once.
    package func wake() {
        news.withLock { $0 }.raise()
    }

    /// Works until graceful shutdown; the action under way is then left to the next holder.
    package func run() async {
        await cancelWhenGracefulShutdown {
            var outage = Backoff(from: .milliseconds(500), to: .seconds(10))
            var holds = Standstill<BulkID, String>(longestGap: self.lookEvery * 2)
            while !Task.isCancelled {
                let signal = Signal()
                self.news.withLock { $0 = signal }
                do throws(StoreError) {
                    while let bulk = try await self.next(&holds), !Task.isCancelled {
                        try await self.work(on: bulk)
                    }
                    outage.reset()
                    _ = await happens(within: self.lookEvery, unless: nil) {
                        await signal.wait()
                        return true
                    }
                } catch {
                    holds.reset()
                    if outage.attempts == 0 {
                        self.queue.store.tell(
                            self.logger, "bulk actions wait for postgres", error)
                    }
                    await outage.pause()
                }
            }
        }
    }

    /// An action that nobody holds, or whose holder has written nothing for as long as it may.
    private func next(
        _ holds: inout Standstill<BulkID, String>
    ) async throws(StoreError) -> BulkRecord? {
        let store = queue.store
        if let free = try await store.holdBulk(as: id, for: hold, takingOver: [:]) { return free }
        let sights = try await store.bulkHolds().mapValues { standing in
            Standstill<BulkID, String>.Sight(state: standing, patience: hold)
        }
        let abandoned = holds.look(at: sights, now: .now)
        guard !abandoned.isEmpty else { return nil }
        return try await store.holdBulk(as: id, for: hold, takingOver: abandoned)
    }

    /// To its end, or until it is called off or taken over.
    private func work(on bulk: BulkRecord) async throws(StoreError) {
        var walk = BulkWalk(
            bulk.request, dryRun: bulk.isDryRun, cursor: bulk.cursor,
            until: bulk.request.filter.until ?? bulk.createdAt, counts: bulk.counts)
        var record = bulk
        var pauses = Backoff(from: .milliseconds(200), to: .seconds(5))
        while true {
            var state = BulkRecord.State.running
            do {
                if try await !walk.step(queue) { state = .done }
                pauses.reset()
            } catch is CancellationError {
                break
            } catch let error as StoreError where error.isTransient {
                await pauses.pause()
            } catch {
                (state, record.reason) = (.failed, "\(error)")
                logger.error(
                    "a bulk action failed",
                    metadata: ["bulk": "\(bulk.id)", "error": "\(error)"])
            }
            record.state = state
            record.cursor = walk.cursor
            record.counts = walk.counts
            let isOurs = try await queue.store.advanceBulk(record, by: id, for: hold)
            guard isOurs, state == .running else { return }
            if Task.isCancelled { break }
        }
        // The next holder need not watch it stand still.
        record.state = .running
        _ = try await queue.store.advanceBulk(record, by: id, for: .zero)
    }
}
