public import Tasq

extension PostgresStore {
    /// Ids may be made by a clock that is so far from PostgreSQL's.
    private static let clockSlack: Int64 = 60_000_000

    /// Jobs or events that a list looks at, at most, in each of its walks.
    package static let walkLimit = 10_000
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
            let found = page(of: rows, limit: limit)
            if !found.isCut { return found.page }
        }
        let walk = self.parameters(
            of: filter, after: cursor, limit: limit, lookingAt: Self.walkLimit)
        return page(of: try await pool.run(statements.jobs, walk), limit: limit).page
    }

    /// Where one of the walks was cut off, the page ends at the first such place.
    private func page(of rows: Rows, limit: Int) -> (page: JobPage, isCut: Bool) {
        var jobs: [JobRecord] = []
        var stop: JobCursor?
        for row in rows {
            let job = jobRecord(row)
            if row.bool(18) {
                let place = JobCursor(job)
                stop = stop.map { max($0, place) } ?? place
            } else {
                jobs.append(job)
            }
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
        return try await pool.run(statements.job, parameters).map(jobRecord).first
    }

    /// The recorded attempts, oldest first, at most 1000, and the one that succeeded.
    public func attempts(of id: JobID) async throws(StoreError) -> [AttemptRecord] {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.attempts, parameters).map { row in
            AttemptRecord(
                attempt: Int(row.int(0)), claim: row.id(1), worker: row.optionalID(2),
                outcome: row.text(3), reason: row.optionalText(4), startedAt: row.time(5),
                endedAt: row.time(6), host: row.optionalText(7),
                processID: row.optionalInt(8).map { Int($0) })
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
        let queues = try await pool.run(statements.queues, parameters).map { row in
            QueueRecord(
                name: Name(unchecked: row.text(0)), isPaused: row.bool(1),
                scheduled: Int(row.int(2)), queued: Int(row.int(3)), executing: Int(row.int(4)),
                oldestWait: row.optionalInt(5).map { .microseconds(max(0, $0)) },
                oldestOverdue: row.optionalInt(6).flatMap { $0 > 0 ? .microseconds($0) : nil },
                oldestRun: row.optionalInt(7).map { .microseconds(max(0, $0)) },
                hasMoreScheduled: row.bool(8), hasMoreQueued: row.bool(9))
        }
        return Self.queues(queues, with: try await failures(), atMost: limit)
    }

    /// Jobs whose kinds ``kinds(limit:)`` looks at, at most, in each of its walks.
    private static let kindsLookLimit: Int64 = 2000

    /// A short walk down the primary key, for ids grow with time, and one over those that do not.
    public func kinds(limit: Int) async throws(StoreError) -> [Name] {
        var parameters = Parameters()
        parameters.append(Self.kindsLookLimit)
        parameters.append(Int64(min(max(1, limit), 1000)))
        return try await pool.run(statements.kinds, parameters).map { row in
            Name(unchecked: row.text(0))
        }
    }

    /// By queue, those by kind.
    private func failures() async throws(StoreError) -> [Name: [KindFailures]] {
        var bounds = Parameters()
        bounds.append(Int64(KindFailures.countLimit))
        bounds.append(Int64(KindFailures.kindLimit))
        var failures: [Name: [KindFailures]] = [:]
        let rows = Array(try await pool.run(statements.failures, bounds))
        // Behind the last of so many there may be more, which were not looked at.
        func isCut(_ column: Int) -> Bool {
            rows.count { $0.int(column) > 0 } >= KindFailures.kindLimit
        }
        let (isErrorsCut, isRetryingCut) = (isCut(2), isCut(5))
        for (index, row) in rows.enumerated() {
            let isLast = index == rows.count - 1
            failures[Name(unchecked: row.text(0)), default: []].append(
                KindFailures(
                    kind: Name(unchecked: row.text(1)), errors: Int(row.int(2)),
                    errorsOfHour: Int(row.int(3)), errorsOfDay: Int(row.int(4)),
                    retrying: Int(row.int(5)),
                    hasMoreErrors: row.bool(6) || (isLast && isErrorsCut),
                    hasMoreRetrying: row.bool(7) || (isLast && isRetryingCut)))
        }
        return failures
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
        try await pool.run(statements.workers, Parameters()).map { row in
            WorkerStanding(
                worker: WorkerRecord(
                    id: row.id(0), host: row.text(1),
                    processID: Int32(truncatingIfNeeded: row.int(2)),
                    queues: row.texts(3).map(Name.init(unchecked:)),
                    concurrency: Int(row.int(4)), version: row.text(5),
                    heartbeat: .microseconds(row.int(6)), lease: .microseconds(row.int(7))),
                startedAt: row.time(8), seenAt: row.time(9), executing: Int(row.int(10)))
        }.oneOfEachWorker
    }

    /// One statement, so that what it tells belongs together.
    public func circumstances(of id: JobID) async throws(StoreError) -> Circumstances? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.explain, parameters).map { row in
            Circumstances(
                job: jobRecord(row), asOf: row.time(18), isPaused: row.bool(19),
                liveWorkers: Int(row.int(20)), servingWorkers: Int(row.int(21)),
                unableWorkers: Int(row.int(30)), servingSlots: Int(row.int(22)),
                servingExecuting: Int(row.int(23)),
                lastOutcome: row.optionalText(24), ahead: Int(row.int(25)),
                holder: row.optionalText(26).map { host in
                    Circumstances.Holder(
                        host: host, processID: Int(row.int(27)), seenAt: row.time(28),
                        isLive: row.bool(29))
                },
                putOffSince: row.optionalTime(31), putOffReason: row.optionalText(32),
                source: row.optionalText(33).map(Name.init(unchecked:)),
                providerID: row.optionalText(34),
                tick: row.optionalText(35).map { schedule in
                    Circumstances.Tick(schedule: Name(unchecked: schedule), time: row.time(36))
                })
        }.first
    }

    /// What a job failed with before it succeeded is told of its attempts alone.
    func jobRecord(_ row: Row) -> JobRecord {
        let status = JobStatus(rawValue: row.text(3)) ?? .error
        return JobRecord(
            id: row.id(0), kind: Name(unchecked: row.text(1)), queue: Name(unchecked: row.text(2)),
            status: status,
            priority: Priority(unchecked: Int(row.int(4))), attempt: Int(row.int(5)),
            maxAttempts: Int(row.int(6)), crashes: Int(row.int(7)), key: row.optionalText(8),
            uniqueKey: row.optionalText(9), payloadID: row.id(10), enqueuedAt: row.time(11),
            runAt: row.time(12), claimedAt: row.optionalTime(13), finishedAt: row.optionalTime(14),
            worker: row.optionalID(15), reason: status == .success ? nil : row.optionalText(16),
            attemptsBefore: Int(row.int(17)))
    }
}
