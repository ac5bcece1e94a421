import Instrumentation
package import Logging

/// Runs one attempt of a claimed job and decides its fate; both happen here and nowhere else.
struct Attempt: Sendable {
    let job: ClaimedJob
    let handlers: HandlerTable
    let logger: Logger
    /// Told of a handler that goes on after its time is up.
    var overdue: OverdueRuns?
    /// Raised when the worker is told to leave.
    var leaves = Signal()
    /// Where a body is read that the claim has left out.
    var bodies: LargeBodies?

    /// How the reason of an attempt begins whose kind the worker did not know, as earlier versions
    /// wrote it.
    static let noHandler = "no handler for kind "

    /// How long an attempt that was ended from outside waits to hear whether the worker is to leave.
    static let moment = Duration.seconds(1)

    /// Why a running handler was cancelled from outside.
    enum Interruption: Error {
        case timedOut(after: Duration)
    }

    /// Runs the handler to its end. Never throws: what went wrong is in the verdict.
    ///
    /// - Parameter isLeaving: whether the worker is shutting down; a cancelled handler then hands
    ///   its job back.
    func run(isLeaving: @Sendable () -> Bool) async -> Verdict {
        guard let handler = handlers.handler(for: job.kind) else {
            // It was taken away between the claim and the start; whoever has one runs the job.
            return .handedBack
        }
        // Nobody can know what it was to do, so it must not look as if it had been done.
        if let hindrance = job.hindrance { return .error(reason: hindrance) }
        guard let bytes = job.leftOutBytes, let bodies else {
            return await run(job, handler, isLeaving)
        }
        switch await bodies.load(job, bytes: bytes) {
        case .job(let job, let room):
            defer { bodies.memory.giveBack(room) }
            return await run(job, handler, isLeaving)
        case .missing: return .error(reason: ClaimedJob.bodyIsMissing)
        case .cancelled: return .unstarted
        case .failed(let error):
            return verdict(on: .later("the body could not be read: \(error)"), by: handler)
        }
    }

    private func run(
        _ job: ClaimedJob, _ handler: Handler, _ isLeaving: @Sendable () -> Bool
    ) async -> Verdict {
        let context = JobContext(job: job, logger: logger)
        let result: Result<Void, any Error>
        do {
            if let trace = context.trace {
                let traced = (ServiceContext.current ?? .topLevel).running(trace)
                try await ServiceContext.withValue(traced) { try await run(handler, context) }
            } else {
                try await run(handler, context)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        if case .failure(let error as EndedFromOutside) = result {
            return await isTold(isLeaving)
                ? .handedBack : verdict(on: error.outcome, by: handler)
        }
        return decide(result, by: handler, wasInterrupted: Task.isCancelled && isLeaving())
    }

    /// Whether the worker leaves, or is told to within a moment.
    private func isTold(_ isLeaving: @Sendable () -> Bool) async -> Bool {
        if isLeaving() { return true }
        let leaves = leaves
        return await happens(within: Self.moment, unless: nil) {
            await leaves.wait()
            return leaves.isRaised
        }
    }

    private func run(_ handler: Handler, _ context: JobContext) async throws {
        if let timeout = handler.timeout {
            try await run(handler, context, within: timeout)
        } else {
            try await handler.run(context)
        }
    }

    /// The deadline cancels the handler; the attempt ends when the handler does, because a claim
    /// that was given up while its handler still runs would be a second run beside it.
    private func run(
        _ handler: Handler, _ context: JobContext, within timeout: Duration
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await handler.run(context)
                return true
            }
            group.addTask {
                await sleep(for: timeout)
                return false
            }
            defer { group.cancelAll() }
            guard let ended = try await group.next(), !ended else { return }
            overdue?.add(CollectionOfOne(job.claim))
            group.cancelAll()
            while let result = await group.nextResult() {
                switch result {
                case .success(true): return
                case .failure(let error) where Task.isCancelled: throw error
                default: continue
                }
            }
            try Task.checkCancellation()
            throw Interruption.timedOut(after: timeout)
        }
    }

    /// What a handler that returned, threw, was interrupted or took too long means by its policy.
    func decide(
        _ result: Result<Void, any Error>, by handler: Handler, wasInterrupted: Bool
    ) -> Verdict {
        let outcome: Outcome
        switch result {
        case .success:
            return .success
        case .failure(let thrown as Outcome):
            outcome = thrown
        case .failure where wasInterrupted:
            return .handedBack
        case .failure(Interruption.timedOut(let timeout)):
            outcome = .retry("timed out after \(timeout.inSeconds) s")
        case .failure(let error):
            outcome = .retry("\(error)")
        }
        return verdict(on: outcome, by: handler)
    }

    private func verdict(on outcome: Outcome, by handler: Handler) -> Verdict {
        handler.retry.verdict(
            on: outcome, after: job.attempt, of: job.maxAttempts, before: job.attemptsBefore,
            putOff: job.putOff ?? .zero, upTo: handler.putOff)
    }
}

extension HandlerTable {
    /// Runs one attempt of a job outside of any worker, and decides its fate.
    package func runOnce(
        _ job: ClaimedJob, readingBodiesFrom reader: (any BodyReader)? = nil, logger: Logger
    ) async -> Verdict {
        let bodies = reader.map {
            LargeBodies(reader: $0, memory: ByteBudget(4 * JobLimits.eventBytes))
        }
        return await Attempt(job: job, handlers: self, logger: logger, bodies: bodies)
            .run { false }
    }
}

/// What a handler ran was ended by somebody else, who may end the worker too: the job is handed back
/// if the worker leaves, or is told to within a moment; otherwise this was the outcome.
package struct EndedFromOutside: Error, Hashable {
    package let outcome: Outcome

    package init(_ outcome: Outcome) {
        self.outcome = outcome
    }
}
