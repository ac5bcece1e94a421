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
        _ id: BulkID, _ request: BulkRequest, dryRun: Bool
    ) async throws(StoreError) -> Bool {
        let filter = request.filter
        var parameters = Parameters()
        parameters.append(id)
        parameters.append(request.action.rawValue)
        parameters.append(filter.status?.rawValue)
        parameters.append(filter.queue?.description)
        parameters.append(filter.kind?.description)
        parameters.append(filter.key)
        parameters.append(filter.since)
        parameters.append(filter.until)
        parameters.append(dryRun)
        parameters.append(filter.isRetrying)
        parameters.append(filter.reason)
        let bound = parameters
        let rows = try await repeatingOnce { () async throws(StoreError) in
            try await self.pool.run(self.statements.bulkStart, bound)
        }
        if rows.count > 0 { return true }
        return try await bulk(id) != nil
    }

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
        as holder: WorkerID, for hold: Duration, takingOver holds: [BulkID: String]
    ) async throws(StoreError) -> BulkRecord? {
        var parameters = Parameters()
        parameters.append(holder)
        parameters.append(hold.inMicroseconds)
        parameters.append(holds.map(\.key))
        parameters.append(holds.map(\.value))
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
            id: row.id(0),
            request: BulkRequest(
                trusted: JobAction(rawValue: row.text(1)) ?? .cancel,
                JobFilter(
                    status: row.optionalText(2).flatMap(JobStatus.init(rawValue:)),
                    queue: row.optionalText(3).map(Name.init(unchecked:)),
                    kind: row.optionalText(4).map(Name.init(unchecked:)),
                    key: row.optionalText(5), since: row.optionalTime(6),
                    until: row.optionalTime(7), isRetrying: row.bool(20),
                    reason: row.optionalText(21))),
            isDryRun: row.bool(8), state: BulkRecord.State(rawValue: row.text(9)) ?? .failed,
            isHeld: row.bool(10), cursor: row.optionalID(11),
            counts: BulkCounts(
                examined: Int(row.int(12)), matched: Int(row.int(13)), changed: Int(row.int(14)),
                passedOver: Int(row.int(15))),
            reason: row.optionalText(16), createdAt: row.time(17), updatedAt: row.time(18),
            finishedAt: row.optionalTime(19))
    }
}
