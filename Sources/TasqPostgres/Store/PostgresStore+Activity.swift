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
    /// A walk over the newest rows of a small table.
    public func tallies(since time: Timestamp) async throws(StoreError) -> [Tally] {
        var parameters = Parameters()
        parameters.append(time)
        return try await pool.run(statements.tallies, parameters).map { row in
            Tally(
                at: row.time(0),
                totals: Glance.Totals(
                    enqueued: Int(row.int(1)), started: Int(row.int(2)), ended: Int(row.int(3)),
                    failed: Int(row.int(4))),
                unfinished: Int(row.int(5)),
                medianWait: row.optionalInt(6).map { .microseconds($0) },
                slowWait: row.optionalInt(7).map { .microseconds($0) })
        }
    }

    /// Writes down what a ``glance()`` shows.
    public func tally() async throws(StoreError) {
        let tally = Tally(try await glance())
        var parameters = Parameters()
        parameters.append(tally.at)
        parameters.append(Int64(tally.totals.enqueued))
        parameters.append(Int64(tally.totals.started))
        parameters.append(Int64(tally.totals.ended))
        parameters.append(Int64(tally.totals.failed))
        parameters.append(Int64(tally.unfinished))
        parameters.append(tally.medianWait?.inMicroseconds)
        parameters.append(tally.slowWait?.inMicroseconds)
        _ = try await pool.run(statements.tally, parameters)
    }

    /// Four statements, each bounded by what it is told.
    public func glance() async throws(StoreError) -> Glance {
        let queues = try await queues(atMost: Glance.queueLimit)
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
