import Logging
import Synchronization

/// One line for each attempt that failed, once its end is written: a warning when it was the job's
/// last, at info when the job is tried again.
///
/// What is told of a reason is its last line, which of a program's output says most. A success costs
/// one relaxed load a batch.
final class FailureLog: Sendable {
    /// Bytes of a reason that a line tells at most.
    static let reasonBytes = 300

    private let logger: Logger
    private let noted = Mutex<[ClaimToken: Logger.Metadata]>([:])
    private let size = Atomic<Int>(0)

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// An attempt has ended so; ``tell(_:)`` says it if it failed. To be called before its end can be
    /// written.
    func note(_ job: ClaimedJob, _ verdict: Verdict) {
        guard let line = facts(of: verdict, job) else { return }
        noted.withLock { noted in
            noted[job.claim] = line
            size.store(noted.count, ordering: .relaxed)
        }
    }

    /// The ends of these are written.
    func tell(_ settled: [Settled]) {
        guard size.load(ordering: .relaxed) > 0 else { return }
        for settled in settled {
            guard let line = take(settled.claim) else { continue }
            // A job that is handed back goes on, unless that has happened too often.
            if settled.status == .error || line[Self.delayKey] != nil { tell(line) }
        }
    }

    /// Its end counts for nothing.
    func forget(_ claim: ClaimToken) {
        guard size.load(ordering: .relaxed) > 0 else { return }
        _ = take(claim)
    }

    /// The end of a claimed job is written.
    func tell(_ job: ClaimedJob, _ verdict: Verdict) {
        if let line = facts(of: verdict, job) { tell(line) }
    }

    /// A remote worker has ended the attempt of a job, whose row was so before.
    func tell(_ job: JobRecord, _ verdict: Verdict) {
        let line = facts(
            of: verdict, job.id, job.kind, job.queue, job.attempt, of: job.maxAttempts)
        if let line { tell(line) }
    }

    /// Jobs were taken back from workers that are dead; those with no attempt left are told of.
    func tell(_ reaped: [Reaped]) {
        for reaped in reaped where reaped.status == .error {
            let (id, queue) = (reaped.announcement.id, reaped.announcement.queue)
            let line = facts(
                of: .error(reason: Reaped.reason), id, reaped.kind, queue, reaped.attempt,
                of: reaped.maxAttempts)
            if let line { tell(line) }
        }
    }

    private func take(_ claim: ClaimToken) -> Logger.Metadata? {
        noted.withLock { noted in
            let line = noted.removeValue(forKey: claim)
            size.store(noted.count, ordering: .relaxed)
            return line
        }
    }

    private func facts(of verdict: Verdict, _ job: ClaimedJob) -> Logger.Metadata? {
        facts(of: verdict, job.id, job.kind, job.queue, job.attempt, of: job.maxAttempts)
    }

    /// What is to be told; `nil` when it is no failure, or nobody would see it.
    private func facts(
        of verdict: Verdict, _ job: JobID, _ kind: Name, _ queue: Name, _ attempt: Int,
        of limit: Int
    ) -> Logger.Metadata? {
        guard let failure = verdict.failure, failure.retry == nil || logger.logLevel <= .info
        else { return nil }
        var line: Logger.Metadata = [
            "job.id": "\(job)", "job.kind": "\(kind)", "queue": "\(queue)",
            "job.attempt": "\(attempt)", "job.max_attempts": "\(limit)",
            "reason": "\(Self.lastLine(of: failure.reason))",
        ]
        if let delay = failure.retry { line[Self.delayKey] = "\(DurationText.format(delay))" }
        return line
    }

    private static let delayKey = "retry_in"

    private func tell(_ line: Logger.Metadata) {
        if line[Self.delayKey] == nil {
            logger.warning("a job has failed", metadata: line)
        } else {
            logger.info("an attempt has failed", metadata: line)
        }
    }

    /// The last line that says anything, cut to ``reasonBytes``.
    static func lastLine(of reason: String) -> String {
        // A handler may have said megabytes.
        let end = String(decoding: reason.utf8.suffix(16 * reasonBytes), as: UTF8.self)
        let last = end.split(whereSeparator: \.isNewline).last { line in
            line.contains { !$0.isWhitespace }
        }
        var bytes = 0
        var line = String.UnicodeScalarView()
        for scalar in (last ?? "").unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= reasonBytes else {
                line.append("…")
                break
            }
            line.append(scalar)
        }
        return String(line)
    }
}
