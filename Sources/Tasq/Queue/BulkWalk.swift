/// Does an action with all jobs that match, page by page in the order of their ids.
///
/// A value that its owner steps: between two steps it may be stopped, and another one goes on from
/// ``cursor``. Jobs enqueued after its first page are left alone, so it ends.
package struct BulkWalk: Sendable {
    /// Jobs looked at in one step. A page is cheap whether few or many match, so nothing runs into
    /// the statement timeout however long the history.
    package static let pageLimit = 5000
    /// A step that takes longer, because others hold locks, ends early: what it did is written down
    /// well before another holder takes the walk over, or none would get on.
    package static let stepTime = Duration.seconds(20)

    package let request: BulkRequest
    package let isDryRun: Bool
    private let stepTime: Duration
    package private(set) var cursor: JobID?
    package private(set) var until: Timestamp?
    package private(set) var counts: BulkCounts
    /// About how many jobs there are to look at in all.
    package private(set) var estimate = 0

    package init(
        _ request: BulkRequest, dryRun: Bool, cursor: JobID? = nil, until: Timestamp? = nil,
        counts: BulkCounts = BulkCounts(), stepTime: Duration = stepTime
    ) {
        self.request = request
        isDryRun = dryRun
        self.cursor = cursor
        self.until = until ?? request.filter.until
        self.counts = counts
        self.stepTime = stepTime
    }

    /// Looks at one more page and acts on what matches; `false` when there was none left.
    ///
    /// A task that is cancelled stops after the statement that runs; the page is then not counted
    /// and will be walked again.
    package mutating func step(_ queue: Queue) async throws -> Bool {
        let page = try await queue.store.matching(
            request, after: cursor, until: until, limit: Self.pageLimit)
        until = page.until
        estimate = max(page.estimate, counts.examined + page.examined)
        guard let last = page.last else { return false }
        var (end, examined, matched, changed) = (last, page.examined, page.ids.count, 0)
        if !isDryRun {
            let start = ContinuousClock.now
            let ids = page.ids.sorted()
            var rest = ids[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let answers = try await queue.apply(
                    request.action, to: Array(rest.prefix(Queue.actionLimit)))
                rest = rest.dropFirst(Queue.actionLimit)
                changed += answers.count { $0.result.isDone }
                if !rest.isEmpty, ContinuousClock.now - start >= stepTime {
                    // Those between that do not match are not counted.
                    let done = rest.startIndex
                    (end, examined, matched) = (ids[done - 1], done, done)
                    break
                }
            }
        }
        counts.examined += examined
        counts.matched += matched
        counts.changed += changed
        counts.passedOver += isDryRun ? 0 : matched - changed
        cursor = end
        return true
    }
}

extension JobActionResult {
    /// Whether the job is where the action takes it.
    package var isDone: Bool {
        switch self {
        case .done, .already: true
        default: false
        }
    }
}
