/// The rows of `worker` that one server has made for remote workers: each worker's own, and further
/// ones for requests that come while that is taken.
struct RemoteRows {
    /// Remembered at most; more are left to the reaper.
    static let limit = 10_000

    /// All that stand, as far as is known.
    private(set) var made: Set<WorkerID> = []
    /// Workers under whose own id a request is being answered.
    private var attending: Set<WorkerID> = []
    /// Further rows that no request is being answered under, by the worker's own id.
    private var spares: [WorkerID: [WorkerID]] = [:]

    /// A row for a request: the worker's own, one more of its, or a new one; says whether it stands.
    mutating func begin(for worker: WorkerID) -> (row: WorkerID, stands: Bool) {
        let isFirst = !attending.contains(worker)
        if isFirst, made.contains(worker) {
            attending.insert(worker)
            return (worker, true)
        }
        if let spare = spare(of: worker) { return (spare, true) }
        guard isFirst else { return (worker.oneMore(), false) }
        attending.insert(worker)
        return (worker, false)
    }

    /// The request that was given the worker's own id has been answered.
    mutating func end(for worker: WorkerID) {
        attending.remove(worker)
    }

    /// Takes the one of a worker's further rows that is free most likely.
    mutating func spare(of worker: WorkerID) -> WorkerID? {
        var rows = spares.removeValue(forKey: worker)?.filter(made.contains) ?? []
        guard !rows.isEmpty else { return nil }
        let spare = rows.removeFirst()
        if !rows.isEmpty { spares[worker] = rows }
        return spare
    }

    /// Keeps a further row for later requests; one that holds claims comes last.
    mutating func keep(_ row: WorkerID, of worker: WorkerID, isFree: Bool) {
        guard row != worker, made.contains(row) else { return }
        let rows = (spares[worker] ?? []).filter { $0 != row }
        spares[worker] = isFree ? [row] + rows : rows + [row]
    }

    /// A row was made.
    mutating func note(_ row: WorkerID) {
        if made.count < Self.limit { made.insert(row) }
    }

    /// These rows are gone.
    mutating func forget(_ rows: Set<WorkerID>) {
        made.subtract(rows)
        spares = spares.mapValues { $0.filter(made.contains) }.filter { !$0.value.isEmpty }
    }
}
