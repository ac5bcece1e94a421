import Instrumentation
public import Logging

/// Where jobs are put in: stores them, and announces them once they are committed.
///
/// Concurrent calls are written together. A call that returns means the job is committed in
/// PostgreSQL; whether the announcement gets through changes only how soon a worker notices.
public final class Queue: Sendable {
    /// Jobs or events of one statement.
    static let batchLimit = 500
    /// Bytes of the bodies of one statement, unless a single call brings more.
    static let batchBytes = 4_194_304
    /// What each further job of an event counts for in that, so that a statement has a few thousand
    /// rows at most.
    static let jobWeight = 4096
    /// How long a statement of several jobs or events waits for a key that somebody else has locked,
    /// and how long its pieces do after that: longer than a busy table makes a statement wait.
    static let keyPatience = Duration.milliseconds(100)
    static let piecePatience = Duration.milliseconds(50)
    /// How long one waits when the time for a page of jobs is over.
    static let latePatience = Duration.milliseconds(20)

    package let store: any JobStore
    let doorbell: Doorbell
    let meters: Meters
    private let admission: Admission
    private let enqueuing: Coalescer<NewJob, Enqueued>
    /// Apart from the rest, because a key may have to be waited for.
    private let enqueuingUnique: Coalescer<NewJob, Enqueued>
    private let heldJobs: HeldKeys<NewJob, Enqueued>
    private let accepting: Coalescer<NewEvent, Accepted>
    /// Apart, because each takes a statement of its own, and a long one.
    private let acceptingLarge: Coalescer<NewEvent, Accepted>
    private let heldEvents: HeldKeys<NewEvent, Accepted>

    /// Makes a queue on a store; without an announcer workers find its jobs by polling. The logger is
    /// told when a queue begins to refuse jobs, and when it takes them again.
    public convenience init(
        store: any JobStore, announcer: any Announcer = NoAnnouncer(),
        logger: Logger = Logger(label: "tasq")
    ) {
        self.init(store: store, announcer: announcer, meters: Meters(), logger: logger)
    }

    /// A call waits up to `lockPatience` for a key that somebody else has locked.
    package init(
        store: any JobStore, announcer: any Announcer, meters: Meters,
        lockPatience: Duration = .seconds(2), logger: Logger = Logger(label: "tasq")
    ) {
        let doorbell = Doorbell(announcer, meters: meters)
        self.store = store
        self.doorbell = doorbell
        self.meters = meters
        admission = Admission(store: store, meters: meters, logger: logger)
        let enqueue = { @Sendable (patience: Duration) in
            Queue.enqueue(in: store, waiting: patience, doorbell, meters)
        }
        let accept = { @Sendable (patience: Duration) in
            Queue.accept(in: store, waiting: patience, doorbell, meters)
        }
        let weighJob = { @Sendable (job: NewJob) in job.payload.body.count }
        let weighEvent = { @Sendable (event: NewEvent) in
            event.payload.body.count + max(0, event.jobs.count - 1) * Queue.jobWeight
        }
        let eventKey = { @Sendable (event: NewEvent) in
            event.providerID.map { "\(event.source) \($0)" }
        }
        enqueuing = Coalescer(
            batchLimit: Self.batchLimit, flightLimit: 2, byteLimit: Self.batchBytes,
            weighing: weighJob, write: enqueue(Self.keyPatience))
        enqueuingUnique = Coalescer(
            batchLimit: Self.batchLimit, flightLimit: 3, byteLimit: Self.batchBytes,
            weighing: weighJob, by: { $0.uniqueKey },
            writingPieces: enqueue(Self.piecePatience), write: enqueue(Self.keyPatience))
        heldJobs = HeldKeys(
            limits: .init(patience: lockPatience), batchLimit: Self.batchLimit,
            byteLimit: Self.batchBytes, weighing: weighJob, by: { $0.uniqueKey },
            write: { jobs, patience throws(StoreError) in try await enqueue(patience)(jobs) })
        accepting = Coalescer(
            batchLimit: Self.batchLimit, flightLimit: 2, byteLimit: Self.batchBytes,
            weighing: weighEvent, by: eventKey,
            writingPieces: accept(Self.piecePatience), write: accept(Self.keyPatience))
        acceptingLarge = Coalescer(
            batchLimit: 1, flightLimit: 2, write: accept(Self.keyPatience))
        heldEvents = HeldKeys(
            limits: .init(patience: lockPatience), batchLimit: Self.batchLimit,
            byteLimit: Self.batchBytes, weighing: weighEvent, by: eventKey,
            write: { events, patience throws(StoreError) in try await accept(patience)(events) })
    }

    /// Stores jobs with what follows from it.
    private static func enqueue(
        in store: any JobStore, waiting patience: Duration, _ doorbell: Doorbell, _ meters: Meters
    ) -> Coalescer<NewJob, Enqueued>.Write {
        { jobs throws(StoreError) in
            let answers = try await store.enqueue(jobs, patience: patience)
            doorbell.ring(stored(of: jobs, answers))
            let moved = rescheduled(of: jobs, answers)
            if !moved.isEmpty {
                // Whoever enqueued has the answer without waiting for that.
                doorbell.ring {
                    let queued = try? await store.stillQueued(moved)
                    return queued?.map(\.announcement) ?? []
                }
            }
            meters.stored(
                answers.count { $0.isStored },
                on: zip(jobs, answers).filter { $1.isStored }.map { $0.0.options.queue })
            return answers
        }
    }

    /// Stores events with what follows from it.
    private static func accept(
        in store: any JobStore, waiting patience: Duration, _ doorbell: Doorbell, _ meters: Meters
    ) -> Coalescer<NewEvent, Accepted>.Write {
        { events throws(StoreError) in
            let answers = try await store.accept(events, patience: patience)
            for (event, answer) in zip(events, answers) where answer == .stored {
                doorbell.ring(event.jobs.filter(\.start.isDue).map(\.announcement))
                meters.stored(event.jobs.count, on: event.jobs.map(\.options.queue))
            }
            return answers
        }
    }

    /// Stores a job of a Swift type; returns its id, or that of the unfinished job with the same
    /// unique key.
    ///
    /// - Throws: ``InvalidInput`` for a value outside ``JobLimits``, `EncodingError` for a job that
    ///   does not encode, ``StoreError`` when PostgreSQL cannot commit now.
    @discardableResult
    public func enqueue<J: Job>(
        _ job: J, after delay: Duration? = nil, at time: Timestamp? = nil, queue: String? = nil,
        priority: Int? = nil, key: String? = nil, uniqueKey: String? = nil,
        uniqueWhile: UniqueSpan = .unfinished, onConflict: ConflictPolicy = .keep,
        maxAttempts: Int? = nil
    ) async throws -> JobID {
        let new = try NewJob(
            job, after: delay, at: time, queue: queue, priority: priority, key: key,
            uniqueKey: uniqueKey, uniqueWhile: uniqueWhile, onConflict: onConflict,
            maxAttempts: maxAttempts)
        return try await enqueue(new).id
    }

    /// Stores one job.
    public func enqueue(_ job: NewJob) async throws(StoreError) -> Enqueued {
        let answers = try await enqueue([job])
        return answers.first ?? .stored(job.id)
    }

    /// Stores jobs together, all or none; answers in their order.
    ///
    /// Those whose payload names no trace take along that of the current `ServiceContext`. Where one of
    /// their queues is over its limit none is stored, and ``StoreError/full(_:)`` names the first such
    /// queue. Jobs that would not be stored anyway, as duplicates, are answered all the same.
    public func enqueue(_ jobs: [NewJob]) async throws(StoreError) -> [Enqueued] {
        let jobs = traced(jobs)
        let isPlain = jobs.allSatisfy { $0.uniqueKey == nil }
        return try await measured { () async throws(StoreError) -> [Enqueued] in
            let demands = try await self.admission.admit(jobs) {
                () async throws(StoreError) -> Set<JobID> in
                try await self.store.duplicates(among: jobs)
            }
            return try await self.count(demands, of: jobs) {
                () async throws(StoreError) -> [Enqueued] in
                guard !isPlain else { return try await self.enqueuing.submit(jobs) }
                return try await self.heldJobs.submit(jobs, unlessHeldUp: self.enqueuingUnique)
            } storing: { answers -> [NewJob] in
                zip(jobs, answers).filter { $1.isStored }.map(\.0)
            }
        }
    }

    /// Writes what was let in, and says what came of it.
    private func count<Answer>(
        _ demands: [Demand], of jobs: [NewJob], _ write: () async throws(StoreError) -> Answer,
        storing stored: (Answer) -> [NewJob]
    ) async throws(StoreError) -> Answer {
        guard !demands.isEmpty else { return try await write() }
        do throws(StoreError) {
            let answer = try await write()
            admission.ended(demands, storing: stored(answer))
            return answer
        } catch {
            // Where nobody knows they count as stored, until the next look.
            if case .unknown = error {
                admission.ended(demands, storing: jobs)
            } else {
                admission.ended(demands, storing: [])
            }
            throw error
        }
    }

    /// Stores a verified webhook event and its jobs, unless its provider's id is known already. Where a
    /// queue of its jobs is over its limit nothing is stored, and ``StoreError/full(_:)`` names it.
    public func accept(_ event: NewEvent) async throws(StoreError) -> Accepted {
        let isLarge = event.payload.body.count > JobLimits.payloadBytes
        let answers = try await measured { () async throws(StoreError) -> [Accepted] in
            let demands = try await self.admission.admit(event.jobs, isEvent: true) {
                () async throws(StoreError) -> Set<JobID> in
                let isKnown = try await self.store.knows(event)
                return isKnown ? Set(event.jobs.map(\.id)) : []
            }
            return try await self.count(demands, of: event.jobs) {
                () async throws(StoreError) -> [Accepted] in
                try await self.heldEvents.submit(
                    [event], unlessHeldUp: isLarge ? self.acceptingLarge : self.accepting)
            } storing: { answers -> [NewJob] in
                answers.first == .stored ? event.jobs : []
            }
        }
        return answers.first ?? .stored
    }

    private func traced(_ jobs: [NewJob]) -> [NewJob] {
        guard let trace = ServiceContext.current?.outgoingTrace else { return jobs }
        return jobs.map { job in
            var job = job
            job.payload.carry(trace)
            return job
        }
    }

    private func measured<Answer>(
        _ write: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let start = ContinuousClock.now
        do throws(StoreError) {
            let answer = try await write()
            meters.enqueueTimes.observe(.now - start)
            return answer
        } catch {
            // One that is refused is counted apart: PostgreSQL did not fail.
            if !error.isRefusal {
                meters.enqueueFailed(Facade.Failure(error), after: .now - start)
            }
            throw error
        }
    }

    /// Waits until the announcements made so far have been sent or given up. A program that ends
    /// right after an enqueue calls this first, so that its jobs start at once and not a second
    /// later.
    public func flush() async {
        await doorbell.quiet()
    }
}

/// The jobs that are queued now. One with a time of its own is announced when it is promoted.
private func stored(of jobs: [NewJob], _ answers: [Enqueued]) -> [Announcement] {
    zip(jobs, answers).compactMap { job, answer in
        guard answer.isStored, job.start.isDue else { return nil }
        return job.announcement
    }
}

/// The jobs that were told to start now, each on the list of its own queue and priority. They are
/// committed; what is not found here a sweep finds.
private func rescheduled(of jobs: [NewJob], _ answers: [Enqueued]) -> [JobID] {
    zip(jobs, answers).compactMap { job, answer -> JobID? in
        guard case .exists(let id) = answer, job.onConflict == .reschedule, job.start.isDue
        else { return nil }
        return id
    }
}

extension StoreError {
    /// Whether a queue is over its limit.
    fileprivate var isRefusal: Bool {
        if case .full = self { true } else { false }
    }
}

extension Enqueued {
    fileprivate var isStored: Bool {
        if case .stored = self { true } else { false }
    }
}

extension Start {
    /// Whether it is not clearly in the future. PostgreSQL's clock decides; a needless announcement
    /// costs one claim that finds nothing.
    var isDue: Bool {
        switch self {
        case .now: true
        case .after(let delay): delay.inMicroseconds <= 0
        case .at(let time): time <= .now
        }
    }
}

extension NewJob {
    var announcement: Announcement {
        Announcement(id: id, queue: options.queue, priority: options.priority)
    }
}
