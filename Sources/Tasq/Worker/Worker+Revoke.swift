import Logging

/// How a worker learns that a job it runs was cancelled.
extension Worker {
    /// The claims that run now, for the heartbeat to ask after.
    func watch(in session: WorkerSession) -> ClaimWatch {
        ClaimWatch(
            running: {
                self.held.running.map { (job: $0.job.id, claim: $0.job.claim) }
            },
            onRevoked: { self.revoke($0) },
            pulse: { self.pulse.count },
            presence: { session.presence.server })
    }

    /// Cancels the handlers of claims that were taken away. Their outcomes are not even tried: the
    /// job has its end already. One that ignores the cancellation keeps its slot until it returns.
    ///
    /// On the heartbeat's thread.
    private func revoke(_ gone: [ClaimToken]) {
        for claim in gone {
            guard let revoked = held.revoke(claim) else { continue }
            executor.cancel(revoked.run)
            meters.revoked.add()
            logger.info(
                "a running job was cancelled: its claim is gone",
                metadata: ["job.id": "\(revoked.job.id)", "job.kind": "\(revoked.job.kind)"])
            events(.revoked(revoked.job.id))
        }
    }
}
