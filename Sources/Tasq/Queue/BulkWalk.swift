/// Does an action with all jobs that match, page by page in the order of their ids.
///
/// A value that its owner steps: between two steps it may be stopped, and another one goes on from
/// ``cursor``. Jobs enqueued after its first page are left alone, so it ends.
package struct BulkWalk: Sendable {
    /// Jobs looked at in one step. A page is cheap whether few or many match, so nothing runs into
    /// the statement timeout however long the history.
    package static let pageLimit = 5000

    package let request: BulkRequest
    package let isDryRun: Bool
    package private(set) var cursor: JobID?
    package private(set) var until: Timestamp?
    package private(set) var counts: BulkCounts
    /// About how many jobs there are to look at in all.
    package private(set) var estimate = 0

    package init(
        _ request: BulkRequest, dryRun: Bool, cursor: JobID? = nil, until: Timestamp? = nil,
        counts: BulkCounts = BulkCounts()
    ) {
        self.request = request
        isDryRun = dryRun
        self.cursor = cursor
        self.until = until ?? request.filter.until
        self.counts = counts
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
        var changed = 0
        if !isDryRun {
            var rest = page.ids[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                let answers = try await queue.apply(
                    request.action, to: Array(rest.prefix(Queue.actionLimit)))
                rest = rest.dropFirst(Queue.actionLimit)
                changed += answers.count { $0.result.isDone }
            }
        }
        counts.examined += page.examined
        counts.matched += page.ids.count
        counts.changed += changed
        counts.passedOver += isDryRun ? 0 : page.ids.count - changed
        cursor = last
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
