import Logging

/// Announces every queued job again after the announcer forgot.
///
/// The lists of a queue are emptied before its first page is read, so a refill leaves no duplicates
/// however often it happens: what is committed before the page is on it, what is committed later
/// is announced by whoever commits it. Pages grow from small to large, so that the first workers
/// start at once and none is drowned.
struct Reconciler: Sendable {
    static let firstPage = 256
    static let largestPage = 8192

    let store: any JobStore
    let announcer: any Announcer
    let meters: Meters
    let logger: Logger

    /// Announces all queued jobs, by queue, most urgent and oldest first.
    ///
    /// - Throws: `StoreError` or `AnnouncerError`; starting again later is safe.
    func reannounce() async throws {
        var cleared: Set<Name> = []
        var cursor: QueuedCursor?
        var limit = Self.firstPage
        var count = 0
        repeat {
            var page = try await store.queued(after: cursor, limit: limit)
            if let new = page.jobs.first(where: { !cleared.contains($0.queue) })?.queue {
                try await announcer.clear([new])
                // By position: the database's collation need not be Swift's order.
                page.jobs = Array(page.jobs.prefix { cleared.contains($0.queue) })
                cleared.insert(new)
                page.next = .start(of: new)
            }
            try await announcer.refill(page.jobs)
            meters.reannounced.add(page.jobs.count)
            count += page.jobs.count
            cursor = page.next
            limit = min(limit * 2, Self.largestPage)
        } while cursor != nil && !Task.isCancelled
        logger.info("announced all queued jobs again", metadata: ["jobs": "\(count)"])
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
