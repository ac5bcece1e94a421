/// A job as one look at what is going on shows it.
public struct ActivityRecord: Sendable, Hashable {
    /// Whether a claim stands; otherwise it is what became of a job whose latest claim has ended.
    public var isExecuting: Bool
    /// The job.
    public var id: JobID
    /// The stable name its handler is found by.
    public var kind: Name
    /// The queue it is on.
    public var queue: Name
    /// Where it stands.
    public var status: JobStatus
    /// Attempts that count so far.
    public var attempt: Int
    /// The claim that stands, or the latest that ended with an outcome.
    public var claim: ClaimToken?
    /// The worker that holds the claim.
    public var worker: WorkerID?

    /// Makes a record of its columns.
    public init(
        isExecuting: Bool, id: JobID, kind: Name, queue: Name, status: JobStatus, attempt: Int,
        claim: ClaimToken?, worker: WorkerID?
    ) {
        self.isExecuting = isExecuting
        self.id = id
        self.kind = kind
        self.queue = queue
        self.status = status
        self.attempt = attempt
        self.claim = claim
        self.worker = worker
    }
}

/// Something that those who watch are told.
package enum Activity: Sendable, Hashable {
    /// A claim began or ended.
    case job(Step, ActivityRecord)
    /// What waits and runs on each queue has changed.
    case queues([QueueRecord])
    /// Nothing is executing any more.
    case idle
    /// Something may have happened that was not told.
    case gap

    /// What happened to a job.
    package enum Step: String, Sendable, Hashable {
        case start, success, fail, retry, cancelled, back
    }
}

/// Turns looks into what happened between them.
struct ActivityLog {
    private var standing: [ClaimToken: ActivityRecord] = [:]
    private var told: Set<ClaimToken> = []
    private var isPrimed = false

    /// The jobs that the last look saw executing.
    var executing: [JobID] { standing.values.map(\.id) }

    /// Takes one look; the first one only says what stands.
    mutating func take(_ look: [ActivityRecord]) -> [Activity] {
        var now: [ClaimToken: ActivityRecord] = [:]
        var ends: [JobID: ActivityRecord] = [:]
        for record in look {
            if record.isExecuting, let claim = record.claim {
                now[claim] = record
            } else {
                ends[record.id] = record
            }
        }
        var news: [Activity] = []
        for (claim, record) in standing where now[claim] == nil {
            news.append(.job(step(from: claim, to: ends[record.id]), ends[record.id] ?? record))
            if let end = ends.removeValue(forKey: record.id)?.claim { told.insert(end) }
        }
        for record in ends.values.sorted(by: { $0.id < $1.id }) {
            guard let claim = record.claim, !told.contains(claim), isPrimed,
                record.status != .executing
            else { continue }
            news.append(.job(step(from: claim, to: record), record))
        }
        for (claim, record) in now where standing[claim] == nil && isPrimed {
            news.append(.job(.start, record))
        }
        if now.isEmpty, !standing.isEmpty || !news.isEmpty { news.append(.idle) }
        told = Set(look.filter { !$0.isExecuting }.compactMap(\.claim))
        standing = now
        isPrimed = true
        return news
    }

    /// What the end of a claim was, by what became of its job.
    private func step(from claim: ClaimToken, to job: ActivityRecord?) -> Activity.Step {
        switch job?.status {
        case .success: .success
        case .error: .fail
        case .cancelled: .cancelled
        case .scheduled, .queued: job?.claim == claim ? .retry : .back
        case .executing, nil: .back
        }
    }
}
