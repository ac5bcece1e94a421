/// What keeps a deployment going, whoever does it.
public protocol UpkeepStore: ScheduleStore {
    /// Moves up to `limit` scheduled jobs that are due to `queued`.
    func promote(upTo limit: Int) async throws(StoreError) -> Promotion

    /// Moves up to `limit` queued jobs of these queues whose time lies ahead, as the clock went back
    /// since they were queued: those that were due are due again, those that were promoted too early
    /// are scheduled again, and those more than a day ahead are left alone.
    func hasten(on queues: [Name], upTo limit: Int) async throws(StoreError) -> Hastened

    /// Takes or renews the maintenance term and, when it is held, tells what the holder must know.
    /// `counter` is the doorbell epoch's counter, stored with the term.
    ///
    /// No clock ends another's term. Who sees its ``Leadership/standing`` unchanged for longer than
    /// a holder takes to renew asks for it with `takingOver`, and gets it if it still stands so.
    func lead(
        as holder: WorkerID, for term: Duration, counter: Int64, takingOver standing: String?
    ) async throws(StoreError) -> Leadership

    /// Which database this is.
    func identity() async throws(StoreError) -> StoreIdentity

    /// Deletes a worker row if its heartbeat still stands at `sequence`; says whether it did.
    func bury(_ worker: WorkerID, at sequence: Int64) async throws(StoreError) -> Bool

    /// Takes back claims whose worker row is missing; counts attempt and crash. It looks at up to
    /// `limit`, the first or those behind that of a job, and leaves those whose jobs somebody has locked.
    func reap(upTo limit: Int, behind job: JobID?) async throws(StoreError) -> ReapedPage

    /// Notes what the deployment has done so far, for charts, and forgets what was noted a day ago and
    /// workers that have been gone for a week.
    func tally() async throws(StoreError)

    /// A page of the queued and due jobs, by queue, priority and due time, for the reconciler.
    func queued(after cursor: QueuedCursor?, limit: Int) async throws(StoreError) -> QueuedPage

    /// Jobs committed by SQL (`tasq.enqueue`) as they are committed, where the connection allows
    /// it; ends when the connection is lost. Behind a transaction pooler it ends at once.
    func commitNotices() -> AsyncStream<Announcement>
}

/// What a promotion moved, and when the next scheduled job is due.
public struct Promotion: Sendable {
    /// The jobs that are queued now.
    public var jobs: [Announcement]
    /// Time until the next scheduled job is due by PostgreSQL's clock; `nil` when there is none.
    public var nextDue: Duration?

    /// Makes an answer to ``UpkeepStore/promote(upTo:)``.
    public init(jobs: [Announcement], nextDue: Duration?) {
        self.jobs = jobs
        self.nextDue = nextDue
    }
}

/// What became of queued jobs whose time lay ahead.
public struct Hastened: Sendable {
    /// The jobs that are due now.
    public var due: [Announcement]
    /// How many are scheduled again.
    public var putBack: Int

    /// Makes an answer to ``UpkeepStore/hasten(on:upTo:)``.
    public init(due: [Announcement] = [], putBack: Int = 0) {
        self.due = due
        self.putBack = putBack
    }
}

extension UpkeepStore {
    /// Takes back claims among the first whose worker row is missing.
    package func reap(upTo limit: Int) async throws(StoreError) -> [Reaped] {
        try await reap(upTo: limit, behind: nil).claims
    }
}

/// What was taken back of one page of claims, and where it ended.
public struct ReapedPage: Sendable {
    /// The claims that were taken back.
    public var claims: [Reaped]
    /// The job behind which there may be more; `nil` at the end.
    public var end: JobID?

    /// Makes an answer to ``UpkeepStore/reap(upTo:behind:)``.
    public init(claims: [Reaped] = [], end: JobID? = nil) {
        self.claims = claims
        self.end = end
    }
}

/// A claim taken back from a dead worker.
public struct Reaped: Sendable, Hashable {
    /// The job and the list it belongs on.
    public let announcement: Announcement
    /// The worker that held it.
    public let worker: WorkerID
    /// `queued`, or `error` when attempts or crashes are used up.
    public let status: JobStatus
    /// The stable name its handler is found by.
    public let kind: Name
    /// Which attempt was cut off, from 1.
    public let attempt: Int
    /// The number of the last attempt it has been given.
    public let maxAttempts: Int

    /// Why such an attempt ended, as its record says.
    static let reason = "its worker died or lost its lease"

    /// Makes one of a ``ReapedPage``.
    public init(
        announcement: Announcement, worker: WorkerID, status: JobStatus, kind: Name, attempt: Int,
        maxAttempts: Int
    ) {
        self.announcement = announcement
        self.worker = worker
        self.status = status
        self.kind = kind
        self.attempt = attempt
        self.maxAttempts = maxAttempts
    }
}
