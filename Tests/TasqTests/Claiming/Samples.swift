@testable import Tasq

extension ClaimedJob {
    /// One that had waited so many microseconds.
    static func sample(_ id: JobID = JobID(), waited: Int64 = 0) -> ClaimedJob {
        ClaimedJob(
            id: id, claim: ClaimToken(), kind: Name(unchecked: "run"),
            options: JobOptions(maxAttempts: 3), attempt: 1, payloadID: PayloadID(), source: nil,
            payload: Payload([]), waitedMicroseconds: waited)
    }
}

extension QueuedJob {
    static func sample(_ id: JobID, isSuspect: Bool = false) -> QueuedJob {
        QueuedJob(
            announcement: Announcement(id: id, queue: .defaultQueue, priority: .default),
            isSuspect: isSuspect, kind: Name(unchecked: "run"))
    }
}

extension QueuedCursor {
    /// Behind this job.
    static func sample(_ id: JobID) -> QueuedCursor {
        QueuedCursor(
            queue: .defaultQueue, priority: .default, runAt: Timestamp(microseconds: 0), id: id)
    }
}
