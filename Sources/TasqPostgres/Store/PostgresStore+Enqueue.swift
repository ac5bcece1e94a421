public import Tasq

extension PostgresStore {
    /// One commit; repeated once when the answer got lost, which stores nothing twice.
    public func enqueue(
        _ jobs: [NewJob], patience: Duration?
    ) async throws(StoreError) -> [Enqueued] {
        guard !jobs.isEmpty else { return [] }
        let ordered = jobs.inOrder
        guard jobs.allSatisfy({ $0.uniqueKey == nil }) else {
            let rank = Dictionary(jobs.enumerated().map { ($1.id, $0) }) { $1 }
            let answers = try await enqueueUnique(ordered, rank, patience)
            return jobs.compactMap { answers[$0.id] }
        }
        do throws(StoreError) {
            _ =
                jobs.count == 1
                ? try await pool.run(statements.enqueueOne, parameters(of: jobs[0]))
                : try await pool.run(statements.enqueue, parameters(of: ordered))
        } catch {
            guard error.mayMeanRepetition else { throw error }
            try await afterUnknown(error) { () async throws(StoreError) in
                let rows = try await self.pool.run(
                    self.statements.enqueueAgain, self.parameters(of: ordered))
                if rows.affected < jobs.count { try await self.confirm() }
            }
        }
        return jobs.map { .stored($0.id) }
    }

    private static let uniqueRounds = 40

    private func enqueueUnique(
        _ jobs: [NewJob], _ rank: [JobID: Int], _ patience: Duration?
    ) async throws(StoreError) -> [JobID: Enqueued] {
        var answers: [JobID: Enqueued] = [:]
        var open = jobs
        // A holder that finished between the two statements makes room: then the job is tried
        // again. Somebody else may be quicker each time, so the number of rounds has a limit.
        for _ in 0..<Self.uniqueRounds where !open.isEmpty {
            try await enqueueUnique(open, rank, patience, answers: &answers)
            open.removeAll { answers[$0.id] != nil }
        }
        guard open.isEmpty else {
            throw .unavailable("unique key under heavy contention: try again")
        }
        return answers
    }

    private func enqueueUnique(
        _ jobs: [NewJob], _ rank: [JobID: Int], _ patience: Duration?,
        answers: inout [JobID: Enqueued]
    ) async throws(StoreError) {
        let rows = try await write(statements.enqueueUnique, patience) { wait in
            self.parameters(of: jobs, uniqueWaiting: wait)
        }
        for id in try rows.column(of: JobID.self) { answers[id] = .stored(id) }
        let left = jobs.filter { answers[$0.id] == nil }
        guard !left.isEmpty else { return }
        try await confirm()
        try await askForHolders(of: left, rank: rank, patience, answers: &answers)
    }

    /// One commit a round; a duplicate's jobs that had ended in `error` are queued again.
    public func accept(
        _ events: [NewEvent], patience: Duration?
    ) async throws(StoreError) -> [Accepted] {
        var answers: [PayloadID: Accepted] = [:]
        var open = events
        // One that met an event of its provider's id which was gone when it was looked for is stored
        // in the next round.
        for _ in 0..<Self.acceptRounds where !open.isEmpty {
            try await accept(open, patience, answers: &answers)
            open.removeAll { answers[$0.id] != nil }
        }
        guard open.isEmpty else {
            throw .unavailable("an event of the same id was just being removed: try again")
        }
        let duplicates = events.compactMap { event -> PayloadID? in
            guard case .duplicate(let first, _) = answers[event.id] else { return nil }
            return first
        }
        guard !duplicates.isEmpty else { return events.compactMap { answers[$0.id] } }
        var parameters = Parameters()
        parameters.append(duplicates)
        parameters.append(lockWait(patience))
        let again = Set(
            try await pool.run(statements.rearm, parameters).column(of: PayloadID.self))
        return events.compactMap { event -> Accepted? in
            let answer = answers[event.id]
            guard case .duplicate(let first, _) = answer else { return answer }
            return .duplicate(of: first, queuedAgain: again.contains(first))
        }
    }

    private static let acceptRounds = 10

    private func accept(
        _ events: [NewEvent], _ patience: Duration?, answers: inout [PayloadID: Accepted]
    ) async throws(StoreError) {
        let rows = try await write(statements.accept, patience) { wait in
            self.parameters(of: events, waiting: wait)
        }
        let stored = Set(try rows.column(of: PayloadID.self))
        if stored.count < events.count { try await confirm() }
        var left: [(event: NewEvent, providerID: String)] = []
        for event in events {
            if !stored.contains(event.id), let providerID = event.providerID {
                left.append((event, providerID))
            } else {
                answers[event.id] = .stored
            }
        }
        guard !left.isEmpty else { return }
        var question = Parameters()
        question.append(left.map { $0.event.source.description })
        question.append(left.map { $0.providerID })
        var known: [[String]: PayloadID] = [:]
        try await pool.run(statements.acceptedBefore, question).read { row throws(StoreError) in
            let name: [String] = try [row.next(), row.next()]
            known[name] = try row.next(PayloadID.self)
        }
        for (event, providerID) in left {
            guard let first = known[[event.source.description, providerID]] else { continue }
            answers[event.id] = first == event.id ? Accepted.stored : .duplicate(of: first)
        }
    }

    /// Runs a write, and once more when its outcome is unknown: the ids make the second try harmless,
    /// and a connection that just died then costs the caller nothing.
    @discardableResult
    func write(
        _ statement: Statement, _ parameters: Parameters
    ) async throws(StoreError) -> Rows {
        do {
            return try await pool.run(statement, parameters)
        } catch {
            guard case .unknown = error else { throw error }
            return try await afterUnknown(error) { () async throws(StoreError) in
                try await self.pool.run(statement, parameters)
            }
        }
    }

    /// The same for a statement that is told how long to wait for a lock. What the first try left
    /// behind may hold the lock until it ends, so the second waits as long as any statement may.
    func write(
        _ statement: Statement, _ patience: Duration?, _ parameters: (String) -> Parameters
    ) async throws(StoreError) -> Rows {
        do {
            return try await pool.run(statement, parameters(lockWait(patience)))
        } catch {
            guard case .unknown = error else { throw error }
            return try await afterUnknown(error) { () async throws(StoreError) in
                try await self.pool.run(statement, parameters(self.lockWait(nil)))
            }
        }
    }

    /// In milliseconds, as statements take it; the store's own limit where none is given.
    func lockWait(_ patience: Duration?) -> String {
        let wait = min(patience ?? settings.lockTimeout, settings.lockTimeout)
        return String(max(1, wait.inMilliseconds))
    }

    /// What follows a write of unknown outcome. If it fails too the outcome is still unknown,
    /// whatever the second failure says of itself.
    private func afterUnknown<Answer: Sendable>(
        _ first: StoreError, _ next: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        do {
            return try await next()
        } catch {
            if case .unknown = first { throw first }
            throw error
        }
    }

    /// Makes sure that rows found standing are as durable as a commit of our own: the commit that
    /// wrote them may have been told off its wait for a synchronous standby.
    func confirm() async throws(StoreError) {
        _ = try await pool.run(statements.confirm, Parameters())
    }

    private func parameters(of job: NewJob) -> Parameters {
        var parameters = Parameters()
        parameters.append(job.id)
        parameters.append(job.kind.description)
        parameters.append(job.start.delayMicroseconds)
        parameters.append(job.start.time)
        parameters.append(job.payload.contentType)
        parameters.append(bytes: HeaderBlock.encode(job.payload.headers))
        parameters.append(bytes: job.payload.body)
        parameters.append(job.options)
        return parameters
    }

    /// As enqueue.sql takes them, or, with their unique keys and how long to wait for those,
    /// enqueue_unique.sql.
    private func parameters(of jobs: [NewJob], uniqueWaiting wait: String? = nil) -> Parameters {
        var parameters = Parameters()
        parameters.append(jobs.map(\.id))
        parameters.append(jobs.map { $0.kind.description }.oneIfAlike)
        parameters.append(jobs.map { $0.start.delayMicroseconds }.noneIfNil())
        parameters.append(jobs.map { $0.start.time }.noneIfNil())
        parameters.append(jobs.map { $0.payload.contentType }.oneIfAlike)
        parameters.append(
            bytesArray: jobs.map { HeaderBlock.encode($0.payload.headers) }.oneIfAlike)
        parameters.append(bytesArray: jobs.map { $0.payload.body })
        if let wait {
            parameters.append(jobs.map(\.uniqueKey))
            parameters.append(wait)
        }
        parameters.append(optionsOf: jobs) { $0.options }
        return parameters
    }

    private func parameters(of events: [NewEvent], waiting wait: String) -> Parameters {
        let jobs = events.flatMap { event in event.jobs.map { (event: event.id, job: $0) } }
        // The headers, names and keys of an event are a few KiB.
        let bodies = events.reduce(0) { $0 + $1.payload.body.count + 65_536 }
        var parameters = Parameters(reserving: events.count == 1 ? bodies : 0)
        parameters.append(events.map(\.id))
        parameters.append(events.map { $0.source.description }.oneIfAlike)
        parameters.append(events.map(\.providerID).noneIfNil())
        parameters.append(events.map { $0.payload.contentType }.oneIfAlike)
        parameters.append(bytesArray: events.map { HeaderBlock.encode($0.payload.headers) })
        parameters.append(bytesArray: events.map { $0.payload.body })
        parameters.append(jobs.map { $0.job.id })
        parameters.append(jobs.map { $0.event })
        parameters.append(jobs.map { $0.job.kind.description }.oneIfAlike)
        parameters.append(jobs.map { $0.job.start.delayMicroseconds }.noneIfNil())
        parameters.append(wait)
        parameters.append(optionsOf: jobs) { $0.job.options }
        return parameters
    }
}

extension Start {
    var delayMicroseconds: Int64? {
        if case .after(let delay) = self { delay.inMicroseconds } else { nil }
    }

    var time: Timestamp? {
        if case .at(let time) = self { time } else { nil }
    }
}

extension [NewJob] {
    /// By their ids, as the statements want them; mostly they come so.
    fileprivate var inOrder: [NewJob] {
        let isInOrder = zip(self, dropFirst()).allSatisfy { $0.id < $1.id }
        return isInOrder ? self : sorted { $0.id < $1.id }
    }
}

extension StoreError {
    /// Whether the rows of a first try may stand: its answer got lost, or it was no first try.
    fileprivate var mayMeanRepetition: Bool {
        switch self {
        case .unknown, .rejected(sqlState: "23505", _): true
        default: false
        }
    }
}
