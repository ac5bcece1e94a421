/// Where jobs are claimed and settled.
public protocol ClaimStore: BodyReader, StoreHealth {
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

    /// What there is to read of a job's body while this claim of it stands; `nil` when it does not.
    func body(of job: JobID, heldBy claim: ClaimToken) async throws(StoreError) -> HeldBody?
}

extension ClaimStore {
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
    /// by ``ClaimStore/claimSuspect(for:from:)``.
    public var suspectsQueue: Name?
    /// The last jobs it looked at in queues that may have more; when it claimed as many as it was to
    /// claim, only of those that it looked at before the last one.
    public var cursors: [Name: QueuedCursor]

    /// Makes an answer to ``ClaimStore/sweep(upTo:for:from:behind:lookingAt:)``.
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

    /// Makes an answer to ``ClaimStore/suspectsTurn(of:on:)``.
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
    /// ``ClaimStore/claimSuspect(for:from:)`` claims it then.
    public let isSuspect: Bool
    /// Which only a worker with a handler for it claims.
    public let kind: Name

    /// Makes an answer to ``ClaimStore/stillQueued(_:)``.
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

    /// Makes an answer to ``ClaimStore/settle(_:)``.
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

    /// Makes an answer to ``ClaimStore/settle(_:)``.
    public init(announcement: Announcement, claim: ClaimToken, status: JobStatus) {
        self.announcement = announcement
        self.claim = claim
        self.status = status
    }
}
