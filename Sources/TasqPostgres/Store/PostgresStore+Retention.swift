public import Tasq

extension PostgresStore {
    /// One page of the primary key, so that no job pays for an index of the times at which jobs ended.
    public func expired(
        by retention: Retention, after cursor: JobID?, limit: Int
    ) async throws(StoreError) -> ExpiredPage {
        let own = retention.queues.sorted { $0.key < $1.key }
        let statuses: [JobStatus] = [.success, .error, .cancelled]
        var parameters = Parameters()
        parameters.append(cursor)
        parameters.append(Int64(max(1, limit)))
        parameters.append(own.map { $0.key.description })
        for status in statuses {
            parameters.append(own.map { microseconds($0.value[status]) })
        }
        for status in statuses { parameters.append(microseconds(retention.ages[status])) }
        var page = ExpiredPage(asOf: .now)
        try await pool.run(statements.expired, parameters).read { row throws(StoreError) in
            let (id, queue): (JobID?, Name?) = try (row.next(), row.next())
            let (status, end): (JobStatus?, Timestamp?) = try (row.next(), row.next())
            let last: JobID? = try row.next()
            let (examined, estimate): (Int?, Int?) = try (row.next(), row.next())
            let asOf: Timestamp? = try row.next()
            if let id, let queue, let status, let end {
                page.jobs.append(
                    ExpiredJob(id: id, queue: queue, status: status, finishedAt: end))
            } else {
                page.last = last
                page.examined = examined ?? 0
                page.estimate = estimate ?? 0
                page.asOf = asOf ?? page.asOf
            }
        }
        return page
    }

    private func microseconds(_ age: Duration?) -> Int64? {
        age.map { min(max($0, .zero), Retention.longest).inMicroseconds }
    }

    /// One statement; prune.sql says how it knows that a job stands as it was seen.
    public func prune(_ jobs: [ExpiredJob]) async throws(StoreError) -> [ExpiredJob] {
        guard !jobs.isEmpty else { return [] }
        var parameters = Parameters()
        parameters.append(jobs.map(\.id))
        parameters.append(jobs.map { $0.status.rawValue })
        parameters.append(jobs.map(\.finishedAt))
        var gone: Set<JobID> = []
        try await pool.run(statements.prune, parameters).read { row throws(StoreError) in
            let id: JobID = try row.next()
            gone.insert(id)
        }
        return jobs.filter { gone.contains($0.id) }
    }
}
