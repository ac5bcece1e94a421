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
