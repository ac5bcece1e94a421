public import Tasq

extension PostgresStore {
    /// One statement; repeating it changes nothing.
    public func put(
        limits: [FlowLimit], isConfiguration: Bool
    ) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(limits.map { $0.queue.description })
        parameters.append(limits.map { $0.maxDepth.map { Int64($0) } })
        parameters.append(limits.map { $0.maxAge?.inMicroseconds })
        parameters.append(isConfiguration)
        try await write(statements.limitPut, parameters)
    }

    /// One delete. After a first try whose answer got lost there may be nothing left to delete.
    public func clearLimit(of queue: Name) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(queue.description)
        return try await pool.run(statements.limitClear, parameters).count > 0
    }

    /// One statement, whose walks of the queued jobs end where the limits do.
    public func limits(
        after queue: Name?, upTo limit: Int, levelsOf queues: [Name]?
    ) async throws(StoreError) -> [LimitStanding] {
        try await limits(after: queue, upTo: limit, levelsOf: queues, only: nil)
    }

    /// The same statement.
    public func limit(of queue: Name) async throws(StoreError) -> LimitStanding? {
        try await limits(after: nil, upTo: 1, levelsOf: nil, only: queue).first
    }

    private func limits(
        after last: Name?, upTo limit: Int, levelsOf queues: [Name]?, only queue: Name?
    ) async throws(StoreError) -> [LimitStanding] {
        var parameters = Parameters()
        parameters.append(last?.description)
        parameters.append(Int64(min(max(1, limit), 10_000)))
        parameters.append((queues ?? []).map(\.description))
        parameters.append(queues == nil)
        parameters.append(queue?.description)
        let rows =
            try await queues == nil
            ? pool.run(statements.limits, parameters) : looked(parameters)
        return try rows.read { row throws(StoreError) in
            try LimitStanding(
                limit: FlowLimit(unchecked: row.next(), maxDepth: row.next(), maxAge: row.next()),
                isConfigured: row.next(), updatedAt: row.next(), updatedBy: row.next(),
                level: row.next(), oldestWait: row.next(Duration?.self).map { max(.zero, $0) })
        }
    }

    /// To whoever puts jobs in a schema without the table, or a role that may not read it, is no fault of
    /// the connection, which nothing else would go through either.
    private func looked(_ parameters: Parameters) async throws(StoreError) -> Rows {
        do throws(StoreError) {
            return try await pool.run(statements.limits, parameters)
        } catch {
            switch error {
            case .denied(let reason) where reason.contains("flow_limit"):
                throw .rejected(sqlState: "42501", reason)
            case .misconfigured(let reason) where reason.contains("flow_limit"):
                throw .rejected(sqlState: "42P01", reason)
            default: throw error
            }
        }
    }

    /// One look at the keys and the ids.
    public func duplicates(among jobs: [NewJob]) async throws(StoreError) -> Set<JobID> {
        var question = Parameters()
        question.append(jobs.compactMap(\.uniqueKey))
        question.append(jobs.map(\.id))
        var known: Set<JobID> = []
        var holders: [String: JobStatus] = [:]
        try await pool.run(statements.uniqueHolders, question).read { row throws(StoreError) in
            let (key, id, status): (String?, JobID, String?) = try (
                row.next(), row.next(), row.next()
            )
            if let key {
                holders[key] = status.flatMap(JobStatus.init(rawValue:))
            } else {
                known.insert(id)
            }
        }
        for job in jobs {
            guard let key = job.uniqueKey, let status = holders[key] else { continue }
            // One that runs gives up a key that holds while its job is queued.
            if status != .executing || job.uniqueWhile != .queued { known.insert(job.id) }
        }
        return known
    }

    /// One look at the provider's id.
    public func knows(_ event: NewEvent) async throws(StoreError) -> Bool {
        guard let providerID = event.providerID else { return false }
        var question = Parameters()
        question.append([event.source.description])
        question.append([providerID])
        return try await pool.run(statements.acceptedBefore, question).count > 0
    }
}
