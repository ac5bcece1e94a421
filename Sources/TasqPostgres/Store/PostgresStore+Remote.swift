public import Tasq

extension PostgresStore {
    /// One statement; attend.sql says why a worker with a claim is not renewed by it.
    public func attend(
        _ worker: WorkerRecord, renewing: Bool, unlessRunning jobs: [JobID]
    ) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(worker.id)
        parameters.append(storable(worker.host))
        parameters.append(worker.queues.map(\.description))
        parameters.append(Int64(worker.concurrency))
        parameters.append(worker.version)
        parameters.append(worker.heartbeat.inMicroseconds)
        parameters.append(worker.lease.inMicroseconds)
        parameters.append(renewing)
        parameters.append(jobs)
        return try await write(statements.attend, parameters).count > 0
    }

    /// One statement by the claim's own token.
    public func renew(_ claim: ClaimToken, of job: JobID) async throws(StoreError) -> Duration? {
        var parameters = Parameters()
        parameters.append(job)
        parameters.append(claim)
        parameters.append(WorkerRecord.remoteVersion)
        return try await write(statements.renew, parameters).column(of: Duration.self).first
    }

    /// One statement, harmless to repeat.
    public func retire(
        _ workers: [WorkerID], silentAt sequences: [WorkerID: Int64], unlessRunning jobs: [JobID]
    ) async throws(StoreError) -> [WorkerSight] {
        guard !workers.isEmpty else { return [] }
        var parameters = Parameters()
        parameters.append(workers)
        parameters.append(workers.map { sequences[$0] ?? -1 })
        parameters.append(jobs)
        return try await pool.run(statements.retire, parameters).read { row throws(StoreError) in
            try WorkerSight(
                id: row.next(), sequence: row.next(), heartbeat: row.next(), lease: row.next(),
                lockFell: false)
        }
    }
}
