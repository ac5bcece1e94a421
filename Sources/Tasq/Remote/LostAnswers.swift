/// Workers that lost an answer of several jobs. Their next one has one job, so that a job whose answer
/// nobody can take is told from those beside it.
struct LostAnswers {
    /// Remembered at most: for one more the first is forgotten, which may never come again.
    static let limit = 1000

    private var workers: [WorkerID] = []

    mutating func note(_ worker: WorkerID) {
        guard !workers.contains(worker) else { return }
        if workers.count >= Self.limit { workers.removeFirst() }
        workers.append(worker)
    }

    /// Whether it has lost one since it was last asked about.
    mutating func take(_ worker: WorkerID) -> Bool {
        guard let place = workers.firstIndex(of: worker) else { return false }
        workers.remove(at: place)
        return true
    }
}
