import Logging

/// The bodies of jobs that remote workers claim.
extension ClaimDesk {
    /// What there is to read of a job's body while a claim of it stands; `nil` when it does not.
    package func body(
        of job: JobID, heldBy claim: ClaimToken
    ) async throws(StoreError) -> HeldBody? {
        try await store.body(of: job, heldBy: claim)
    }

    /// Where it is read.
    package var bodies: any BodyReader { store }

    /// Those of the claimed jobs that can be run; the others end in `error` here.
    func withBodies(_ jobs: [ClaimedJob]) async -> [ClaimedJob] {
        do throws(StoreError) {
            for job in jobs {
                guard let hindrance = job.hindrance else { continue }
                meters.claimed.add()
                let verdict = Verdict.error(reason: hindrance)
                let settled = try await settle(
                    Settlement(job: job.id, claim: job.claim, verdict: verdict))
                if settled != nil { failures.tell(job, verdict) }
            }
        } catch {
            logger.warning("claims are left to the lease", metadata: ["error": "\(error)"])
        }
        return jobs.filter { $0.hindrance == nil }
    }
}
