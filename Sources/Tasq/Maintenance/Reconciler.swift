import Logging

/// Announces every queued job again after the announcer forgot.
///
/// The lists of a queue are emptied before its first page is read, unless they may be another
/// database's, so a refill leaves no duplicates however often it happens: what is committed before the page is on it, what is committed later
/// is announced by whoever commits it. Pages grow from small to large, so that the first workers
/// start at once and none is drowned.
struct Reconciler: Sendable {
    static let firstPage = 256
    static let largestPage = 8192

    let store: any UpkeepStore
    let announcer: any Announcer
    let meters: Meters
    let logger: Logger

    /// What is left to announce, and why.
    struct Interruption: Error {
        let rest: EpochWatch.Forgotten
        /// A `StoreError` or an `AnnouncerError`.
        let cause: any Error
    }

    /// Announces queued jobs, by queue, most urgent and oldest first. Starting again is safe.
    ///
    /// A queue whose part of the doorbell is out of order does not keep the others waiting.
    ///
    /// - Parameter keepsLists: Nothing is taken off a list before; what is announced stands twice.
    func reannounce(
        _ what: EpochWatch.Forgotten, keepsLists: Bool
    ) async throws(Interruption) {
        var count = 0
        var interruption: Interruption?
        switch what {
        case .everything:
            do {
                try await reannounce(
                    after: nil, onlyItsQueue: false, keepsLists: keepsLists, &count)
            } catch {
                interruption = Interruption(rest: what, cause: error)
            }
        case .queues(let queues):
            for queue in queues.sorted() where !Task.isCancelled {
                do {
                    if !keepsLists { try await announcer.clear([queue]) }
                    try await reannounce(
                        after: .start(of: queue), onlyItsQueue: true, keepsLists: keepsLists,
                        &count)
                } catch {
                    let rest = EpochWatch.Forgotten.queues([queue]).joined(with: interruption?.rest)
                    interruption = Interruption(rest: rest, cause: error)
                }
            }
        }
        if let interruption { throw interruption }
        logger.info("announced queued jobs again", metadata: ["jobs": "\(count)"])
    }

    /// - Parameter cursor: In front of a queue whose lists are empty; `nil`: of all.
    private func reannounce(
        after cursor: QueuedCursor?, onlyItsQueue: Bool, keepsLists: Bool, _ count: inout Int
    ) async throws {
        var cursor = cursor
        var cleared: Set<Name> = cursor.map { [$0.queue] } ?? []
        var limit = Self.firstPage
        repeat {
            var page = try await store.queued(after: cursor, limit: limit)
            if let new = page.jobs.first(where: { !cleared.contains($0.queue) })?.queue {
                // By position: the database's collation need not be Swift's order.
                page.jobs = Array(page.jobs.prefix { cleared.contains($0.queue) })
                page.next = onlyItsQueue ? nil : .start(of: new)
                if !onlyItsQueue {
                    if !keepsLists { try await announcer.clear([new]) }
                    cleared.insert(new)
                }
            }
            try await announcer.refill(page.jobs)
            meters.reannounced.add(page.jobs.count)
            count += page.jobs.count
            cursor = page.next
            limit = min(limit * 2, Self.largestPage)
        } while cursor != nil && !Task.isCancelled
    }
}

extension QueuedCursor {
    /// Before the first job of a queue.
    fileprivate static func start(of queue: Name) -> QueuedCursor {
        QueuedCursor(
            queue: queue, priority: Priority(unchecked: -1), runAt: Timestamp(microseconds: 0),
            id: JobID(high: 0, low: 0))
    }
}
