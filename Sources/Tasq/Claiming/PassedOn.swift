/// The ids that were announced again last, for others: at least so many are remembered, at most twice
/// as many.
struct PassedOn: Sendable {
    private let limit: Int
    private var newest: Set<JobID> = []
    private var older: Set<JobID> = []

    init(limit: Int = 10_000) {
        self.limit = limit
    }

    /// Takes an id in; `false` when it is remembered.
    mutating func insert(_ id: JobID) -> Bool {
        guard !older.contains(id), newest.insert(id).inserted else { return false }
        if newest.count >= limit {
            older = newest
            newest = []
        }
        return true
    }
}
