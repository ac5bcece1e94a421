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
        let bound = parameters
        try await repeatingOnce { () async throws(StoreError) in
            _ = try await self.pool.run(self.statements.register, bound)
        }
    }

    /// One statement, harmless to repeat.
    public func declare(_ kinds: [String], of worker: WorkerID) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(kinds)
        _ = try await pool.run(statements.declare, parameters)
    }

    /// Starts a thread with a connection outside the pool.
    public func startHeartbeat(
        of worker: WorkerRecord, watching claims: ClaimWatch = .nothing,
        onChange: @escaping @Sendable (HeartbeatState) -> Void
    ) -> any Heartbeat {
        HeartbeatThread(
            settings: settings, worker: worker, beat: statements.beat, lock: statements.lock,
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
        for row in try await pool.run(statements.lead, parameters) {
            guard !row.isNull(0) else {
                leadership.standing = row.optionalText(11)
                continue
            }
            leadership.isHeld = true
            leadership.term = row.int(0)
            leadership.counter = row.int(1)
            leadership.epoch = row.text(2)
            leadership.nextDue = row.optionalInt(8).map { .microseconds($0) }
            leadership.nextTick = row.optionalInt(12).map { .microseconds($0) }
            leadership.isBusy = row.bool(9)
            guard !row.isNull(3) else { continue }
            leadership.workers.append(
                WorkerSight(
                    id: row.id(3), sequence: row.int(4),
                    heartbeat: .microseconds(row.int(5)), lease: .microseconds(row.int(6)),
                    lockFell: row.bool(7), queues: row.texts(10).map(Name.init(unchecked:))))
        }
        return leadership
    }

    /// One statement, and one more where this user may read the cluster's number.
    public func identity() async throws(StoreError) -> StoreIdentity {
        guard let row = try await pool.run(statements.identity, Parameters()).first else {
            throw .misconfigured("postgres \(place): the schema has no epoch: run `tasq migrate`")
        }
        var system = ""
        if row.bool(4) {
            do throws(StoreError) {
                system = try await pool.run(statements.system, Parameters()).first?.text(0) ?? ""
            } catch {
                // Some servers that others run refuse it all the same.
                guard !error.isTransient else { throw error }
            }
        }
        return StoreIdentity(
            epoch: row.text(0), place: "\(row.int(2))-\(row.int(3))", system: system,
            name: "\(row.text(1))/\(settings.schema)")
    }

    /// Deletes the row only if its heartbeat still stands at `sequence`.
    public func bury(_ worker: WorkerID, at sequence: Int64) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(sequence)
        return try await pool.run(statements.bury, parameters).count > 0
    }

    /// One statement in the same lock order as a settlement.
    public func reap(upTo limit: Int) async throws(StoreError) -> [Reaped] {
        var parameters = Parameters()
        parameters.append(Int64(limit))
        parameters.append(Int64(JobLimits.maxCrashes))
        return try await pool.run(statements.reap, parameters).map { row in
            Reaped(
                announcement: announcement(row, 0, 1, 2), worker: row.id(3),
                status: JobStatus(rawValue: row.text(4)) ?? .error,
                kind: Name(unchecked: row.text(5)), attempt: Int(row.int(6)),
                maxAttempts: Int(row.int(7)))
        }
    }

    /// One statement; several promoters at once share the work.
    public func promote(upTo limit: Int) async throws(StoreError) -> Promotion {
        var parameters = Parameters()
        parameters.append(Int64(limit))
        var promotion = Promotion(jobs: [], nextDue: nil)
        for row in try await pool.run(statements.promote, parameters) {
            if row.isNull(0) {
                promotion.nextDue = row.optionalInt(3).map { .microseconds(max(0, $0)) }
            } else {
                promotion.jobs.append(announcement(row, 0, 1, 2))
            }
        }
        return promotion
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
        let rows = try await pool.run(statements.queued, parameters)
        var page = QueuedPage(jobs: rows.map { announcement($0, 0, 1, 2) }, next: nil)
        if rows.count == limit, let last = page.jobs.last {
            page.next = QueuedCursor(
                queue: last.queue, priority: last.priority, runAt: rows[rows.count - 1].time(3),
                id: last.id)
        }
        return page
    }

    /// Listens on a connection of its own, on the channel named like the schema.
    public func commitNotices() -> AsyncStream<Announcement> {
        TasqPostgres.commitNotices(
            settings: settings, channel: settings.schema, logger: logger)
    }
}
