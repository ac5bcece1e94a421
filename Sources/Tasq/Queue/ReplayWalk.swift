/// Runs all events that match again, page by page in the order of their ids, no faster than asked.
///
/// A value that its owner steps, as ``BulkWalk``. The jobs' ids follow from the action and the event:
/// a page that is walked again, or by two at once, makes no job twice. Events that come after its
/// beginning are left alone, so it ends.
package struct ReplayWalk: Sendable {
    /// Events looked at in one step.
    package static let pageLimit = 1000
    /// Events run again in one step, and for how long at most: it is between two steps that a walk can
    /// be called off.
    private static let stepLimit = 200
    private static let stepSeconds = 5
    /// A step that takes longer, because PostgreSQL does, ends early: what it did is written down well
    /// before another holder takes the walk over, or none would get on.
    package static let stepTime = Duration.seconds(20)

    private let bulk: BulkID
    private let request: ReplayRequest
    private let isDryRun: Bool
    private let until: Timestamp
    private let limit: Int
    private let stepTime: Duration
    package private(set) var cursor: PayloadID?
    package private(set) var counts: BulkCounts

    /// `until` is when it was asked for, by PostgreSQL's clock.
    package init(
        _ request: ReplayRequest, by bulk: BulkID, dryRun: Bool, cursor: PayloadID?,
        until: Timestamp, counts: BulkCounts, limit: Int, stepTime: Duration = stepTime
    ) {
        self.bulk = bulk
        self.request = request
        isDryRun = dryRun
        self.cursor = cursor
        self.until = until
        self.counts = counts
        self.limit = limit
        self.stepTime = stepTime
    }

    /// Looks at one more page and runs again what matches; `false` when there was none left.
    ///
    /// Throws where more match than one replay may take.
    package mutating func step(_ queue: Queue, _ catalog: any Catalog) async throws -> Bool {
        let inTime = min(Self.stepLimit, request.rate * Self.stepSeconds)
        let room = isDryRun ? Self.pageLimit : min(inTime, limit - counts.matched)
        let page = try await queue.store.matching(
            request, after: cursor, until: until, lookingAt: Self.pageLimit, limit: max(1, room))
        guard let last = page.last else { return false }
        if room < 1, let next = page.ids.first {
            throw ReplayLimitReached(events: counts.matched, next: next.time)
        }
        var (end, examined, matched, replayed) = (last, page.examined, page.ids.count, 0)
        if !isDryRun {
            let start = ContinuousClock.now
            for (place, event) in page.ids.enumerated() {
                let due = start + .microseconds(Int64(place + 1) * 1_000_000 / Int64(request.rate))
                let rest: Duration = due - .now
                if rest > .zero { try await Task.sleep(for: rest) }
                try Task.checkCancellation()
                let answers = try await queue.replay(event, from: catalog, by: bulk) ?? []
                if answers.contains(where: \.isNew) { replayed += 1 }
                if place + 1 < page.ids.count, ContinuousClock.now - start >= stepTime {
                    // Those between that do not match are not counted.
                    (end, examined, matched) = (event, place + 1, place + 1)
                    break
                }
            }
        }
        counts.examined += examined
        counts.matched += matched
        counts.changed += replayed
        counts.passedOver += isDryRun ? 0 : matched - replayed
        cursor = end
        return true
    }
}

/// More events match than one replay may run again.
struct ReplayLimitReached: Error, CustomStringConvertible {
    let events: Int
    let next: Timestamp

    var description: String {
        "\(events) events were replayed, as many as one action may: a filter since \(next) goes on "
            + "with the rest"
    }
}

extension Enqueued {
    /// Whether the job was made, and not kept from it by one with its unique key.
    package var isNew: Bool {
        switch self {
        case .stored: true
        case .exists: false
        }
    }
}
