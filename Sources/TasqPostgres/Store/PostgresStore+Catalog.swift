public import Tasq

extension PostgresStore {
    /// Ids may be made by a clock that is so far from PostgreSQL's.
    private static let clockSlack: Int64 = 60_000_000

    /// Jobs or events that a list looks at, at most, in each of its walks.
    package static let walkLimit = 5000
    /// Jobs of one status that a list looks at all, rather than to walk.
    package static let fewLimit = 5000

    /// Walks the primary key backwards, for ids grow with time, and beside it the index of those that do
    /// not; so newest first needs no sort. What counts as the time is `enqueued_at` in both. Jobs of a
    /// status in which there are few are looked at all.
    public func jobs(
        matching filter: JobFilter, after cursor: JobCursor?, limit: Int
    ) async throws(StoreError) -> JobPage {
        let limit = min(max(1, limit), 1000)
        var filter = filter
        if filter.isRetrying {
            filter.status = filter.status ?? .scheduled
            guard filter.status == .scheduled else { return JobPage(jobs: [], next: nil) }
        }
        if filter.runningLongerThan != nil {
            filter.status = filter.status ?? .executing
            guard filter.status == .executing else { return JobPage(jobs: [], next: nil) }
        }
        if let status = filter.status, status != .success {
            let few = self.parameters(
                of: filter, after: cursor, limit: limit, lookingAt: Self.fewLimit)
            let rows = try await pool.run(statements.jobsFew, few)
            let found = try page(of: rows, limit: limit)
            if !found.isCut { return found.page }
        }
        let walk = self.parameters(
            of: filter, after: cursor, limit: limit, lookingAt: Self.walkLimit)
        return try page(of: await pool.run(statements.jobs, walk), limit: limit).page
    }

    /// Where one of the walks was cut off, the page ends at the first such place.
    private func page(
        of rows: Rows, limit: Int
    ) throws(StoreError) -> (page: JobPage, isCut: Bool) {
        var jobs: [JobRecord] = []
        var stop: JobCursor?
        try rows.read { row throws(StoreError) in
            let job = try jobRecord(&row)
            guard try row.next(Bool.self) else { return jobs.append(job) }
            let place = JobCursor(job)
            stop = stop.map { max($0, place) } ?? place
        }
        if let stop { jobs.removeAll { JobCursor($0) < stop } }
        jobs = Array(jobs.sorted { JobCursor($0) > JobCursor($1) }.prefix(limit))
        let next = jobs.count == limit ? jobs.last.map { JobCursor($0) } : stop
        return (JobPage(jobs: jobs, next: next), stop != nil)
    }

    private func parameters(
        of filter: JobFilter, after cursor: JobCursor?, limit: Int, lookingAt jobs: Int
    ) -> Parameters {
        var parameters = Parameters()
        parameters.append(
            [cursor?.place, filter.until.map { bound($0, later: Self.clockSlack) }]
                .reduce(JobID.years.upperBound) { min($0, $1 ?? $0) })
        parameters.append(Int64(limit))
        parameters.append(filter.status?.rawValue)
        parameters.append(filter.queue?.description)
        parameters.append(filter.kind?.description)
        parameters.append(filter.key)
        let first = filter.since.map { bound($0, later: -Self.clockSlack) }
        parameters.append(max(JobID.years.lowerBound, first ?? JobID.years.lowerBound))
        parameters.append(filter.since)
        parameters.append(filter.until)
        let isOrdered = cursor?.id.growsWithTime ?? true
        parameters.append(
            cursor.map { cursor in
                guard isOrdered else { return cursor.enqueuedAt }
                // Whatever was enqueued up to the end of the millisecond that the id tells.
                return Timestamp(microseconds: (Int64(cursor.id.high >> 16) + 1) * 1000)
            })
        parameters.append(cursor.map { isOrdered ? JobID(high: 0, low: 0) : $0.id })
        parameters.append(Int64(jobs))
        parameters.append(filter.isRetrying)
        parameters.append(filter.reason)
        parameters.append(filter.runningLongerThan?.inMicroseconds)
        return parameters
    }

    private func bound(_ time: Timestamp, later microseconds: Int64) -> JobID {
        let (moved, isBeyond) = time.microseconds.addingReportingOverflow(microseconds)
        return JobID(firstAt: isBeyond ? time : Timestamp(microseconds: moved))
    }

    /// The job's row with the worker that holds it and its latest reason.
    public func job(_ id: JobID) async throws(StoreError) -> JobRecord? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.job, parameters).read(jobRecord).first
    }

    /// The recorded attempts, oldest first, at most 1000, and the one that succeeded.
    public func attempts(of id: JobID) async throws(StoreError) -> [AttemptRecord] {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.attempts, parameters).read { row throws(StoreError) in
            try AttemptRecord(
                attempt: row.next(), claim: row.next(), worker: row.next(), outcome: row.next(),
                reason: row.next(), startedAt: row.next(), endedAt: row.next(),
                host: row.next(), processID: row.next())
        }
    }

    /// Counts unfinished and failed jobs to a bound, from partial indexes; history and backlog cost
    /// nothing.
    public func queues() async throws(StoreError) -> [QueueRecord] {
        try await queues(atMost: 10_000)
    }

    func queues(atMost limit: Int) async throws(StoreError) -> [QueueRecord] {
        var parameters = Parameters()
        parameters.append(Int64(Glance.countLimit))
        parameters.append(Int64(limit))
        parameters.append(Int64(Glance.scheduledLimit))
        async let failures = Result(of: { () async throws(StoreError) in
            try await self.failures()
        })
        let queues = try await pool.run(statements.queues, parameters).read {
            row throws(StoreError) in
            try QueueRecord(
                name: row.next(), isPaused: row.next(), scheduled: row.next(),
                queued: row.next(), executing: row.next(),
                oldestWait: row.next(Duration?.self).map { max(.zero, $0) },
                oldestOverdue: row.next(Duration?.self).flatMap { $0 > .zero ? $0 : nil },
                oldestRun: row.next(Duration?.self).map { max(.zero, $0) },
                hasMoreScheduled: row.next(), hasMoreQueued: row.next())
        }
        return Self.queues(queues, with: try await failures.get(), atMost: limit)
    }

    /// Jobs whose kinds ``kinds(limit:)`` looks at, at most, in each of its walks.
    private static let kindsLookLimit: Int64 = 2000

    /// A short walk down the primary key, for ids grow with time, and one over those that do not.
    public func kinds(limit: Int) async throws(StoreError) -> [Name] {
        var parameters = Parameters()
        parameters.append(Self.kindsLookLimit)
        parameters.append(Int64(min(max(1, limit), 1000)))
        return try await pool.run(statements.kinds, parameters).column()
    }

    /// By queue, those by kind.
    private func failures() async throws(StoreError) -> [Name: [KindFailures]] {
        var bounds = Parameters()
        bounds.append(Int64(KindFailures.countLimit))
        bounds.append(Int64(KindFailures.kindLimit))
        var found = try await pool.run(statements.failures, bounds).read {
            row throws(StoreError) -> (queue: Name, failures: KindFailures) in
            try (
                queue: row.next(),
                failures: KindFailures(
                    kind: row.next(), errors: row.next(), errorsOfHour: row.next(),
                    errorsOfDay: row.next(), retrying: row.next(), hasMoreErrors: row.next(),
                    hasMoreRetrying: row.next())
            )
        }
        // Behind the last of so many there may be more, which were not looked at.
        if let last = found.indices.last {
            if found.count(where: { $0.failures.errors > 0 }) >= KindFailures.kindLimit {
                found[last].failures.hasMoreErrors = true
            }
            if found.count(where: { $0.failures.retrying > 0 }) >= KindFailures.kindLimit {
                found[last].failures.hasMoreRetrying = true
            }
        }
        return Dictionary(grouping: found, by: \.queue).mapValues { $0.map(\.failures) }
    }

    /// Beside the others those of which nothing but failures is known.
    private static func queues(
        _ queues: [QueueRecord], with failures: [Name: [KindFailures]], atMost limit: Int
    ) -> [QueueRecord] {
        guard !failures.isEmpty else { return queues }
        var rest = failures
        var all: [QueueRecord] = []
        for var queue in queues {
            queue.failures = rest.removeValue(forKey: queue.name) ?? []
            all.append(queue)
        }
        for (name, failures) in rest {
            all.append(
                QueueRecord(
                    name: name, isPaused: false, scheduled: 0, queued: 0, executing: 0,
                    oldestWait: nil, failures: failures))
        }
        return Array(all.sorted { $0.name < $1.name }.prefix(limit))
    }

    /// Every row of `worker` with the number of its claims, those of one remote worker as one.
    public func workers() async throws(StoreError) -> [WorkerStanding] {
        try await pool.run(statements.workers, Parameters()).read { row throws(StoreError) in
            try WorkerStanding(
                worker: WorkerRecord(
                    id: row.next(), host: row.next(),
                    processID: Int32(truncatingIfNeeded: row.next(Int64.self)),
                    queues: row.texts().map(Name.init(unchecked:)),
                    concurrency: row.next(), version: row.next(), heartbeat: row.next(),
                    lease: row.next()),
                startedAt: row.next(), seenAt: row.next(), executing: row.next())
        }.oneOfEachWorker
    }

    /// One statement, so that what it tells belongs together, and one for the limit of the queue.
    public func circumstances(of id: JobID) async throws(StoreError) -> Circumstances? {
        var parameters = Parameters()
        parameters.append(id)
        let rows = try await pool.run(statements.explain, parameters)
        guard var found = try rows.read(circumstancesFound).first else { return nil }
        if !found.job.status.isFinal { found.limit = try await limit(of: found.job.queue) }
        return found
    }

    private func circumstancesFound(_ row: inout Row) throws(StoreError) -> Circumstances {
        var found = try Circumstances(
            job: jobRecord(&row), asOf: row.next(), isPaused: row.next(), liveWorkers: row.next(),
            servingWorkers: row.next(), unableWorkers: 0, servingSlots: row.next(),
            servingExecuting: row.next(), lastOutcome: row.next(), ahead: row.next(), holder: nil)
        if let host = try row.next(String?.self) {
            found.holder = try Circumstances.Holder(
                host: host, processID: row.next(), seenAt: row.next(), isLive: row.next())
        } else {
            row.skip(3)
        }
        found.unableWorkers = try row.next()
        found.putOffSince = try row.next()
        found.putOffReason = try row.next()
        found.source = try row.next()
        found.providerID = try row.next()
        if let schedule = try row.next(Name?.self) {
            found.tick = try Circumstances.Tick(schedule: schedule, time: row.next())
        } else {
            row.skip()
        }
        return found
    }

    /// The columns of parts/job_columns.sql and the reason. What a job failed with before it succeeded
    /// is told of its attempts alone.
    func jobRecord(_ row: inout Row) throws(StoreError) -> JobRecord {
        var job = try JobRecord(
            id: row.next(), kind: row.next(), options: row.options(), status: row.next(),
            attempt: row.next(), crashes: row.next(), uniqueKey: row.next(),
            payloadID: row.next(), enqueuedAt: row.next(), runAt: row.next(),
            claimedAt: row.next(), finishedAt: row.next(), worker: row.next(), reason: nil,
            attemptsBefore: row.next())
        let reason: String? = try row.next()
        if job.status != .success { job.reason = reason }
        return job
    }
}
