package import Logging
import ServiceLifecycle
import Synchronization

/// Works off the bulk actions that stand in the table, one at a time.
///
/// Their state is theirs, not this process's: a page at a time is written down, under a hold that
/// ends by itself. So a restart loses nothing and claims nothing: another server, or this one
/// when it is back, goes on where the row says. Two at once would do no harm either, as every
/// action on a job is decided by the job's own status under its lock.
package final class BulkRunner: Sendable {
    /// How long a holder may take for one page before another one takes over.
    static let hold = Duration.seconds(60)
    /// How often the table is looked at for actions that lost their holder.
    static let lookEvery = Duration.seconds(15)

    private let queue: Queue
    private let logger: Logger
    private let id = WorkerID()
    private let news = Mutex(Signal())

    package init(queue: Queue, logger: Logger) {
        self.queue = queue
        self.logger = logger
    }

    /// Looks at the table at once.
    package func wake() {
        news.withLock { $0 }.raise()
    }

    /// Works until graceful shutdown; the action under way is then left to the next holder.
    package func run() async {
        await cancelWhenGracefulShutdown {
            var outage = Backoff(from: .milliseconds(500), to: .seconds(10))
            while !Task.isCancelled {
                let signal = Signal()
                self.news.withLock { $0 = signal }
                do throws(StoreError) {
                    while let bulk = try await self.queue.store.holdBulk(
                        as: self.id, for: Self.hold), !Task.isCancelled
                    {
                        try await self.work(on: bulk)
                    }
                    outage.reset()
                    _ = await happens(within: Self.lookEvery, unless: nil) {
                        await signal.wait()
                        return true
                    }
                } catch {
                    if outage.attempts == 0 {
                        self.logger.warning(
                            "bulk actions wait for postgres", metadata: ["error": "\(error)"])
                    }
                    await outage.pause()
                }
            }
        }
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
            let isOurs = try await queue.store.advanceBulk(record, by: id, for: Self.hold)
            guard isOurs, state == .running else { return }
            if Task.isCancelled { break }
        }
        // The next holder need not wait for the hold to end.
        record.state = .running
        _ = try await queue.store.advanceBulk(record, by: id, for: .zero)
    }
}
