/// The rows of `worker` that one server has made for remote workers: each worker's own, and further
/// ones for requests that come while that is taken; and what was claimed under each.
struct RemoteRows {
    /// So many may stand; a request that needs one more is refused.
    static let limit = 10_000
    /// While more than this stand, one that holds nothing does not stay for all of a long lease:
    /// whoever takes a new id for each request leaves a row each time.
    static let plenty = 1000

    /// All that stand, as far as is known, each with the jobs that were claimed under it since it was
    /// known to hold none.
    private var made: [WorkerID: [JobID]] = [:]
    /// What may still be held under rows that are gone or left to the reaper; some are dropped when
    /// there are many.
    private var left: [WorkerID: [JobID]] = [:]
    /// Workers under whose own id a request is being answered.
    private var attending: Set<WorkerID> = []
    /// Further rows that no request is being answered under, by the worker's own id.
    private var spares: [WorkerID: [WorkerID]] = [:]

    /// All that stand, as far as is known.
    var all: [WorkerID] { Array(made.keys) }

    var isFull: Bool { made.count >= Self.limit }

    /// What was claimed under a row and may still be held; `nil` when it is not known to stand.
    func jobs(under row: WorkerID) -> [JobID]? { made[row] }

    /// What may still be held under a row that was forgotten: while it is, the row is not entered again.
    func jobsLeft(under row: WorkerID) -> [JobID] { left[row] ?? [] }

    /// How long a row that holds nothing may stand still.
    func patience(for lease: Duration) -> Duration {
        made.count > Self.plenty ? min(lease, RemoteWorker.defaultLease) : lease
    }

    /// A row for a request: the worker's own, one more of its, or one that is yet to be made.
    mutating func begin(for worker: WorkerID) -> WorkerID {
        let isFirst = !attending.contains(worker)
        if isFirst, made[worker] != nil {
            attending.insert(worker)
            return worker
        }
        if let spare = spare(of: worker) { return spare }
        guard isFirst else { return worker.oneMore() }
        attending.insert(worker)
        return worker
    }

    /// The request that was given the worker's own id has been answered.
    mutating func end(for worker: WorkerID) {
        attending.remove(worker)
    }

    /// Takes the one of a worker's further rows that is free most likely.
    mutating func spare(of worker: WorkerID) -> WorkerID? {
        var rows = spares.removeValue(forKey: worker)?.filter { made[$0] != nil } ?? []
        guard !rows.isEmpty else { return nil }
        let spare = rows.removeFirst()
        if !rows.isEmpty { spares[worker] = rows }
        return spare
    }

    /// Keeps a further row for later requests; one that holds claims comes last.
    mutating func keep(_ row: WorkerID, of worker: WorkerID, isFree: Bool) {
        guard row != worker, made[row] != nil else { return }
        let rows = (spares[worker] ?? []).filter { $0 != row }
        spares[worker] = isFree ? [row] + rows : rows + [row]
    }

    /// A row was made or renewed: it holds nothing.
    mutating func note(_ row: WorkerID) {
        made[row] = []
        left[row] = nil
    }

    /// These jobs were claimed under a row, or may have been.
    mutating func note(_ jobs: [JobID], under row: WorkerID) {
        made[row]? += jobs
    }

    /// These rows are gone, or to be left to the reaper.
    mutating func forget(_ rows: Set<WorkerID>) {
        for row in rows {
            guard let jobs = made.removeValue(forKey: row), !jobs.isEmpty else { continue }
            if left.count >= Self.limit { _ = left.popFirst() }
            left[row] = jobs
        }
        spares = spares.mapValues { $0.filter { made[$0] != nil } }.filter { !$0.value.isEmpty }
    }
}
