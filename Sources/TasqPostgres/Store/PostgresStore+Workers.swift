public import Tasq

extension PostgresStore {
    /// Enters the worker's row; repeating it changes nothing.
    public func register(_ worker: WorkerRecord) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(worker.id)
        parameters.append(storable(worker.host))
        parameters.append(Int64(worker.processID))
        parameters.append(worker.queues.map(\.description))
        parameters.append(Int64(worker.concurrency))
        parameters.append(worker.version)
        parameters.append(worker.heartbeat.inMicroseconds)
        parameters.append(worker.lease.inMicroseconds)
        parameters.append(worker.kinds)
        try await write(statements.register, parameters)
    }

    /// One statement, harmless to repeat.
    public func declare(_ kinds: [String], of worker: WorkerID) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(kinds)
        _ = try await pool.run(statements.declare, parameters)
    }

    /// Starts a thread with a connection outside the pool; lock.sql says for whom it takes a lock.
    public func startHeartbeat(
        of worker: WorkerRecord, watching claims: ClaimWatch = .nothing,
        onChange: @escaping @Sendable (HeartbeatState) -> Void
    ) -> any Heartbeat {
        HeartbeatThread(
            settings: settings, worker: worker, beat: statements.beat,
            lock: worker.mayOverlap ? statements.lock : nil,
            revoked: statements.revoked, watch: claims, logger: logger, onChange: onChange)
    }

    /// Deletes the worker's row unless a claim still names it.
    public func deregister(_ worker: WorkerID) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(worker)
        _ = try await pool.run(statements.deregister, parameters)
    }

    /// One statement; lead.sql says why no clock decides.
    public func lead(
        as holder: WorkerID, for term: Duration, counter: Int64, takingOver standing: String?
    ) async throws(StoreError) -> Leadership {
        var parameters = Parameters()
        parameters.append(holder)
        parameters.append(term.inMicroseconds)
        parameters.append(counter)
        parameters.append(standing)
        var leadership = Leadership(isHeld: false, term: 0, epoch: "", counter: 0, workers: [])
        try await pool.run(statements.lead, parameters).read { row throws(StoreError) in
            let (term, counter): (Int64?, Int64?) = try (row.next(), row.next())
            let epoch: String = try row.next()
            let (id, sequence): (WorkerID?, Int64?) = try (row.next(), row.next())
            let (heartbeat, lease): (Duration?, Duration?) = try (row.next(), row.next())
            let lockFell: Bool? = try row.next()
            let (nextDue, isBusy): (Duration?, Bool) = try (row.next(), row.next())
            let queues = try row.texts().map(Name.init(unchecked:))
            let (standing, nextTick): (String?, Duration?) = try (row.next(), row.next())
            let presence: String? = try row.next()
            if let id, let sequence, let heartbeat, let lease, let lockFell {
                leadership.workers.append(
                    WorkerSight(
                        id: id, sequence: sequence, heartbeat: heartbeat, lease: lease,
                        lockFell: lockFell, presence: presence, queues: queues))
            }
            guard let term, let counter else {
                leadership.standing = standing
                return
            }
            leadership.isHeld = true
            leadership.term = term
            leadership.counter = counter
            leadership.epoch = epoch
            leadership.nextDue = nextDue
            leadership.nextTick = nextTick
            leadership.isBusy = isBusy
        }
        return leadership
    }

    /// One statement, and one more where this user may read the cluster's number.
    public func identity() async throws(StoreError) -> StoreIdentity {
        let rows = try await pool.run(statements.identity, Parameters())
        guard var row = rows.first else {
            throw .misconfigured("postgres \(place): the schema has no epoch: run `tasq migrate`")
        }
        let (epoch, database): (String, String) = try (row.next(), row.next())
        let (databaseNumber, schemaNumber): (Int, Int) = try (row.next(), row.next())
        let mayReadSystem: Bool = try row.next()
        var system = ""
        if mayReadSystem {
            do throws(StoreError) {
                let answer = try await pool.run(statements.system, Parameters())
                system = try answer.column(of: String.self).first ?? ""
            } catch {
                // Some servers that others run refuse it all the same.
                guard !error.isTransient else { throw error }
            }
        }
        return StoreIdentity(
            epoch: epoch, place: "\(databaseNumber)-\(schemaNumber)", system: system,
            name: "\(database)/\(settings.schema)")
    }

    /// Deletes the row only if its heartbeat still stands at `sequence`.
    public func bury(_ worker: WorkerID, at sequence: Int64) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(sequence)
        return try await pool.run(statements.bury, parameters).count > 0
    }

    /// One statement in the same lock order as a settlement.
    public func reap(
        upTo limit: Int, behind job: JobID?
    ) async throws(StoreError) -> ReapedPage {
        var parameters = Parameters()
        parameters.append(Int64(limit))
        parameters.append(Int64(JobLimits.maxCrashes))
        parameters.append(job)
        var page = ReapedPage()
        try await pool.run(statements.reap, parameters).read { row throws(StoreError) in
            guard try row.isNull(1) else {
                let reaped = try Reaped(
                    announcement: row.announcement(), worker: row.next(), status: row.next(),
                    kind: row.next(), attempt: row.next(), maxAttempts: row.next())
                return page.claims.append(reaped)
            }
            let end: JobID = try row.at(0)
            page.end = end
            row.skipRest()
        }
        return page
    }

    /// One statement; several promoters at once share the work.
    public func promote(upTo limit: Int) async throws(StoreError) -> Promotion {
        var parameters = Parameters()
        parameters.append(Int64(limit))
        var promotion = Promotion(jobs: [], nextDue: nil)
        try await pool.run(statements.promote, parameters).read { row throws(StoreError) in
            guard try row.isNextNull() else {
                promotion.jobs.append(try row.announcement())
                return row.skip()
            }
            row.skip(3)
            promotion.nextDue = try row.next(Duration?.self).map { max(.zero, $0) }
        }
        return promotion
    }

    /// One statement; of each queue and priority it looks at no more than ten times as many.
    public func hasten(
        on queues: [Name], upTo limit: Int
    ) async throws(StoreError) -> Hastened {
        var parameters = Parameters()
        parameters.append(queues.map(\.description))
        parameters.append(Int64(limit))
        parameters.append(Int64(limit) * 10)
        var hastened = Hastened()
        try await pool.run(statements.hasten, parameters).read { row throws(StoreError) in
            let job = try row.announcement()
            guard try row.next(Bool.self) else {
                hastened.putBack += 1
                return
            }
            hastened.due.append(job)
        }
        return hastened
    }

    /// One page of the partial index of queued jobs.
    public func queued(
        after cursor: QueuedCursor?, limit: Int
    ) async throws(StoreError) -> QueuedPage {
        var parameters = Parameters()
        parameters.append(cursor?.queue.description ?? "")
        parameters.append(Int64(cursor?.priority.level ?? 0))
        parameters.append(cursor?.runAt ?? Timestamp(microseconds: 0))
        parameters.append(cursor?.id ?? JobID(high: 0, low: 0))
        parameters.append(Int64(limit))
        let found = try await pool.run(statements.queued, parameters).read {
            row throws(StoreError) -> (job: Announcement, runAt: Timestamp) in
            try (job: row.announcement(), runAt: row.next())
        }
        var page = QueuedPage(jobs: found.map(\.job), next: nil)
        if found.count == limit, let (job, runAt) = found.last {
            page.next = QueuedCursor(
                queue: job.queue, priority: job.priority, runAt: runAt, id: job.id)
        }
        return page
    }

    /// Listens on a connection of its own, on the channel named like the schema.
    public func commitNotices() -> AsyncStream<Announcement> {
        TasqPostgres.commitNotices(
            settings: settings, channel: settings.schema, logger: logger)
    }
}
