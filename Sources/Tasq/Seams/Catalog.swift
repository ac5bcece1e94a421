/// The reads: what people and programs ask about jobs, queues and workers.
public protocol Catalog: BodyReader, LimitReader {
    /// Jobs newest first by the time they were enqueued, at most `limit` (1 to 1000) after `cursor`.
    func jobs(
        matching filter: JobFilter, after cursor: JobCursor?, limit: Int
    ) async throws(StoreError) -> JobPage

    /// The job with this id; `nil` when there is none.
    func job(_ id: JobID) async throws(StoreError) -> JobRecord?

    /// The attempts of a job, oldest first: those that failed, were interrupted or ended with a
    /// reason, which left a record, and the one that succeeded.
    func attempts(of id: JobID) async throws(StoreError) -> [AttemptRecord]

    /// The body of a job, byte for byte, however large it is.
    func payload(of id: JobID) async throws(StoreError) -> Payload?

    /// What a stored body is, without its bytes; `nil` when there is none.
    func body(_ id: PayloadID) async throws(StoreError) -> HeldBody?

    /// Of stored bodies those that may have a text for a value in their JSON, looking into as many, from
    /// the first on, as have `bytes` bytes together. Those of more than ``JobLimits/payloadBytes`` are
    /// not looked into; `bytes` must be no less.
    func bodies(
        _ ids: [PayloadID], mayHold text: String, bytes: Int
    ) async throws(StoreError) -> LikelyBodies

    /// Every queue that has unfinished or failed jobs, settings or a worker, by name; at most 10 000.
    func queues() async throws(StoreError) -> [QueueRecord]

    /// The kinds of the newest jobs, by name: at most `limit`, of as many jobs as a look takes.
    func kinds(limit: Int) async throws(StoreError) -> [Name]

    /// Every registered worker, the longest running first; a remote one once, whatever it claims.
    func workers() async throws(StoreError) -> [WorkerStanding]

    /// A job and everything that decides whether it runs, of one moment; `nil` when there is none.
    func circumstances(of id: JobID) async throws(StoreError) -> Circumstances?

    /// What is wrong with up to `limit` rows of a table after `cursor`, which is empty at first.
    func findings(
        in table: VerifiedTable, after cursor: String, limit: Int
    ) async throws(StoreError) -> FindingPage

    /// Those of these jobs that are queued, and whether each ought to stand in Redis.
    func announceable(_ ids: [JobID]) async throws(StoreError) -> [JobID: Bool]

    /// A bulk action; `nil` when there is none, or it ended more than a week ago.
    func bulk(_ id: BulkID) async throws(StoreError) -> BulkRecord?

    /// Stored webhook events newest first, at most `limit` (1 to 1000) after `cursor`.
    func events(
        matching filter: EventFilter, after cursor: PayloadID?, limit: Int
    ) async throws(StoreError) -> EventPage

    /// The stored webhook event with this id; `nil` when there is none.
    func event(_ id: PayloadID) async throws(StoreError) -> EventRecord?

    /// The jobs made of a stored event, newest first, at most 1000.
    func jobs(of event: PayloadID) async throws(StoreError) -> [JobRecord]

    /// How many jobs made of stored events are in which status; of each event 100 jobs at most.
    func outcomes(
        of events: [PayloadID]
    ) async throws(StoreError) -> [PayloadID: [JobStatus: Int]]

    /// What is going on: the claims that stand, what became of the jobs in `executing`, and jobs
    /// enqueued since `time` whose latest claim has ended; of each at most `limit` (1 to 1000).
    func look(
        since time: Timestamp, executing: [JobID], limit: Int
    ) async throws(StoreError) -> [ActivityRecord]

    /// What was noted by ``UpkeepStore/tally()`` since `time`, oldest first, the newest 1000.
    func tallies(since time: Timestamp) async throws(StoreError) -> [Tally]

    /// Kinds of queued jobs that no worker of their queue has a handler for: at most ten, the most
    /// frequent first. Looks at no more than 20 000 jobs; queues without any worker are left out.
    func unknownKinds() async throws(StoreError) -> [UnknownKind]

    /// What puts jobs off, as those tell that it has put off and that wait for their time: looks at no
    /// more than ``PutOffLook/jobLimit`` scheduled jobs, those that are due first.
    func putOff() async throws(StoreError) -> PutOffLook

    /// What each table takes on disk; one that somebody has locked for himself is left out.
    func tableSizes() async throws(StoreError) -> [TableSize]

    /// The state of everything, for those who look every second.
    func glance() async throws(StoreError) -> Glance

    /// Asks the server for nothing; throws when it does not answer.
    func ping() async throws(StoreError)
}

/// A kind of queued jobs that no worker of their queue has a handler for.
public struct UnknownKind: Sendable, Hashable {
    /// Where they wait.
    public var queue: Name
    /// Their kind.
    public var kind: Name
    /// How many were found.
    public var jobs: Int

    /// Makes an answer to ``Catalog/unknownKinds()``.
    public init(queue: Name, kind: Name, jobs: Int) {
        self.queue = queue
        self.kind = kind
        self.jobs = jobs
    }
}

/// What a table takes on disk.
public struct TableSize: Sendable, Hashable {
    /// Its name within the schema, as in `job`.
    public var table: String
    /// Its bytes, with its indexes and the long values that stand beside it.
    public var bytes: Int64

    /// Makes an answer of ``Catalog/tableSizes()``.
    public init(table: String, bytes: Int64) {
        self.table = table
        self.bytes = bytes
    }
}

/// A job as its row shows it.
public struct JobRecord: Sendable, Hashable {
    /// The job.
    public var id: JobID
    /// The stable name its handler is found by.
    public var kind: Name
    /// The queue it is on, how urgent it is there and how often it is tried.
    public var options: JobOptions
    /// Where it stands.
    public var status: JobStatus
    /// Attempts that count so far; one that was snoozed or handed back does not.
    public var attempt: Int
    /// How many workers died with it on board.
    public var crashes: Int
    /// The key it was enqueued once for; `nil` for none.
    public var uniqueKey: String?
    /// Its stored body; shared by all jobs of one webhook event.
    public var payloadID: PayloadID
    /// When it was stored.
    public var enqueuedAt: Timestamp
    /// When it is, or last was, due.
    public var runAt: Timestamp
    /// When the latest attempt was claimed.
    public var claimedAt: Timestamp?
    /// When it reached a final status; `nil` before.
    public var finishedAt: Timestamp?
    /// The worker that holds the claim now.
    public var worker: WorkerID?
    /// Why the latest recorded attempt ended as it did; `nil` for a job that succeeded since.
    public var reason: String?
    /// Attempts it had made when its event was last redelivered; ``RetryPolicy`` counts from there.
    public var attemptsBefore: Int

    /// Makes a record of its columns.
    public init(
        id: JobID, kind: Name, options: JobOptions, status: JobStatus, attempt: Int, crashes: Int,
        uniqueKey: String?, payloadID: PayloadID, enqueuedAt: Timestamp, runAt: Timestamp,
        claimedAt: Timestamp?, finishedAt: Timestamp?, worker: WorkerID?, reason: String?,
        attemptsBefore: Int = 0
    ) {
        self.attemptsBefore = attemptsBefore
        self.id = id
        self.kind = kind
        self.options = options
        self.status = status
        self.attempt = attempt
        self.crashes = crashes
        self.uniqueKey = uniqueKey
        self.payloadID = payloadID
        self.enqueuedAt = enqueuedAt
        self.runAt = runAt
        self.claimedAt = claimedAt
        self.finishedAt = finishedAt
        self.worker = worker
        self.reason = reason
    }
}

extension JobRecord {
    /// The queue it is on.
    public var queue: Name { options.queue }
    /// How urgent it is within its queue.
    public var priority: Priority { options.priority }
    /// The number of the last attempt it has been given.
    public var maxAttempts: Int { options.maxAttempts }
    /// What groups it with other jobs; `nil` for none.
    public var key: String? { options.key }

    /// The last line of its reason that says anything, cut, as lists show it.
    package var lastReason: String? { reason.map(FailureLog.lastLine) }
}

/// One attempt that has ended.
public struct AttemptRecord: Sendable, Hashable {
    /// Which attempt it was, from 1.
    public var attempt: Int
    /// The claim it ran under.
    public var claim: ClaimToken
    /// The worker that ran it, where known; of a success it is not.
    public var worker: WorkerID?
    /// The machine of that worker; `nil` once it has been gone for a week.
    public var host: String?
    /// Its process on that machine, likewise; 0 for a remote worker.
    public var processID: Int?
    /// How it ended.
    public var outcome: AttemptOutcome
    /// Why it ended so; at most ``JobLimits/reasonBytes``.
    public var reason: String?
    /// When it was claimed.
    public var startedAt: Timestamp
    /// When its end was recorded.
    public var endedAt: Timestamp

    /// Makes a record of its columns.
    public init(
        attempt: Int, claim: ClaimToken, worker: WorkerID?, outcome: AttemptOutcome,
        reason: String?, startedAt: Timestamp, endedAt: Timestamp, host: String? = nil,
        processID: Int? = nil
    ) {
        self.host = host
        self.processID = processID
        self.attempt = attempt
        self.claim = claim
        self.worker = worker
        self.outcome = outcome
        self.reason = reason
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}

extension AttemptRecord {
    /// Where it ran, for people: machine and process, as long as they are known.
    package var place: String? {
        host.map { host in "\(host)" + (processID.map { " \($0)" } ?? "") }
    }
}

/// A queue and what waits on it or has failed, counted to a bound that no backlog raises.
public struct QueueRecord: Sendable, Hashable {
    /// The queue.
    public var name: Name
    /// Whether its jobs wait however many slots are free.
    public var isPaused: Bool
    /// Jobs that wait for their time.
    public var scheduled: Int
    /// Jobs that wait for a free slot.
    public var queued: Int
    /// Whether more are scheduled than were counted.
    public var hasMoreScheduled: Bool
    /// Whether more are queued than were counted.
    public var hasMoreQueued: Bool
    /// Jobs that a worker holds.
    public var executing: Int
    /// How long the oldest due job has waited; `nil` when none waits.
    public var oldestWait: Duration?
    /// How long the oldest scheduled job has been overdue; `nil` when none is.
    public var oldestOverdue: Duration?
    /// How long the job that was claimed first has run; `nil` when none runs.
    public var oldestRun: Duration?
    /// Its kinds of which jobs have failed, by name.
    public var failures: [KindFailures]
    /// Its limit, and how far it is from it; `nil` where it has none, or nobody asked.
    public var limit: LimitStanding?

    /// Makes a record of its counts.
    public init(
        name: Name, isPaused: Bool, scheduled: Int, queued: Int, executing: Int,
        oldestWait: Duration?, oldestOverdue: Duration? = nil, oldestRun: Duration? = nil,
        hasMoreScheduled: Bool = false, hasMoreQueued: Bool = false,
        failures: [KindFailures] = [], limit: LimitStanding? = nil
    ) {
        self.limit = limit
        self.failures = failures
        self.hasMoreScheduled = hasMoreScheduled
        self.hasMoreQueued = hasMoreQueued
        self.name = name
        self.isPaused = isPaused
        self.scheduled = scheduled
        self.queued = queued
        self.executing = executing
        self.oldestWait = oldestWait
        self.oldestOverdue = oldestOverdue
        self.oldestRun = oldestRun
    }
}

extension QueueRecord {
    /// How many are scheduled, as people read it: with a + where there are more.
    package var scheduledText: String { "\(scheduled)\(hasMoreScheduled ? "+" : "")" }

    /// How many are queued, likewise.
    package var queuedText: String { "\(queued)\(hasMoreQueued ? "+" : "")" }
}

/// A registered worker and what it is doing.
public struct WorkerStanding: Sendable, Hashable {
    /// The worker as it registered.
    public var worker: WorkerRecord
    /// When it registered.
    public var startedAt: Timestamp
    /// When its latest heartbeat was written.
    public var seenAt: Timestamp
    /// How many claims it holds.
    public var executing: Int

    /// Makes a standing of its columns.
    public init(
        worker: WorkerRecord, startedAt: Timestamp, seenAt: Timestamp, executing: Int
    ) {
        self.worker = worker
        self.startedAt = startedAt
        self.seenAt = seenAt
        self.executing = executing
    }
}
