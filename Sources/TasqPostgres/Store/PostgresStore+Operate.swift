public import Tasq

extension PostgresStore {
    /// One statement; retry.sql, cancel.sql and delete.sql say why they are shaped so.
    ///
    /// A repetition after a lost answer finds what the first try did as
    /// `JobActionResult.already`, or, after a deletion, as `JobActionResult.missing`. It locks the rows
    /// that stand, and so waits for a synchronous standby as the first try did.
    public func apply(
        _ action: JobAction, to ids: [JobID], patience: Duration?
    ) async throws(StoreError) -> [JobActionAnswer] {
        guard !ids.isEmpty else { return [] }
        var parameters = Parameters()
        parameters.append(ids)
        if action == .retry { parameters.append(lockWait(patience)) }
        let statement =
            switch action {
            case .retry: statements.retry
            case .cancel: statements.cancel
            case .delete: statements.delete
            }
        var found: [JobID: JobActionAnswer] = [:]
        try await pool.run(statement, parameters).read { row throws(StoreError) in
            let answer = try actionAnswer(&row, to: action)
            found[answer.id] = answer
        }
        var seen: Set<JobID> = []
        return ids.filter { seen.insert($0).inserted }.map {
            found[$0] ?? JobActionAnswer(id: $0, result: .missing)
        }
    }

    /// One page of the primary key, or of the index of failed jobs where only those can match.
    public func matching(
        _ request: BulkRequest, after cursor: JobID?, until: Timestamp?, limit: Int
    ) async throws(StoreError) -> MatchPage<JobRecord> {
        let filter = request.filter
        var parameters = Parameters()
        parameters.append(cursor)
        parameters.append(Int64(limit))
        parameters.append(request.statuses.map(\.rawValue))
        parameters.append(filter.queue?.description)
        parameters.append(filter.kind?.description)
        parameters.append(filter.key)
        parameters.append(filter.since)
        parameters.append(until ?? filter.until)
        parameters.append(filter.isRetrying)
        parameters.append(filter.reason)
        let statement =
            request.statuses == [.error] ? statements.matchingErrors : statements.matching
        var page = MatchPage<JobRecord>(
            ids: [], last: nil, examined: 0, until: Timestamp(microseconds: 0), estimate: 0)
        try await pool.run(statement, parameters).read { row throws(StoreError) in
            if let id = try row.next(JobID?.self) {
                row.skipRest()
                return page.ids.append(id)
            }
            page.last = try row.next()
            page.examined = try row.next()
            page.until = try row.next()
            page.estimate = try row.next()
        }
        return page
    }

    private func actionAnswer(
        _ row: inout Row, to action: JobAction
    ) throws(StoreError) -> JobActionAnswer {
        let (id, status): (JobID, JobStatus) = try (row.next(), row.next())
        let (queue, priority): (Name, Priority) = try (row.next(), row.next())
        let (word, holder): (String, JobID?) = try (row.next(), row.next())
        let result: JobActionResult =
            switch word {
            case "done": .done(from: status)
            case "already": .already
            case "taken": .keyTaken(by: holder)
            case "spent": .attemptsUsedUp
            case "locked": .heldUp
            default: .wrongState(status)
            }
        // One that is queued already is announced again: the first answer may have got lost, and
        // a needless announcement costs one claim that finds nothing.
        let isQueued =
            switch result {
            case .done, .already: action == .retry
            default: false
            }
        return JobActionAnswer(
            id: id, result: result,
            announcement: isQueued
                ? Announcement(id: id, queue: queue, priority: priority) : nil)
    }
}
