import DequeModule
package import Logging
import Synchronization

/// Tells any number of watchers what happens, from one look at the tables for all of them, and
/// only while somebody watches.
///
/// It is no log: a job that starts and ends between two looks may go untold, and after a pause
/// nobody knows what happened in it. Whoever may have missed something is told so.
package final class ActivityFeed: Sendable {
    /// Watchers at once; one more is refused.
    package static let watcherLimit = 64
    /// News that may wait for a slow watcher; one that falls further behind is cut off.
    static let bufferLimit = 2048
    /// News remembered for watchers that come back.
    static let historyLimit = 1000
    /// Rows of each part of a look.
    static let rowLimit = 500
    /// The time between two looks, and between two looks at the queues.
    static let pause = Duration.milliseconds(500)
    static let queuesEvery = 4
    /// How long looking goes on when nobody watches, so that a watcher can come back.
    static let linger = Duration.seconds(15)
    /// How old a job may be to be found by its id when it came and went between two looks.
    static let window: Int64 = 10_000_000

    /// One piece of news and its number.
    package struct News: Sendable {
        /// `nil` for what concerns this watcher alone.
        package let id: String?
        package let activity: Activity
    }

    private struct State {
        var watchers: [Int: AsyncStream<News>.Continuation] = [:]
        var nextWatcher = 0
        var number = 0
        var history: Deque<(number: Int, activity: Activity)> = []
        var isClosed = false
        var arrival = Signal()
        var lastSeen = ContinuousClock.now
        /// As last told; `nil` before the first look at them.
        var queues: [QueueRecord]?
    }

    private let catalog: any Catalog
    private let logger: Logger
    /// Tells this feed's numbers from those of another process or an earlier one.
    private let mark = String(UInt32.random(in: .min ... .max), radix: 36)
    private let state = Mutex(State())

    package init(catalog: any Catalog, logger: Logger) {
        self.catalog = catalog
        self.logger = logger
    }

    /// The news from now on, after those since `last` where they are still known; `nil` when there
    /// are too many watchers.
    package func watch(after last: String?) -> AsyncStream<News>? {
        let (stream, continuation) = AsyncStream<News>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.bufferLimit))
        let arrival = state.withLock { state -> Signal? in
            guard state.watchers.count < Self.watcherLimit, !state.isClosed else { return nil }
            let number = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[number] = continuation
            continuation.onTermination = { [weak self] _ in self?.leave(number) }
            if let last { catchUp(continuation, after: last, state) }
            if let queues = state.queues {
                continuation.yield(News(id: nil, activity: .queues(queues)))
            }
            return state.arrival
        }
        guard let arrival else { return nil }
        arrival.raise()
        return stream
    }

    private func catchUp(
        _ watcher: AsyncStream<News>.Continuation, after last: String, _ state: State
    ) {
        let parts = last.split(separator: "-", maxSplits: 1)
        let seen = parts.count == 2 && parts[0] == mark ? Int(parts[1]) : nil
        let oldest = state.history.first?.number ?? state.number + 1
        guard let seen, seen <= state.number, seen >= oldest - 1 else {
            watcher.yield(News(id: nil, activity: .gap))
            return
        }
        for (number, activity) in state.history where number > seen {
            watcher.yield(News(id: "\(mark)-\(number)", activity: activity))
        }
    }

    private func leave(_ number: Int) {
        state.withLock { state in
            state.watchers[number] = nil
            state.lastSeen = .now
        }
    }

    /// Looks while somebody watches, until cancelled; then every watcher's news end.
    package func run() async {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                let (isWatched, arrival) = state.withLock { state in
                    if state.watchers.isEmpty { state.arrival = Signal() }
                    return (!state.watchers.isEmpty, state.arrival)
                }
                if isWatched { await look() } else { await arrival.wait() }
            }
        } onCancel: {
            let watchers = state.withLock { state in
                state.isClosed = true
                return Array(state.watchers.values)
            }
            for watcher in watchers { watcher.finish() }
        }
    }

    /// Looks until nobody has watched for a while.
    private func look() async {
        // Numbers of before the pause must not seem to go on.
        state.withLock { state in
            state.number += 2
            state.history = []
            state.queues = nil
        }
        var log = ActivityLog()
        var looks = 0
        var outage = Backoff(from: .milliseconds(500), to: .seconds(5))
        while !Task.isCancelled, isWanted {
            do throws(StoreError) {
                let found = try await catalog.look(
                    since: Timestamp(microseconds: Timestamp.now.microseconds - Self.window),
                    executing: log.executing, limit: Self.rowLimit)
                tell(log.take(found))
                if looks % Self.queuesEvery == 0 { tell(queues: try await catalog.queues()) }
                looks += 1
                if outage.attempts > 0 { tell([.gap]) }
                outage.reset()
                await sleep(for: Self.pause)
            } catch {
                if outage.attempts == 0 {
                    logger.info("cannot see what happens", metadata: ["error": "\(error)"])
                }
                await outage.pause()
            }
        }
    }

    private var isWanted: Bool {
        state.withLock { state in
            !state.watchers.isEmpty || ContinuousClock.now - state.lastSeen < Self.linger
        }
    }

    private func tell(queues: [QueueRecord]) {
        let isNew = state.withLock { state in
            defer { state.queues = queues }
            return state.queues != queues
        }
        if isNew { tell([.queues(queues)]) }
    }

    /// Called by one task at a time. Watchers are told outside the lock: one that is being cancelled
    /// waits for the lock in ``leave(_:)``, and whoever resumes it waits for the cancelling.
    func tell(_ activities: [Activity]) {
        let (news, watchers) = state.withLock { state in
            let news = activities.map { activity in
                state.number += 1
                state.history.append((state.number, activity))
                if state.history.count > Self.historyLimit { state.history.removeFirst() }
                return News(id: "\(mark)-\(state.number)", activity: activity)
            }
            return (news, Array(state.watchers.values))
        }
        for watcher in watchers {
            for piece in news {
                guard case .dropped = watcher.yield(piece) else { continue }
                // It comes back with the last number it saw, and is told what it missed.
                watcher.finish()
                break
            }
        }
    }
}
