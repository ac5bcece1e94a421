package import Logging
import Synchronization

/// Claims, renews and settles for workers that have no connection to PostgreSQL of their own.
///
/// Nothing that counts is kept here: the rows in `worker` and `executing_job` are all there is,
/// so any server may renew or settle what another has handed out, and a server that is restarted
/// loses nothing but the requests that were waiting on it.
///
/// A remote worker is a row in `worker`, under its own id. Only the token of a claim renews the
/// row that holds it. So that a claim whose answer got lost on the way cannot be kept alive by the
/// worker's other claims, each answer's claims have a row to themselves: the worker's own while
/// that is free, else one more, whose id shows whose it is. A row belongs to the server that made
/// it, and to one request at a time there: two that wait at once would else claim under one row. That
/// server knows which jobs were claimed under it, and renews it once it holds none of them. A row that
/// nobody renews is reaped like any dead worker's.
package final class ClaimDesk: Sendable {
    /// Requests that may wait for work; one more is answered at once.
    static let waiterLimit = 1000
    /// How long a request first waits for an announced job before it looks at the table.
    static let listPatience = Duration.milliseconds(20)
    /// One request in so many looks at the table first: a row whose announcement got lost is
    /// found behind a list that never empties.
    static let sweepEvery = 16
    /// How often a waiting request looks at the table, at first and at last.
    static let looks = (first: Duration.milliseconds(250), last: Duration.seconds(5))

    /// Jobs handed out, and the row they were claimed under.
    package struct Batch: Sendable {
        package let jobs: [ClaimedJob]
        package let lease: Duration
    }

    struct Waiter: Sendable {
        let number: Int
        let row: WorkerID
        let queues: [Name]
        let limit: Int
        let answer: CheckedContinuation<[ClaimedJob], Never>
    }

    struct State {
        var waiters: [Waiter] = []
        /// Released before they stood.
        var released: Set<Int> = []
        var nextNumber = 0
        var requests = 0
        var waiting = 0
        var isClosed = false
        var doorbellIsOut = false
        /// Of a queue where one may be claimed the next request does so, and where the store is to be
        /// asked it asks.
        var suspects = SuspectTurns()
        var arrival = Signal()
        var rows = RemoteRows()
        var cutOff = LostAnswers()
        /// Where sweeps go on, of requests for the same queues that hold more than one looks at.
        var cursors: [Set<Name>: SweepCursors] = [:]
    }

    let store: any JobStore
    let doorbell: Doorbell
    let promoter: Promoter
    let meters: Meters
    let logger: Logger
    let state = Mutex(State())
    let catalog: any Catalog
    let failures: FailureLog
    let holdUpPatience: Duration
    private let maintenance: Maintenance
    let settling: Coalescer<Settlement, Ending>

    /// `holdUpPatience` is how long an outcome is tried whose job's row somebody has locked.
    package init(
        store: any JobStore, catalog: any Catalog, announcer: any Announcer, meters: Meters,
        logger: Logger, retention: Retention = .forever, holdUpPatience: Duration = .seconds(2)
    ) {
        let doorbell = Doorbell(announcer, meters: meters)
        let promoter = Promoter(store: store, doorbell: doorbell, meters: meters, logger: logger)
        self.store = store
        self.catalog = catalog
        self.doorbell = doorbell
        self.promoter = promoter
        self.meters = meters
        self.logger = logger
        failures = FailureLog(logger)
        self.holdUpPatience = holdUpPatience
        let id = WorkerID()
        maintenance = Maintenance(
            store: store, doorbell: doorbell, promoter: promoter, meters: meters, logger: logger,
            retention: retention, holder: { id })
        settling = Coalescer(batchLimit: Settler.batchLimit) { batch throws(StoreError) in
            try await ClaimDesk.endings(of: batch, in: store)
        }
    }

    /// Serves waiting requests, and takes part in the maintenance, until cancelled. Then whoever
    /// waits is answered and nobody waits any more.
    package func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.maintenance.run() }
                group.addTask { await self.listen() }
                group.addTask { await self.retireRows() }
            }
        } onCancel: {
            close()
        }
        await doorbell.quiet()
    }

    /// Nobody waits any more: requests are answered with what there is.
    private func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.answer.resume(returning: []) }
    }

    /// Claims up to `worker.limit` jobs; with none there, waits for some up to `wait`, or until
    /// `gone` is raised.
    package func claim(
        for worker: RemoteWorker, wait: Duration, gone: Signal
    ) async throws(StoreError) -> Batch {
        let deadline = ContinuousClock.now + min(wait, RemoteWorker.longestWait)
        var worker = worker
        if state.withLock({ $0.cutOff.take(worker.id) }) { worker.limit = 1 }
        var (mayWait, row) = state.withLock { state in
            state.requests &+= 1
            state.waiting += 1
            return (state.waiting <= Self.waiterLimit, state.rows.begin(for: worker.id))
        }
        let isOwn = row == worker.id
        var isFree = true
        defer {
            state.withLock { state in
                state.waiting -= 1
                if isOwn { state.rows.end(for: worker.id) }
                state.rows.keep(row, of: worker.id, isFree: isFree)
            }
        }
        var look = Self.looks.first
        var listFirst = mayWait && prefersList()
        while true {
            row = try await enter(worker, row)
            var jobs: [ClaimedJob] = []
            var asked = ContinuousClock.now
            if listFirst {
                jobs = await stand(for: worker, row, upTo: Self.listPatience, gone)
            }
            if jobs.isEmpty, !gone.isRaised {
                // A claim under it may have got lost meanwhile.
                if !stands(row) { row = try await enter(worker, row) }
                asked = .now
                jobs = try await sweep(for: worker, row)
            }
            let left = deadline - .now
            if jobs.isEmpty, mayWait, left > .zero, !gone.isRaised {
                let pause = min(left, look, worker.lease / 3)
                asked = .now
                jobs = await stand(for: worker, row, upTo: pause, gone)
                look = min(look * 2, Self.looks.last)
            } else if jobs.isEmpty {
                return Batch(jobs: [], lease: worker.lease)
            }
            isFree = jobs.isEmpty
            note(jobs.map(\.id), under: row)
            if ContinuousClock.now - asked >= worker.lease {
                // They may be another worker's by now: nobody begins them.
                await giveBack(jobs, of: worker.id, isOurs: true)
                jobs = []
            }
            jobs = await withBodies(jobs)
            if !jobs.isEmpty {
                meters.handedOut(jobs)
                return Batch(jobs: jobs, lease: worker.lease)
            }
            listFirst = false
            if isClosed { return Batch(jobs: [], lease: worker.lease) }
        }
    }

    /// Renews a claim and returns its lease; `nil` when it is gone.
    package func renew(_ claim: ClaimToken, of job: JobID) async throws(StoreError) -> Duration? {
        try await store.renew(claim, of: job)
    }

    /// Enters a row, or renews one of this server's that holds no claim, and returns its id.
    private func enter(
        _ worker: RemoteWorker, _ row: WorkerID
    ) async throws(StoreError) -> WorkerID {
        if try await attend(worker, row) { return row }
        // It holds claims, or another server has made it.
        var refused = [row]
        defer {
            state.withLock { state in
                for row in refused { state.rows.keep(row, of: worker.id, isFree: false) }
            }
        }
        for _ in 0..<2 {
            guard let spare = state.withLock({ $0.rows.spare(of: worker.id) }) else { break }
            if try await attend(worker, spare) { return spare }
            refused.append(spare)
        }
        while true {
            let fresh = worker.id.oneMore()
            // Chance may give the id of a row that stands: that one is another request's.
            guard state.withLock({ $0.rows.jobs(under: fresh) == nil }) else { continue }
            if try await attend(worker, fresh) { return fresh }
        }
    }

    /// Enters this row, or renews it if it is this server's and holds no claim; says whether it did.
    private func attend(
        _ worker: RemoteWorker, _ row: WorkerID
    ) async throws(StoreError) -> Bool {
        let (jobs, left, isFull) = state.withLock { state in
            let rows = state.rows
            return (rows.jobs(under: row), rows.jobsLeft(under: row), rows.isFull)
        }
        guard jobs != nil || !isFull else {
            throw .unavailable("too many remote workers have come here: try again")
        }
        guard
            try await store.attend(
                worker.record(id: row), renewing: jobs != nil, unlessRunning: jobs ?? left)
        else { return false }
        state.withLock { $0.rows.note(row) }
        return true
    }

    private func prefersList() -> Bool {
        guard doorbell.announcer.rings else { return false }
        return state.withLock { state in
            !state.doorbellIsOut && state.requests % Self.sweepEvery != 0
        }
    }

    /// Whether a row is known to stand.
    private func stands(_ row: WorkerID) -> Bool {
        state.withLock { $0.rows.jobs(under: row) != nil }
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }
}
