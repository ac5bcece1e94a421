public import Tasq

extension PostgresStore {
    /// One upsert.
    public func setPaused(_ isPaused: Bool, _ queue: Name) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(queue.description)
        parameters.append(isPaused)
        let bound = parameters
        try await repeatingOnce { () async throws(StoreError) in
            _ = try await self.pool.run(self.statements.pause, bound)
        }
    }

    /// One insert; repeated when its answer got lost.
    public func startBulk(
        _ id: BulkID, _ task: BulkTask, dryRun: Bool
    ) async throws(StoreError) -> Bool {
        let bound = Self.parameters(of: id, task, dryRun: dryRun)
        let rows = try await repeatingOnce { () async throws(StoreError) in
            try await self.pool.run(self.statements.bulkStart, bound)
        }
        if rows.count > 0 { return true }
        return try await bulk(id) != nil
    }

    private static func parameters(
        of id: BulkID, _ task: BulkTask, dryRun: Bool
    ) -> Parameters {
        var action = Self.replayWord
        var jobs = JobFilter()
        var events = EventFilter()
        var rate: Int64?
        switch task {
        case .jobs(let request):
            action = request.action.rawValue
            jobs = request.filter
        case .replay(let request):
            events = request.filter
            rate = Int64(request.rate)
        }
        var parameters = Parameters()
        parameters.append(id)
        parameters.append(action)
        parameters.append((jobs.status ?? events.status)?.rawValue)
        parameters.append(jobs.queue?.description)
        parameters.append(jobs.kind?.description)
        parameters.append(jobs.key)
        parameters.append(jobs.since ?? events.since)
        parameters.append(jobs.until ?? events.until)
        parameters.append(dryRun)
        parameters.append(jobs.isRetrying)
        parameters.append(jobs.reason)
        parameters.append(events.source?.description)
        parameters.append(rate)
        return parameters
    }

    /// What stands for a replay where an action has its name.
    private static let replayWord = "replay"

    /// The action's row.
    public func bulk(_ id: BulkID) async throws(StoreError) -> BulkRecord? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.bulk, parameters).map(bulkRecord).first
    }

    /// One update; the holder's next one finds no row.
    public func stopBulk(_ id: BulkID) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(id)
        let bound = parameters
        try await repeatingOnce { () async throws(StoreError) in
            _ = try await self.pool.run(self.statements.bulkStop, bound)
        }
    }

    /// One statement; several servers at once take different actions.
    public func holdBulk(
        as holder: WorkerID, for hold: Duration, takingOver holds: [BulkID: String], replays: Bool
    ) async throws(StoreError) -> BulkRecord? {
        var parameters = Parameters()
        parameters.append(holder)
        parameters.append(hold.inMicroseconds)
        parameters.append(holds.map(\.key))
        parameters.append(holds.map(\.value))
        parameters.append(replays)
        return try await pool.run(statements.bulkHold, parameters).map(bulkRecord).first
    }

    /// The rows of a partial index, a hundred at most.
    public func bulkHolds() async throws(StoreError) -> [BulkID: String] {
        var holds: [BulkID: String] = [:]
        for row in try await pool.run(statements.bulkHolds, Parameters()) {
            holds[row.id(0)] = row.text(1)
        }
        return holds
    }

    /// One update, fenced by the holder.
    public func advanceBulk(
        _ record: BulkRecord, by holder: WorkerID, for hold: Duration
    ) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(record.id)
        parameters.append(holder)
        parameters.append(hold.inMicroseconds)
        parameters.append(record.state.rawValue)
        parameters.append(record.cursor)
        parameters.append(Int64(record.counts.examined))
        parameters.append(Int64(record.counts.matched))
        parameters.append(Int64(record.counts.changed))
        parameters.append(Int64(record.counts.passedOver))
        parameters.append(record.reason.map(storable))
        return try await pool.run(statements.bulkAdvance, parameters).count > 0
    }

    private func bulkRecord(_ row: Row) -> BulkRecord {
        BulkRecord(
            id: row.id(0), task: task(row),
            isDryRun: row.bool(8), state: BulkRecord.State(rawValue: row.text(9)) ?? .failed,
            isHeld: row.bool(10), cursor: row.optionalID(11),
            counts: BulkCounts(
                examined: Int(row.int(12)), matched: Int(row.int(13)), changed: Int(row.int(14)),
                passedOver: Int(row.int(15))),
            reason: row.optionalText(16), createdAt: row.time(17), updatedAt: row.time(18),
            finishedAt: row.optionalTime(19))
    }

    private func task(_ row: Row) -> BulkTask {
        let status = row.optionalText(2).flatMap(JobStatus.init(rawValue:))
        let (since, until) = (row.optionalTime(6), row.optionalTime(7))
        if row.text(1) == Self.replayWord {
            let filter = EventFilter(
                source: row.optionalText(22).map(Name.init(unchecked:)), since: since,
                until: until, status: status)
            return .replay(ReplayRequest(trusted: filter, rate: Int(row.int(23))))
        }
        return .jobs(
            BulkRequest(
                trusted: JobAction(rawValue: row.text(1)) ?? .cancel,
                JobFilter(
                    status: status, queue: row.optionalText(3).map(Name.init(unchecked:)),
                    kind: row.optionalText(4).map(Name.init(unchecked:)),
                    key: row.optionalText(5), since: since, until: until,
                    isRetrying: row.bool(20), reason: row.optionalText(21))))
    }
}
