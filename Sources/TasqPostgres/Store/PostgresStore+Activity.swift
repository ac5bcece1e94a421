public import Tasq

extension PostgresStore {
    /// One statement over four indexes; look.sql says what it can see.
    public func look(
        since time: Timestamp, executing: [JobID], limit: Int
    ) async throws(StoreError) -> [ActivityRecord] {
        var parameters = Parameters()
        parameters.append(JobID(firstAt: time))
        parameters.append(executing)
        parameters.append(Int64(min(max(1, limit), 1000)))
        parameters.append(soon)
        parameters.append(time)
        return try await pool.run(statements.look, parameters).map { row in
            ActivityRecord(
                isExecuting: row.text(0) == "start", id: row.id(1),
                kind: Name(unchecked: row.text(2)), queue: Name(unchecked: row.text(3)),
                status: JobStatus(rawValue: row.text(4)) ?? .error, attempt: Int(row.int(5)),
                claim: row.optionalID(6), worker: row.optionalID(7))
        }
    }
}

extension PostgresStore {
    /// One walk over the newest ids, at most `limit` rows.
    public func recent(
        since time: Timestamp, buckets: Int, limit: Int
    ) async throws(StoreError) -> RecentHistory {
        var parameters = Parameters()
        parameters.append(JobID(firstAt: time))
        parameters.append(time)
        parameters.append(Int64(max(1, buckets)))
        parameters.append(Int64(max(1, limit)))
        parameters.append(soon)
        var history = RecentHistory(
            span: .microseconds(Timestamp.now.microseconds - time.microseconds), buckets: [])
        for row in try await pool.run(statements.recent, parameters) {
            history.span = .microseconds(row.int(5))
            history.buckets.append(
                RecentBucket(
                    index: Int(row.int(0)), enqueued: Int(row.int(1)), finished: Int(row.int(2)),
                    median: row.optionalInt(3).map { .microseconds($0) },
                    slow: row.optionalInt(4).map { .microseconds($0) }))
        }
        return history
    }

    /// Three statements, each bounded by what it is told.
    public func glance() async throws(StoreError) -> Glance {
        var parameters = Parameters()
        parameters.append(Int64(Glance.countLimit))
        parameters.append(Int64(Glance.queueLimit))
        let queues = try await pool.run(statements.glance, parameters).map { row in
            QueueRecord(
                name: Name(unchecked: row.text(0)), isPaused: row.bool(1),
                scheduled: Int(row.int(2)), queued: Int(row.int(3)), executing: Int(row.int(4)),
                oldestWait: row.optionalInt(5).map { .microseconds(max(0, $0)) })
        }
        let workers = try await workers()
        var bounds = Parameters()
        bounds.append(soon)
        bounds.append(1000 as Int64)
        bounds.append(60_000_000 as Int64)
        guard let row = try await pool.run(statements.pulse, bounds).first else {
            throw .unavailable("postgres told nothing of its tables")
        }
        return Glance(
            asOf: row.time(0), queues: queues, workers: workers,
            totals: Glance.Totals(
                enqueued: Int(row.int(1)), started: Int(row.int(2)), ended: Int(row.int(3)),
                failed: Int(row.int(4))),
            medianWait: row.optionalInt(5).map { .microseconds($0) },
            slowWait: row.optionalInt(6).map { .microseconds($0) })
    }

    /// Above every id that was made by now, whoever's clock is a little ahead.
    private var soon: JobID {
        JobID(firstAt: Timestamp(microseconds: Timestamp.now.microseconds + 60_000_000))
    }
}
