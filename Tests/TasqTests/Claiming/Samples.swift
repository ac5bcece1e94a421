@testable import Tasq

extension ClaimedJob {
    /// One that had waited so many microseconds.
    static func sample(_ id: JobID = JobID(), waited: Int64 = 0) -> ClaimedJob {
        ClaimedJob(
            id: id, claim: ClaimToken(), kind: Name(unchecked: "run"), queue: .defaultQueue,
            priority: .default, attempt: 1, maxAttempts: 3, crashes: 0, key: nil,
            payloadID: PayloadID(), source: nil, payload: Payload([]), waitedMicroseconds: waited)
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
