import Logging

/// What has to be announced again.
struct Refill: Sendable {
    /// Where a walk goes on that was interrupted.
    struct Place: Sendable, Hashable {
        /// Behind this job; `nil` is in front of all.
        var cursor: QueuedCursor?
        /// The lists of its queue were emptied.
        var isCleared = false
    }

    var what: EpochWatch.Forgotten
    /// The lists may be another database's.
    var keepsLists: Bool
    /// Something is gone. Otherwise the doorbell was out of order, and only what was to be announced
    /// meanwhile is not there.
    var isOfLoss: Bool
    /// Where the walk over all goes on, and those over one queue each.
    var place = Place()
    var places: [Name: Place] = [:]

    /// What both say. Lists that one of them keeps are kept; of what is forgotten anew nothing is
    /// announced already.
    func joined(with older: Refill?) -> Refill {
        guard let older else { return self }
        var both = self
        both.what = what.joined(with: older.what)
        both.keepsLists = keepsLists || older.keepsLists
        both.isOfLoss = isOfLoss || older.isOfLoss
        both.place = Place()
        if case .queues(let mine) = what, case .queues = older.what {
            both.places = older.places.filter { !mine.contains($0.key) }
        }
        return both
    }

    /// Takes out of what was forgotten what is announced next. One that was interrupted goes on
    /// first, unless something is gone since, but other queues come along: each has a place of its
    /// own, and one that is refused must not keep them waiting.
    static func next(after interrupted: Refill?, of forgotten: inout Refill?) -> Refill? {
        guard let interrupted, let newer = forgotten, !newer.isOfLoss else {
            defer { forgotten = nil }
            return forgotten?.joined(with: interrupted) ?? interrupted
        }
        guard case .queues(let its) = interrupted.what, case .queues(let queues) = newer.what
        else { return interrupted }
        var others = newer
        others.what = .queues(queues.subtracting(its))
        let shared = queues.intersection(its)
        forgotten?.what = .queues(shared)
        if shared.isEmpty { forgotten = nil }
        return others.joined(with: interrupted)
    }
}

/// Announces every queued job again after the announcer forgot.
///
/// The lists of a queue are emptied before its first page is read, unless they may be another
/// database's, so a refill leaves no duplicates however often it happens: what is committed before the
/// page is on it, what is committed later is announced by whoever commits it. Pages grow from small to
/// large, so that the first workers start at once and none is drowned.
struct Reconciler: Sendable {
    static let firstPage = 256
    static let largestPage = 8192

    let store: any UpkeepStore
    let announcer: any Announcer
    let meters: Meters
    let logger: Logger

    struct Interruption: Error {
        /// What is left to announce, from where it stopped.
        let rest: Refill
        /// Jobs that were announced before.
        let count: Int
        /// A `StoreError` or an `AnnouncerError`.
        let cause: any Error
    }

    /// Announces queued jobs, by queue, most urgent and oldest first.
    ///
    /// A queue whose part of the doorbell is out of order does not keep the others waiting.
    func reannounce(_ refill: Refill) async throws(Interruption) {
        var rest = refill
        var count = 0
        var cause: (any Error)?
        switch refill.what {
        case .everything:
            do {
                try await walk(
                    from: &rest.place, onlyItsQueue: false, keepsLists: refill.keepsLists, &count)
            } catch {
                cause = error
            }
        case .queues(let queues):
            var left: Set<Name> = []
            rest.places = [:]
            for queue in queues.sorted() where !Task.isCancelled {
                var place = refill.places[queue] ?? Refill.Place(cursor: .start(of: queue))
                do {
                    try await walk(
                        from: &place, onlyItsQueue: true, keepsLists: refill.keepsLists, &count)
                } catch {
                    cause = error
                    left.insert(queue)
                    rest.places[queue] = place
                }
            }
            rest.what = .queues(left)
        }
        if let cause { throw Interruption(rest: rest, count: count, cause: cause) }
        logger.info("announced queued jobs again", metadata: ["jobs": "\(count)"])
    }

    /// Walks on from a place, which it leaves where it came to.
    private func walk(
        from place: inout Refill.Place, onlyItsQueue: Bool, keepsLists: Bool, _ count: inout Int
    ) async throws {
        var limit = Self.firstPage
        while !Task.isCancelled {
            let queue = place.cursor?.queue
            if let queue, !place.isCleared {
                if !keepsLists { try await announcer.clear([queue]) }
                place.isCleared = true
            }
            var page = try await store.queued(after: place.cursor, limit: limit)
            if let new = page.jobs.first(where: { $0.queue != queue })?.queue {
                // By position: the database's collation need not be Swift's order.
                page.jobs = Array(page.jobs.prefix { $0.queue == queue })
                page.next = onlyItsQueue ? nil : .start(of: new)
            }
            try await announcer.refill(page.jobs)
            meters.reannounced.add(page.jobs.count)
            count += page.jobs.count
            guard let next = page.next else { return }
            place = Refill.Place(cursor: next, isCleared: next.queue == queue)
            limit = min(limit * 2, Self.largestPage)
        }
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
