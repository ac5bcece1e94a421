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
        return try await pool.run(statements.look, parameters).read { row throws(StoreError) in
            try ActivityRecord(
                isExecuting: row.next(String.self) == "start", id: row.next(), kind: row.next(),
                queue: row.next(), status: row.next(), attempt: row.next(), claim: row.next(),
                worker: row.next())
        }
    }
}

extension PostgresStore {
    /// A walk over the newest rows of a small table.
    public func tallies(since time: Timestamp) async throws(StoreError) -> [Tally] {
        var parameters = Parameters()
        parameters.append(time)
        return try await pool.run(statements.tallies, parameters).read { row throws(StoreError) in
            try Tally(
                at: row.next(), totals: totals(&row), unfinished: row.next(),
                medianWait: row.next(), slowWait: row.next())
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
        async let waiting = Result(of: { () async throws(StoreError) in
            try await self.queues(atMost: Glance.queueLimit)
        })
        let workers = try await workers()
        var bounds = Parameters()
        bounds.append(soon)
        bounds.append(1000 as Int64)
        bounds.append(60_000_000 as Int64)
        let pulse = try await pool.run(statements.pulse, bounds)
        let queues = try await waiting.get()
        let glances = try pulse.read { row throws(StoreError) in
            try Glance(
                asOf: row.next(), queues: queues, workers: workers, totals: totals(&row),
                medianWait: row.next(), slowWait: row.next())
        }
        guard let glance = glances.first else {
            throw .unavailable("postgres told nothing of its tables")
        }
        return glance
    }

    private func totals(_ row: inout Row) throws(StoreError) -> Glance.Totals {
        try Glance.Totals(
            enqueued: row.next(), started: row.next(), ended: row.next(), failed: row.next())
    }

    /// Above every id that was made by now, whoever's clock is a little ahead.
    private var soon: JobID {
        JobID(firstAt: Timestamp(microseconds: Timestamp.now.microseconds + 60_000_000))
    }
}
