/// Why a job is not running, or what it is doing: one sentence and the facts behind it.
public struct Explanation: Sendable, Hashable {
    /// The reason as a word for programs.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// A worker runs it.
        case executing
        /// The worker that runs it has fallen silent, and will lose the claim.
        case workerSilent = "worker-silent"
        /// Its queue is paused.
        case paused
        /// No live worker serves its queue.
        case noWorker = "no-worker"
        /// Its time has not come.
        case notDue = "not-due"
        /// An attempt failed and the next has its time.
        case waitingForRetry = "waiting-for-retry"
        /// What it depends on said "later", and no attempt was spent.
        case putOff = "put-off"
        /// No live worker of its queue has a handler for its kind, or the one that tried it had none.
        case unknownKind = "unknown-kind"
        /// It was on board when two workers died, and waits to run alone.
        case suspect
        /// Every slot that could take it is taken.
        case waitingForSlot = "waiting-for-slot"
        /// Nothing stands in its way.
        case aboutToStart = "about-to-start"
        /// Queued, with no attempt left: no worker will take it.
        case attemptsUsedUp = "attempts-used-up"
        /// Ended well.
        case success
        /// Ended badly.
        case error
        /// Called off.
        case cancelled
    }

    /// A fact by its name.
    public struct Fact: Sendable, Hashable {
        /// As in `worker_seen_at`.
        public let name: String
        /// As text, times in RFC 3339.
        public let value: String
    }

    /// The reason as a word.
    public let reason: Reason
    /// The reason as a sentence for people.
    public let sentence: String
    /// What it rests on.
    public let facts: [Fact]

    /// Explains a job by its circumstances.
    public init(_ circumstances: Circumstances) {
        let (reason, sentence) = circumstances.explained
        self.reason = reason
        self.sentence = sentence + circumstances.origin
        facts = circumstances.facts
    }

    /// What whoever looks at the job should know besides.
    package var warning: String? { facts.first { $0.name == "warning" }?.value }
}

extension Circumstances {
    fileprivate var explained: (Explanation.Reason, String) {
        switch job.status {
        case .success:
            return (.success, "It ended well at \(finished), in attempt \(job.attempt).")
        case .cancelled:
            return (.cancelled, "It was cancelled at \(finished)\(because).")
        case .error:
            return (
                isUnknownKind ? .unknownKind : .error,
                "It ended in error at \(finished), after \(counted)\(because)."
            )
        case .executing: return executing
        case .scheduled: return scheduled
        case .queued: return queued
        }
    }

    private var executing: (Explanation.Reason, String) {
        let since = job.claimedAt.map { "since \($0) (\(ago($0)))" } ?? ""
        guard let holder else {
            return (
                .workerSilent,
                "Its worker is gone; the claim is taken back within seconds while any worker lives."
            )
        }
        let worker = "process \(holder.processID) on \(holder.host)"
        guard holder.isLive else {
            return (
                .workerSilent,
                "It was claimed by \(worker), which has been silent since \(holder.seenAt); "
                    + "the claim is taken back once that worker is found dead."
            )
        }
        return (
            .executing, "Attempt \(job.attempt) of \(job.maxAttempts) runs in \(worker) \(since)."
        )
    }

    private var scheduled: (Explanation.Reason, String) {
        guard job.runAt > asOf else {
            return liveWorkers == 0
                ? (
                    .noWorker,
                    "It has been due since \(job.runAt), but no worker is alive to run it."
                )
                : (.aboutToStart, "It has just become due and is queued within about a second.")
        }
        let due = "\(job.runAt) (in \(asOf.duration(to: job.runAt).rough))"
        if let since = putOffSince, let reason = putOffReason {
            return (
                .putOff,
                "It is put off until \(due), without an attempt spent: \(Self.brief(reason)). "
                    + "It has been put off \(ago(since))."
            )
        }
        if isUnknownKind {
            return (
                .unknownKind,
                "The worker that tried it has no handler for its kind `\(job.kind)`; "
                    + "the next try is due at \(due)."
            )
        }
        guard lastOutcome == .retry, job.attempt > 0 else {
            return (.notDue, "It is not due before \(due).")
        }
        return (
            .waitingForRetry,
            "Attempt \(job.attempt) of \(job.maxAttempts) failed\(because); the next is due at \(due)."
        )
    }

    private var queued: (Explanation.Reason, String) {
        if job.attempt >= job.maxAttempts {
            return (
                .attemptsUsedUp,
                "It is queued with no attempt left, so no worker takes it: cancel it and retry it."
            )
        }
        if isPaused { return (.paused, "Its queue `\(job.queue)` is paused.") }
        if servingWorkers == 0, unableWorkers > 0 {
            return (
                .unknownKind,
                "No live worker that serves its queue `\(job.queue)` has a handler for its kind "
                    + "`\(job.kind)`."
            )
        }
        if servingWorkers == 0 {
            return (
                .noWorker,
                liveWorkers == 0
                    ? "No worker is alive." : "No live worker serves its queue `\(job.queue)`."
            )
        }
        if job.runAt > asOf {
            guard asOf.duration(to: job.runAt) <= Self.longestHaste else {
                return (.notDue, "It is not due before \(job.runAt).")
            }
            return (
                .aboutToStart,
                "It was queued when PostgreSQL's clock showed \(job.runAt), and that has gone "
                    + "back: it is made due within seconds, or scheduled again if it was put off."
            )
        }
        if job.crashes >= JobLimits.suspectCrashes {
            return (
                .suspect,
                "It was on board when \(job.crashes) workers died, so it waits to run alone."
            )
        }
        let before = ahead >= 1000 ? "1000 jobs or more" : "\(ahead) job\(ahead == 1 ? "" : "s")"
        if servingExecuting >= servingSlots {
            return (
                .waitingForSlot,
                "All \(servingSlots) slots of the workers that serve its queue are taken, "
                    + "and \(before) of the queue come before it."
            )
        }
        return (
            .aboutToStart,
            ahead > 0
                ? "It waits its turn: \(before) of its queue come before it."
                : "Nothing stands in its way: a worker takes it within about a second."
        )
    }

    /// A queued job that lies further ahead was put off by hand (hasten.sql).
    private static let longestHaste = Duration.seconds(86_400)

    fileprivate var origin: String {
        tick.map { " It was put in by the schedule `\($0.schedule)` for \($0.time)." } ?? ""
    }

    /// Of several lines the first ones are somebody else's words.
    private var isUnknownKind: Bool {
        job.reason.map { $0.hasPrefix(Attempt.noHandler) && !$0.contains(where: \.isNewline) }
            ?? false
    }
    private var finished: String { job.finishedAt?.description ?? "an unknown time" }
    private var because: String { job.reason.map { ": \(Self.brief($0))" } ?? "" }
    private var counted: String { "\(job.attempt) attempt\(job.attempt == 1 ? "" : "s")" }

    private func ago(_ time: Timestamp) -> String { "for \(time.duration(to: asOf).rough)" }

    /// The last line of a reason, as lists show it; the whole stands among the facts.
    private static func brief(_ reason: String) -> String {
        let line = FailureLog.lastLine(of: reason)
        return line.count > 200 ? String(line.prefix(200)) + "…" : line
    }

    fileprivate var facts: [Explanation.Fact] {
        var facts: [Explanation.Fact] = []
        func add(_ name: String, _ value: (some CustomStringConvertible)?) {
            if let value { facts.append(.init(name: name, value: value.description)) }
        }
        add("status", job.status.rawValue)
        add("kind", job.kind)
        add("queue", job.queue)
        add("schedule", tick?.schedule)
        add("tick", tick?.time)
        add("as_of", asOf)
        add("run_at", job.runAt)
        add("attempt", "\(job.attempt) of \(job.maxAttempts)")
        add("crashes", job.crashes > 0 ? job.crashes : nil)
        add("finished_at", job.finishedAt)
        add("last_outcome", lastOutcome?.rawValue)
        add("last_reason", job.reason)
        add("source", source)
        add("event_id", providerID)
        if source != nil, providerID == nil {
            add("warning", "no event id was found: if the event is sent again, it runs again")
        }
        if job.status == .scheduled, putOffReason != nil {
            add("put_off_since", putOffSince)
            add("put_off_reason", putOffReason)
        }
        if job.status == .executing {
            add("claimed_at", job.claimedAt)
            add("worker_id", job.worker)
            add("worker_host", holder?.host)
            add("worker_pid", holder?.processID)
            add("worker_seen_at", holder?.seenAt)
        }
        guard !job.status.isFinal else { return facts }
        add("queue_paused", isPaused)
        add("queue_max_depth", limit?.limit.maxDepth)
        add("queue_max_age", limit?.limit.maxAge.map(DurationText.format))
        add("queue_refuses", limit?.isRefusing)
        add("workers_alive", liveWorkers)
        add("workers_serving", servingWorkers)
        add("workers_unable", unableWorkers > 0 ? unableWorkers : nil)
        add("slots_serving", servingSlots)
        add("slots_taken", servingExecuting)
        if job.status == .queued { add("jobs_ahead", ahead) }
        return facts
    }
}

extension Timestamp {
    /// Never negative, and never more than fits.
    fileprivate func duration(to later: Timestamp) -> Duration {
        let (difference, overflow) = later.microseconds.subtractingReportingOverflow(microseconds)
        return .microseconds(max(0, overflow ? .max : difference))
    }
}
