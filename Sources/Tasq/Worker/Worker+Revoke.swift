import Logging
import Synchronization

/// A claim whose handler runs here.
struct RunningClaim: Sendable {
    let job: ClaimedJob
    /// Where it runs; `nil` for the moment before it is known.
    var run: JobExecutor.Run?
}

/// How a worker learns that a job it runs was cancelled.
extension Worker {
    /// The claims that run now, for the heartbeat to ask after.
    var watch: ClaimWatch {
        ClaimWatch(
            running: {
                self.claims.withLock { claims in
                    claims.values.map { (job: $0.job.id, claim: $0.job.claim) }
                }
            },
            onRevoked: { self.revoke($0) })
    }

    /// Cancels the handlers of claims that were taken away. Their outcomes are not even tried: the
    /// job has its end already. One that ignores the cancellation keeps its slot until it returns.
    ///
    /// On the heartbeat's thread.
    private func revoke(_ gone: [ClaimToken]) {
        for claim in gone {
            let revoked = claims.withLock { claims -> RunningClaim? in
                // A moment later its run is known; the heartbeat tells again.
                guard claims[claim]?.run != nil else { return nil }
                return claims.removeValue(forKey: claim)
            }
            guard let revoked, let run = revoked.run else { continue }
            executor.cancel(run)
            held.remove([claim])
            meters.revoked.add()
            logger.info(
                "a running job was cancelled: its claim is gone",
                metadata: ["job.id": "\(revoked.job.id)", "job.kind": "\(revoked.job.kind)"])
            events(.revoked(revoked.job.id))
        }
    }
}
