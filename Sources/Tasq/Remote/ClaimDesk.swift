package import Logging
import Synchronization

/// Claims, renews and settles for workers that have no connection to PostgreSQL of their own.
///
/// Nothing about a claim is kept here: the rows in `worker` and `executing_job` are all there is,
/// so any server may renew or settle what another has handed out, and a server that is restarted
/// loses nothing but the requests that were waiting on it.
///
/// A remote worker is a row in `worker`, under its own id. Only the token of a claim renews the
/// row that holds it. So that a claim whose answer got lost on the way cannot be kept alive by the
/// worker's other claims, each answer's claims have a row to themselves: the worker's own while
/// that is free, else one more, whose id shows whose it is. A row belongs to the server that made
/// it, and to one request at a time there: two that wait at once would else claim under one row. A row
/// that nobody renews is reaped like any dead worker's.
package final class ClaimDesk: Sendable {
    /// Requests that may wait for work; one more is answered at once.
    static let waiterLimit = 1000
    /// How long a request first waits for an announced job before it looks at the table.
    static let listPatience = Duration.milliseconds(20)
    /// One request in so many looks at the table first: a row whose announcement got lost is
    /// found behind a list that never empties.
    static let sweepEvery = 16
    /// Workers that are remembered for having lost an answer.
    static let cutOffLimit = 1000
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
        /// Workers that lost an answer of several jobs: their next one has one, so that a job whose
        /// answer nobody can take is told from those beside it.
        var cutOff: Set<WorkerID> = []
        /// Where sweeps go on, of requests for the same queues that hold more than one looks at.
        var cursors: [Set<Name>: SweepCursors] = [:]
    }

    let store: any JobStore
    let doorbell: Doorbell
    let promoter: Promoter
    let meters: Meters
    let logger: Logger
    let state = Mutex(State())
    private let catalog: any Catalog
    let failures: FailureLog
    private let maintenance: Maintenance
    private let settling: Coalescer<Settlement, Settled?>

    package init(
        store: any JobStore, catalog: any Catalog, announcer: any Announcer, meters: Meters,
        logger: Logger
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
        let id = WorkerID()
        maintenance = Maintenance(
            store: store, doorbell: doorbell, promoter: promoter, meters: meters, logger: logger,
            holder: { id })
        settling = Coalescer(batchLimit: Settler.batchLimit) { batch throws(StoreError) in
            try await written(batch, to: store)
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
        if state.withLock({ $0.cutOff.remove(worker.id) != nil }) { worker.limit = 1 }
        var (mayWait, row, isEntered) = state.withLock { state in
            state.requests &+= 1
            state.waiting += 1
            let (row, stands) = state.rows.begin(for: worker.id)
            return (state.waiting <= Self.waiterLimit, row, stands)
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
            row = try await enter(worker, row, renewing: isEntered)
            isEntered = true
            var jobs: [ClaimedJob] = []
            if listFirst {
                jobs = await stand(for: worker, row, upTo: Self.listPatience, gone)
            }
            if jobs.isEmpty, !gone.isRaised {
                jobs = try await sweep(for: worker, row)
            }
            let left = deadline - .now
            if jobs.isEmpty, mayWait, left > .zero, !gone.isRaised {
                let pause = min(left, look, worker.lease / 3)
                jobs = await stand(for: worker, row, upTo: pause, gone)
                look = min(look * 2, Self.looks.last)
            } else if jobs.isEmpty {
                return Batch(jobs: [], lease: worker.lease)
            }
            isFree = jobs.isEmpty
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

    /// Ends a claim with the outcome of its attempt; `nil` when it is gone and nothing was
    /// written. Repeating a call whose answer got lost gives the same answer; another outcome than
    /// the one that was recorded is too late.
    package func settle(
        _ claim: ClaimToken, of job: JobID, as outcome: Outcome
    ) async throws(StoreError) -> Settled? {
        var record: JobRecord?
        switch outcome {
        case .retry, .fail:
            record = try await catalog.job(job)
            guard record != nil else { return nil }
        case .success, .later, .snooze, .cancel: break
        }
        let verdict = RetryPolicy().verdict(
            on: outcome, after: record?.attempt ?? 1, of: record?.maxAttempts ?? 1,
            before: record?.attemptsBefore ?? 0)
        let settled = try await settle(Settlement(job: job, claim: claim, verdict: verdict))
        // A repeat of what is written was told the first time.
        if let record, record.status == .executing, settled != nil {
            failures.tell(record, verdict)
        }
        return settled
    }

    /// Hands back jobs whose answer could not be delivered: one alone as at a worker's shutdown, without
    /// an attempt for the first twenty times, for an answer that nobody can take would else be offered
    /// for ever. Of several nobody knows which it was: nothing is counted, and the worker's next answer
    /// has one job. What cannot be written now is left to the lease.
    ///
    /// - Parameter isOurs: whether the answer was kept back here, for want of room. That passes, and
    ///   with many workers that ask it happens to a job many times a second: nothing is counted.
    package func giveBack(_ jobs: [ClaimedJob], of worker: WorkerID, isOurs: Bool) async {
        let isShared = jobs.count > 1
        if isShared, !isOurs {
            state.withLock { state in
                if state.cutOff.count < Self.cutOffLimit { state.cutOff.insert(worker) }
            }
        }
        let verdict = isOurs || isShared ? Verdict.unstarted : .handedBack
        await withDiscardingTaskGroup { group in
            for job in jobs {
                group.addTask {
                    do throws(StoreError) {
                        let settled = try await self.settle(
                            Settlement(job: job.id, claim: job.claim, verdict: verdict),
                            ofRun: false)
                        if settled?.status == .error { self.failures.tell(job, verdict) }
                    } catch {
                        self.logger.warning(
                            "a claim is left to the lease",
                            metadata: ["job": "\(job.id)", "error": "\(error)"])
                    }
                }
            }
        }
    }

    func settle(
        _ settlement: Settlement, ofRun: Bool = true
    ) async throws(StoreError) -> Settled? {
        guard let settled = try await settling.submit([settlement]).first ?? nil else {
            if ofRun { meters.lost.add() }
            return nil
        }
        meters.settled.add()
        meters.ended(CollectionOfOne(settlement))
        if settled.status == .scheduled, let delay = settlement.verdict.delay {
            promoter.armOwn(after: [delay])
        }
        if settled.status == .queued { doorbell.ring([settled.announcement]) }
        return settled
    }

    /// Enters a row, or renews one of this server's that holds no claim, and returns its id.
    private func enter(
        _ worker: RemoteWorker, _ row: WorkerID, renewing isEntered: Bool
    ) async throws(StoreError) -> WorkerID {
        if try await store.attend(worker.record(id: row), renewing: isEntered) {
            note(row)
            return row
        }
        // It holds claims, or another server has made it.
        var refused = [row]
        defer {
            state.withLock { state in
                for row in refused { state.rows.keep(row, of: worker.id, isFree: false) }
            }
        }
        for _ in 0..<2 {
            guard let spare = state.withLock({ $0.rows.spare(of: worker.id) }) else { break }
            if try await store.attend(worker.record(id: spare), renewing: true) { return spare }
            refused.append(spare)
        }
        while true {
            let fresh = worker.record(id: worker.id.oneMore())
            // Chance may give the id of a row that stands: that one is another request's.
            guard try await store.attend(fresh, renewing: false) else { continue }
            note(fresh.id)
            return fresh.id
        }
    }

    private func prefersList() -> Bool {
        guard doorbell.announcer.rings else { return false }
        return state.withLock { state in
            !state.doorbellIsOut && state.requests % Self.sweepEvery != 0
        }
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }
}

/// Settles a batch; waits a little for rows that somebody has locked.
private func written(
    _ batch: [Settlement], to store: any JobStore
) async throws(StoreError) -> [Settled?] {
    var found: [ClaimToken: Settled] = [:]
    var open = batch
    for _ in 0..<20 where !open.isEmpty {
        let answer: SettleAnswer
        do throws(StoreError) {
            answer = try await store.settle(open)
        } catch {
            guard case .unknown = error else { throw error }
            answer = try await store.settle(open)
        }
        for settled in answer.settled { found[settled.claim] = settled }
        open = open.filter { answer.heldUp.contains($0.claim) }
        if !open.isEmpty { await sleep(for: Settler.heldUpPause) }
    }
    guard open.isEmpty else {
        throw .contended("somebody holds a lock on the job's row: try again")
    }
    return batch.map { found[$0.claim] }
}
