/// What an operator does with jobs.
public enum JobAction: String, Sendable, Hashable, CaseIterable {
    /// Runs now what ended in `error`, was cancelled or waits for its time. A job whose attempts
    /// are used up gets room for one more.
    case retry
    /// Calls off what waits or runs. A running handler's task is cancelled with its worker's next
    /// heartbeat; whatever it does until then, nothing of it is recorded.
    case cancel
    /// Removes what is not running, with its attempts, and its body unless another job uses it.
    case delete

    /// The statuses a job may be in for this.
    public var statuses: [JobStatus] {
        switch self {
        case .retry: [.error, .cancelled, .scheduled]
        case .cancel: [.scheduled, .queued, .executing]
        case .delete: [.scheduled, .queued, .success, .error, .cancelled]
        }
    }
}

/// What became of an action on one job.
public enum JobActionResult: Sendable, Hashable {
    /// Done; `from` is the status the job was in.
    case done(from: JobStatus)
    /// The job was where the action would have taken it.
    case already
    /// The job's status allows it not; nothing was written.
    case wrongState(JobStatus)
    /// Another unfinished job holds the unique key; nothing was written.
    case keyTaken(by: JobID?)
    /// The job has had ``JobLimits/attemptNumber`` attempts; nothing was written.
    case attemptsUsedUp
    /// Somebody holds the job's row, or the unique key it takes again; nothing was written. Try again.
    case heldUp
    /// There is no such job.
    case missing
}

/// An action's result for one job, with what announcing it takes.
public struct JobActionAnswer: Sendable, Hashable {
    /// The job.
    public let id: JobID
    /// What became of it.
    public let result: JobActionResult
    /// The list the job belongs on, if the action queued it.
    public let announcement: Announcement?

    /// Makes an answer to ``OperateStore/apply(_:to:)``.
    public init(id: JobID, result: JobActionResult, announcement: Announcement? = nil) {
        self.id = id
        self.result = result
        self.announcement = announcement
    }
}
