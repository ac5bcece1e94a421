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
