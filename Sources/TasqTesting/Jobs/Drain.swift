public import Logging
public import Tasq

/// A job that was run by a drain, and how that ended.
public struct DrainedJob: Sendable, Hashable {
    /// The job as it was claimed.
    public let job: ClaimedJob
    /// What was written; a failed attempt is a retry while attempts are left.
    public let outcome: Outcome
}

extension JobStore {
    /// Runs what is due on a queue, here and one job after the other, until nothing is; tells what it
    /// ran, in that order.
    ///
    /// It needs no worker and no announcer, and waits for nothing: jobs that were put in before the
    /// call, and those that handlers put in, are run; those with a time to come are not, nor is a
    /// failed one again before its next attempt is due. A paused queue is left alone, as are kinds
    /// without a handler. Outcomes are written, so that the rows can be looked at afterwards.
    ///
    /// - Parameters:
    ///   - queue: The queue's name.
    ///   - handlers: What to do with each kind.
    ///   - limit: Throws `TestingError` when so many have run and another one is due, as when jobs put
    ///     in each other for ever.
    ///   - logger: Where handlers write; nowhere, if nil.
    @discardableResult
    public func drain(
        _ queue: String = "default", running handlers: HandlerTable, limit: Int = 1000,
        logger: Logger? = nil
    ) async throws -> [DrainedJob] {
        let name = try Name(queue, field: "queue")
        let worker = WorkerRecord(
            host: "drain", processID: 0, queues: [name], concurrency: 1, version: "drain",
            heartbeat: .seconds(1200), lease: .seconds(3600), kinds: handlers.kinds)
        try await register(worker)
        let result: Result<[DrainedJob], any Error>
        do {
            result = .success(
                try await drain(name, as: worker.id, handlers, limit, logger ?? quiet))
        } catch {
            result = .failure(error)
        }
        try await deregister(worker.id)
        return try result.get()
    }

    /// The same with the handlers of job types.
    @discardableResult
    public func drain(
        _ queue: String = "default", running jobs: [any Job.Type], limit: Int = 1000,
        logger: Logger? = nil
    ) async throws -> [DrainedJob] {
        try await drain(queue, running: HandlerTable(jobs), limit: limit, logger: logger)
    }

    private func drain(
        _ queue: Name, as worker: WorkerID, _ handlers: HandlerTable, _ limit: Int,
        _ logger: Logger
    ) async throws -> [DrainedJob] {
        var drained: [DrainedJob] = []
        while true {
            _ = try await promote(upTo: 500)
            guard let job = try await sweep(upTo: 1, for: worker, from: [queue]).jobs.first else {
                return drained
            }
            guard drained.count < limit else {
                try await write(.unstarted, of: job)
                throw TestingError.failed("more than \(limit) jobs are due on the queue \(queue)")
            }
            let verdict = await handlers.runOnce(
                job, readingBodiesFrom: self, logger: logger)
            try await write(verdict, of: job)
            drained.append(DrainedJob(job: job, outcome: try Outcome(written: verdict)))
        }
    }

    /// Ends the claim, once nobody has the job's row locked.
    private func write(_ verdict: Verdict, of job: ClaimedJob) async throws {
        let settlement = Settlement(job: job.id, claim: job.claim, verdict: verdict)
        var isSettled = false
        try await eventually("the outcome of job \(job.id) is written") {
            let answer = try await settle([settlement])
            isSettled = !answer.settled.isEmpty
            return isSettled || !answer.heldUp.contains(job.claim)
        }
        guard isSettled else {
            throw TestingError.failed("somebody else ended the claim of job \(job.id)")
        }
    }
}
