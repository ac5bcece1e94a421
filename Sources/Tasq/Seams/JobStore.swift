import Logging

/// The truth: everything that writes jobs. PostgreSQL implements it.
///
/// Every write is idempotent by its ids or tokens, so a caller that got
/// ``StoreError/unknown(_:)`` repeats the same call. Batches are all or nothing.
public protocol JobStore: BodyReader, BulkStore, ScheduleStore {
    /// Stores jobs in one transaction; answers in the same order, after the commit.
    func enqueue(_ jobs: [NewJob]) async throws(StoreError) -> [Enqueued]

    /// Stores webhook events and their jobs in one transaction; answers in the same order.
    func accept(_ events: [NewEvent]) async throws(StoreError) -> [Accepted]

    /// Stores further jobs of a stored event in one transaction; their own payloads are ignored.
    /// `nil` when the event is gone; empty when `unlessUnfinished` and another job of it has not ended.
    func replay(
        _ event: PayloadID, as jobs: [NewJob], unlessUnfinished: Bool
    ) async throws(StoreError) -> [Enqueued]?

    /// Claims those of `ids` that are queued, due, on one of `queues`, of a kind the worker has a
    /// handler for and not suspects; the others are skipped without a write.
    func claim(
        _ ids: [JobID], for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> [ClaimedJob]

    /// Claims the oldest due jobs of `queues` straight from the table, most urgent first.
    ///
    /// It looks at no more than `reach` queued jobs of each queue, from the head or from behind the cursor
    /// given for it, and tells where it ended.
    func sweep(
        upTo limit: Int, for worker: WorkerID, from queues: [Name],
        behind cursors: [Name: QueuedCursor], lookingAt reach: Int
    ) async throws(StoreError) -> Sweep

    /// The queue on which it is this worker's turn to make way for a suspect, and for how much longer;
    /// `nil` while the turn is another's. Asked when a sweep has told of a suspect.
    func suspectsTurn(
        of worker: WorkerID, on queues: [Name]
    ) async throws(StoreError) -> SuspectsTurn?

    /// Claims the suspect that has been due the longest: a job that more than one worker died with.
    /// Run it alone, and never two in one process.
    func claimSuspect(
        for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> ClaimedJob?

    /// The claims that stand under a worker, known to it or not.
    func claims(of worker: WorkerID) async throws(StoreError) -> [(job: JobID, claim: ClaimToken)]

    /// Which of these ids are queued and due after all: locked for a moment, or suspects.
    func stillQueued(_ ids: [JobID]) async throws(StoreError) -> [QueuedJob]

    /// Ends claims that still carry their own token. A settlement whose job does not come back
    /// was too late: its claim had been taken away and nothing was written.
    func settle(_ settlements: [Settlement]) async throws(StoreError) -> SettleAnswer

    /// Moves up to `limit` scheduled jobs that are due to `queued`.
    func promote(upTo limit: Int) async throws(StoreError) -> Promotion

    /// Enters a worker; its claims are valid from here on.
    func register(_ worker: WorkerRecord) async throws(StoreError)

    /// Tells which kinds a worker has handlers for, once they were replaced; see
    /// ``WorkerRecord/kinds``. It claims no others from then on.
    func declare(_ kinds: [String], of worker: WorkerID) async throws(StoreError)

    /// Starts the worker's heartbeat on a thread and a connection of its own. After each beat that
    /// was answered it also asks which of the worker's claims were taken away.
    func startHeartbeat(
        of worker: WorkerRecord, watching claims: ClaimWatch,
        onChange: @escaping @Sendable (HeartbeatState) -> Void
    ) -> any Heartbeat

    /// Removes a worker that holds no claim any more. One that still does is left to the reaper.
    func deregister(_ worker: WorkerID) async throws(StoreError)

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

    /// Takes back up to `limit` claims whose worker row is missing; counts attempt and crash.
    func reap(upTo limit: Int) async throws(StoreError) -> [Reaped]

    /// Notes what the deployment has done so far, for charts, and forgets what was noted a day ago and
    /// workers that have been gone for a week.
    func tally() async throws(StoreError)

    /// A page of the queued and due jobs, by queue, priority and due time, for the reconciler.
    func queued(after cursor: QueuedCursor?, limit: Int) async throws(StoreError) -> QueuedPage

    /// Retries, cancels or deletes these jobs, in one transaction, each as far as its status allows;
    /// answers in the order of `ids`, each id once. ``Queue/apply(_:to:)`` also announces.
    func apply(
        _ action: JobAction, to ids: [JobID]
    ) async throws(StoreError) -> [JobActionAnswer]

    /// Pauses a queue or resumes it. ``Queue/resume(_:)`` also announces.
    func setPaused(_ isPaused: Bool, _ queue: Name) async throws(StoreError)

    /// Jobs committed by SQL (`tasq.enqueue`) as they are committed, where the connection allows
    /// it; ends when the connection is lost. Behind a transaction pooler it ends at once.
    func commitNotices() -> AsyncStream<Announcement>

    /// Enters a remote worker, or with `renewing` also renews one that stands while it holds no claim;
    /// says whether it did. One that holds a claim is not renewed: claims are renewed one by one, by
    /// ``renew(_:of:)``.
    func attend(_ worker: WorkerRecord, renewing: Bool) async throws(StoreError) -> Bool

    /// Renews the remote worker that holds this claim and returns its lease; `nil` when the claim
    /// is gone.
    func renew(_ claim: ClaimToken, of job: JobID) async throws(StoreError) -> Duration?

    /// What there is to read of a job's body while this claim of it stands; `nil` when it does not.
    func body(of job: JobID, heldBy claim: ClaimToken) async throws(StoreError) -> HeldBody?

    /// Removes those of these remote workers that hold no claim and whose heartbeat still stands at
    /// the number at which it was seen silent for a whole lease; returns those that still stand,
    /// without their queues.
    func retire(
        _ workers: [WorkerID], silentAt sequences: [WorkerID: Int64]
    ) async throws(StoreError) -> [WorkerSight]

    /// Whether it has said in the log that PostgreSQL is out, and not yet that it answers again: what
    /// cannot be done meanwhile needs no line of its own.
    var isAway: Bool { get }

    /// What this process has done with the store: connections, callers that wait, failures.
    var metrics: [Metric] { get }

    /// Closes every connection.
    func close() async
}

extension JobStore {
    /// Says what could not be done; while the store is away, only to those who debug.
    func tell(_ logger: Logger, _ message: Logger.Message, _ error: any Error) {
        logger.log(level: isAway ? .debug : .warning, message, metadata: ["error": "\(error)"])
    }

    /// Sweeps from the head of each queue.
    package func sweep(
        upTo limit: Int, for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> Sweep {
        try await sweep(
            upTo: limit, for: worker, from: queues, behind: [:], lookingAt: Sweep.reach)
    }
}

/// What a sweep found.
public struct Sweep: Sendable {
    /// Queued jobs of each queue that one sweep looks at: suspects, and jobs that are not due or of
    /// kinds that the worker has no handler for, are most of them.
    package static let reach = 2000

    /// The jobs that are claimed now.
    public var jobs: [ClaimedJob]
    /// The queue of a due suspect that the worker could run; `nil` when there is none. It is claimed
    /// by ``JobStore/claimSuspect(for:from:)``.
    public var suspectsQueue: Name?
    /// The last jobs it looked at in queues that may have more; when it claimed as many as it was to
    /// claim, only of those that it looked at before the last one.
    public var cursors: [Name: QueuedCursor]

    /// Makes an answer to ``JobStore/sweep(upTo:for:from:behind:lookingAt:)``.
    public init(
        jobs: [ClaimedJob], suspectsQueue: Name? = nil, cursors: [Name: QueuedCursor] = [:]
    ) {
        self.jobs = jobs
        self.suspectsQueue = suspectsQueue
        self.cursors = cursors
    }
}

/// A worker's turn to make way for the suspects of a queue.
public struct SuspectsTurn: Sendable {
    /// Where they wait.
    public let queue: Name
    /// How much longer the turn lasts.
    public let left: Duration

    /// Makes an answer to ``JobStore/suspectsTurn(of:on:)``.
    public init(queue: Name, left: Duration) {
        self.queue = queue
        self.left = left
    }
}

/// A queued job that a claim did not get.
public struct QueuedJob: Sendable, Hashable {
    /// The job and the list it belongs on.
    public let announcement: Announcement
    /// Whether more than one worker died with it on board; only
    /// ``JobStore/claimSuspect(for:from:)`` claims it then.
    public let isSuspect: Bool
    /// Which only a worker with a handler for it claims.
    public let kind: Name

    /// Makes an answer to ``JobStore/stillQueued(_:)``.
    public init(announcement: Announcement, isSuspect: Bool, kind: Name) {
        self.announcement = announcement
        self.kind = kind
        self.isSuspect = isSuspect
    }
}

/// One claim and what is to become of its job.
public struct Settlement: Sendable, Hashable {
    /// The job.
    public let job: JobID
    /// The claim it ran under; without it nothing is written.
    public let claim: ClaimToken
    package let verdict: Verdict

    /// No handler has run: where its claim is gone, no outcome is lost. The job was cancelled meanwhile,
    /// or was given back by a first try whose answer got lost, and has run since.
    package var isOfNoRun: Bool {
        if case .unstarted = verdict { true } else { false }
    }

    package init(job: JobID, claim: ClaimToken, verdict: Verdict) {
        self.job = job
        self.claim = claim
        self.verdict = verdict
    }
}

/// What became of a batch of settlements.
public struct SettleAnswer: Sendable, Hashable {
    /// The jobs that were moved, by this call or by an earlier one whose answer got lost.
    public var settled: [Settled]
    /// Claims that stand as they did, because somebody has their job's row locked: settle them
    /// again.
    public var heldUp: Set<ClaimToken>

    /// Makes an answer to ``JobStore/settle(_:)``.
    public init(settled: [Settled], heldUp: Set<ClaimToken> = []) {
        self.settled = settled
        self.heldUp = heldUp
    }
}

/// A job as its settlement left it.
public struct Settled: Sendable, Hashable {
    /// The job and the list it belongs on.
    public let announcement: Announcement
    /// The claim that was ended.
    public let claim: ClaimToken
    /// Where the job stands now.
    public let status: JobStatus

    /// The job.
    public var job: JobID { announcement.id }

    /// Makes an answer to ``JobStore/settle(_:)``.
    public init(announcement: Announcement, claim: ClaimToken, status: JobStatus) {
        self.announcement = announcement
        self.claim = claim
        self.status = status
    }
}

/// What a promotion moved, and when the next scheduled job is due.
public struct Promotion: Sendable {
    /// The jobs that are queued now.
    public var jobs: [Announcement]
    /// Time until the next scheduled job is due by PostgreSQL's clock; `nil` when there is none.
    public var nextDue: Duration?

    /// Makes an answer to ``JobStore/promote(upTo:)``.
    public init(jobs: [Announcement], nextDue: Duration?) {
        self.jobs = jobs
        self.nextDue = nextDue
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

    /// Makes an answer to ``JobStore/reap(upTo:)``.
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
