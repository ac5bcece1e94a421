package import Logging
import ServiceLifecycle
import Synchronization

/// Works off the bulk actions that stand in the table: one on jobs at a time, and beside it one replay,
/// which may take hours.
///
/// Their state is theirs, not this process's: a page at a time is written down, under a hold that
/// ends when others have seen it stand still, by their own clocks. So a restart loses nothing and
/// claims nothing: another server, or this one when it is back, goes on where the row says. Two at
/// once would do no harm either, as every action on a job is decided by the job's own status under
/// its lock, and the ids of the jobs that a replay makes follow from it and the event.
package final class BulkRunner: Sendable {
    /// How long a holder may take for one page before another one takes over.
    package static let hold = Duration.seconds(60)
    /// How often the table is looked at for actions that lost their holder.
    package static let lookEvery = Duration.seconds(15)

    private let hold: Duration
    private let lookEvery: Duration
    private let queue: Queue
    private let catalog: any Catalog
    private let replayLimit: Int
    private let logger: Logger
    private let id = WorkerID()
    /// Of those that look for actions on jobs and for replays.
    private let news = Mutex<[Bool: Signal]>([:])

    package init(
        queue: Queue, catalog: any Catalog, logger: Logger, hold: Duration = hold,
        lookEvery: Duration = lookEvery, replayLimit: Int = ReplayRequest.eventLimit
    ) {
        self.catalog = catalog
        self.replayLimit = replayLimit
        self.queue = queue
        self.logger = logger
        self.hold = hold
        self.lookEvery = lookEvery
    }

    /// Looks at the table at once.
    package func wake() {
        for signal in news.withLock({ Array($0.values) }) { signal.raise() }
    }

    /// Works until graceful shutdown; what is under way is then left to the next holder.
    package func run() async {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for replays in [false, true] { group.addTask { await self.run(replays: replays) } }
            }
        }
    }

    private func run(replays: Bool) async {
        var outage = Backoff(from: .milliseconds(500), to: .seconds(10))
        var holds = Standstill<BulkID, String>(longestGap: lookEvery * 2)
        while !Task.isCancelled {
            let signal = Signal()
            news.withLock { $0[replays] = signal }
            do throws(StoreError) {
                while let bulk = try await next(&holds, replays: replays), !Task.isCancelled {
                    try await work(on: bulk)
                }
                outage.reset()
                _ = await happens(within: lookEvery, unless: nil) {
                    await signal.wait()
                    return true
                }
            } catch {
                holds.reset()
                if outage.attempts == 0 {
                    queue.store.tell(logger, "bulk actions wait for postgres", error)
                }
                await outage.pause()
            }
        }
    }

    /// An action that nobody holds, or whose holder has written nothing for as long as it may.
    private func next(
        _ holds: inout Standstill<BulkID, String>, replays: Bool
    ) async throws(StoreError) -> BulkRecord? {
        let store = queue.store
        let free = try await store.holdBulk(
            as: id, for: hold, takingOver: [:], replays: replays)
        if let free { return free }
        let sights = try await store.bulkHolds().mapValues { standing in
            Standstill<BulkID, String>.Sight(state: standing, patience: hold)
        }
        let abandoned = holds.look(at: sights, now: .now)
        guard !abandoned.isEmpty else { return nil }
        return try await store.holdBulk(
            as: id, for: hold, takingOver: abandoned, replays: replays)
    }

    /// To its end, or until it is called off or taken over.
    private func work(on bulk: BulkRecord) async throws(StoreError) {
        var walk = Walk(bulk, replayLimit: replayLimit)
        var record = bulk
        var pauses = Backoff(from: .milliseconds(200), to: .seconds(5))
        while true {
            var state = BulkRecord.State.running
            do {
                if try await !walk.step(queue, catalog) { state = .done }
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

/// The walk of a bulk action, over what it is about.
private enum Walk {
    case jobs(BulkWalk)
    case events(ReplayWalk)

    init(_ bulk: BulkRecord, replayLimit: Int) {
        switch bulk.task {
        case .jobs(let request):
            self = .jobs(
                BulkWalk(
                    request, dryRun: bulk.isDryRun, cursor: bulk.cursor.map { JobID(octetsOf: $0) },
                    until: request.filter.until ?? bulk.createdAt, counts: bulk.counts))
        case .replay(let request):
            self = .events(
                ReplayWalk(
                    request, by: bulk.id, dryRun: bulk.isDryRun,
                    cursor: bulk.cursor.map { PayloadID(octetsOf: $0) }, until: bulk.createdAt,
                    counts: bulk.counts, limit: replayLimit))
        }
    }

    var cursor: BulkCursor? {
        switch self {
        case .jobs(let walk): walk.cursor.map { BulkCursor(octetsOf: $0) }
        case .events(let walk): walk.cursor.map { BulkCursor(octetsOf: $0) }
        }
    }

    var counts: BulkCounts {
        switch self {
        case .jobs(let walk): walk.counts
        case .events(let walk): walk.counts
        }
    }

    /// A step that fails is as if it had not been.
    mutating func step(_ queue: Queue, _ catalog: any Catalog) async throws -> Bool {
        switch self {
        case .jobs(var walk):
            let isMore = try await walk.step(queue)
            self = .jobs(walk)
            return isMore
        case .events(var walk):
            let isMore = try await walk.step(queue, catalog)
            self = .events(walk)
            return isMore
        }
    }
}
