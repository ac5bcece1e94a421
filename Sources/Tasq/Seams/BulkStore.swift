/// Bulk actions, which stand in a table until they are over, and the walks they take.
public protocol BulkStore: StoreHealth {
    /// Enters a bulk action for a server to work off; `false` when too many are running.
    func startBulk(
        _ id: BulkID, _ task: BulkTask, dryRun: Bool
    ) async throws(StoreError) -> Bool

    /// Calls a bulk action off, if it runs.
    func stopBulk(_ id: BulkID) async throws(StoreError)

    /// Takes up the oldest running bulk action that nobody holds, for so long unless
    /// ``advanceBulk(_:by:for:)`` renews it; or one of those that ``bulkHolds()`` has shown
    /// unchanged for longer than that, if it still stands so. Either a replay or an action on jobs.
    func holdBulk(
        as holder: WorkerID, for hold: Duration, takingOver holds: [BulkID: String], replays: Bool
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
    ) async throws(StoreError) -> MatchPage<JobRecord>

    /// A stretch of the walk over all stored events: looks at up to `reach` after `cursor`, in the
    /// order of their ids, and tells which match, until there are `limit`. Those stored after `until`
    /// do not.
    func matching(
        _ request: ReplayRequest, after cursor: PayloadID?, until: Timestamp,
        lookingAt reach: Int, limit: Int
    ) async throws(StoreError) -> MatchPage<Payload>
}
