public import Tasq

extension PostgresStore {
    /// One upsert.
    public func setPaused(_ isPaused: Bool, _ queue: Name) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(queue.description)
        parameters.append(isPaused)
        try await write(statements.pause, parameters)
    }

    /// One insert; repeated when its answer got lost.
    public func startBulk(
        _ id: BulkID, _ task: BulkTask, dryRun: Bool
    ) async throws(StoreError) -> Bool {
        let parameters = Self.parameters(of: id, task, dryRun: dryRun)
        let rows = try await write(statements.bulkStart, parameters)
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
        return try await pool.run(statements.bulk, parameters).read(bulkRecord).first
    }

    /// One update; the holder's next one finds no row.
    public func stopBulk(_ id: BulkID) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(id)
        try await write(statements.bulkStop, parameters)
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
        return try await pool.run(statements.bulkHold, parameters).read(bulkRecord).first
    }

    /// The rows of a partial index, a hundred at most.
    public func bulkHolds() async throws(StoreError) -> [BulkID: String] {
        var holds: [BulkID: String] = [:]
        try await pool.run(statements.bulkHolds, Parameters()).read { row throws(StoreError) in
            let id: BulkID = try row.next()
            holds[id] = try row.next(String.self)
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

    private func bulkRecord(_ row: inout Row) throws(StoreError) -> BulkRecord {
        try BulkRecord(
            id: row.next(), task: task(&row), isDryRun: row.next(),
            state: BulkRecord.State(rawValue: row.next()) ?? .failed, isHeld: row.next(),
            cursor: row.next(),
            counts: BulkCounts(
                examined: row.next(), matched: row.next(), changed: row.next(),
                passedOver: row.next()),
            reason: row.next(), createdAt: row.next(), updatedAt: row.next(),
            finishedAt: row.next())
    }

    private func task(_ row: inout Row) throws(StoreError) -> BulkTask {
        let action: String = try row.next()
        let filter = try JobFilter(
            status: row.next(String?.self).flatMap(JobStatus.init(rawValue:)),
            queue: row.next(), kind: row.next(), key: row.next(), since: row.next(),
            until: row.next(), isRetrying: row.next(), reason: row.next())
        let (source, rate): (Name?, Int?) = try (row.next(), row.next())
        guard action == Self.replayWord else {
            return .jobs(BulkRequest(trusted: JobAction(rawValue: action) ?? .cancel, filter))
        }
        let events = EventFilter(
            source: source, since: filter.since, until: filter.until, status: filter.status)
        return .replay(ReplayRequest(trusted: events, rate: rate ?? 1))
    }
}
