/// What an operator does.
public protocol OperateStore: StoreHealth {
    /// Retries, cancels or deletes these jobs, in one transaction, each as far as its status allows;
    /// answers in the order of `ids`, each id once. ``Queue/apply(_:to:)`` also announces.
    func apply(
        _ action: JobAction, to ids: [JobID]
    ) async throws(StoreError) -> [JobActionAnswer]

    /// Pauses a queue or resumes it. ``Queue/resume(_:)`` also announces.
    func setPaused(_ isPaused: Bool, _ queue: Name) async throws(StoreError)

    /// Enters a bulk action for a server to work off; `false` when too many are running.
    func startBulk(
        _ id: BulkID, _ request: BulkRequest, dryRun: Bool
    ) async throws(StoreError) -> Bool

    /// Calls a bulk action off, if it runs.
    func stopBulk(_ id: BulkID) async throws(StoreError)

    /// Takes up the oldest running bulk action that nobody holds, for so long unless
    /// ``advanceBulk(_:by:for:)`` renews it; or one of those that ``bulkHolds()`` has shown
    /// unchanged for longer than that, if it still stands so.
    func holdBulk(
        as holder: WorkerID, for hold: Duration, takingOver holds: [BulkID: String]
    ) async throws(StoreError) -> BulkRecord?

    /// The running bulk actions that somebody holds, each with a text that every renewal changes.
    func bulkHolds() async throws(StoreError) -> [BulkID: String]

    /// Writes down state, cursor, counts and reason; `false` when it was called off or another one
    /// holds it. A hold of zero gives the action up to anybody.
    func advanceBulk(
        _ record: BulkRecord, by holder: WorkerID, for hold: Duration
    ) async throws(StoreError) -> Bool

    /// A stretch of the walk over all jobs: looks at up to `limit` after `cursor`, in the order of
    /// their ids, and tells which of them match.
    func matching(
        _ request: BulkRequest, after cursor: JobID?, until: Timestamp?, limit: Int
    ) async throws(StoreError) -> MatchPage
}
