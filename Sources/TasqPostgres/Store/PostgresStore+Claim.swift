public import Tasq

extension PostgresStore {
    /// One statement; claim.sql says why it is shaped so.
    public func claim(
        _ ids: [JobID], for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> [ClaimedJob] {
        guard !ids.isEmpty else { return [] }
        var parameters = Parameters()
        parameters.append(ids)
        parameters.append(worker)
        parameters.append(queues.map(\.description))
        return try await pool.run(statements.claim, parameters).read(claimedJob)
    }

    /// One statement that walks the index of each queue in its own order.
    public func sweep(
        upTo limit: Int, for worker: WorkerID, from queues: [Name],
        behind cursors: [Name: QueuedCursor], lookingAt reach: Int
    ) async throws(StoreError) -> Sweep {
        let places: [QueuedCursor?] = cursors.isEmpty ? [] : queues.map { cursors[$0] }
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(queues.map(\.description))
        parameters.append(Int64(limit))
        parameters.append(Int64(reach))
        parameters.append(places.map { place in place.map { Int64($0.priority.level) } })
        parameters.append(places.map { $0?.runAt })
        parameters.append(places.map { $0?.id })
        var sweep = Sweep(jobs: [])
        try await pool.run(statements.sweep, parameters).read { row throws(StoreError) in
            guard try row.isNull(1) else { return sweep.jobs.append(try claimedJob(&row)) }
            let queue: Name = try row.at(Self.optionsPlace)
            if try row.isNull(2) {
                sweep.cursors[queue] = try QueuedCursor(
                    queue: queue, priority: row.at(Self.optionsPlace + 1), runAt: row.at(3),
                    id: row.at(0))
            } else {
                sweep.suspectsQueue = queue
            }
            row.skipRest()
        }
        return sweep
    }

    /// One statement that locks nothing; turn.sql says who has the turn.
    public func suspectsTurn(
        of worker: WorkerID, on queues: [Name]
    ) async throws(StoreError) -> SuspectsTurn? {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(queues.map(\.description))
        return try await pool.run(statements.turn, parameters).read { row throws(StoreError) in
            try SuspectsTurn(queue: row.next(), left: row.next())
        }.first
    }

    /// One statement that walks the index of suspects.
    public func claimSuspect(
        for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> ClaimedJob? {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(queues.map(\.description))
        return try await pool.run(statements.claimSuspect, parameters).read(claimedJob).first
    }

    /// One statement that locks nothing.
    public func stillQueued(_ ids: [JobID]) async throws(StoreError) -> [QueuedJob] {
        guard !ids.isEmpty else { return [] }
        var parameters = Parameters()
        parameters.append(ids)
        return try await pool.run(statements.stillQueued, parameters).read {
            row throws(StoreError) in
            try QueuedJob(
                announcement: row.announcement(),
                isSuspect: row.next(Int.self) >= JobLimits.suspectCrashes, kind: row.next())
        }
    }

    /// The claims that stand under a worker, known to it or not.
    public func claims(
        of worker: WorkerID
    ) async throws(StoreError) -> [(job: JobID, claim: ClaimToken)] {
        var parameters = Parameters()
        parameters.append(worker)
        return try await pool.run(statements.claims, parameters).read { row throws(StoreError) in
            try (job: row.next(), claim: row.next())
        }
    }

    /// One statement by the keys of the claim, the job and its body.
    public func body(
        of job: JobID, heldBy claim: ClaimToken
    ) async throws(StoreError) -> HeldBody? {
        var parameters = Parameters()
        parameters.append(job)
        parameters.append(claim)
        return try await pool.run(statements.heldBody, parameters).read { row throws(StoreError) in
            let id: PayloadID = try row.next()
            guard try !row.isNextNull() else {
                row.skipRest()
                return HeldBody(id: id, payload: nil, bytes: 0)
            }
            return try HeldBody(id: id, payload: payloadHead(&row), bytes: row.next())
        }.first
    }

    /// Where a job's options begin among the columns of parts/claimed.sql, first its queue and priority.
    private static let optionsPlace = 15

    /// Those columns.
    private func claimedJob(_ row: inout Row) throws(StoreError) -> ClaimedJob {
        let (id, claim): (JobID, ClaimToken) = try (row.next(), row.next())
        let (kind, due): (Name, Timestamp) = try (row.next(), row.next())
        let payloadID: PayloadID = try row.next()
        let (attempt, crashes): (Int, Int) = try (row.next(), row.next())
        let (source, contentType): (Name?, String?) = try (row.next(), row.next())
        let (headers, body): ([UInt8]?, [UInt8]?) = try (row.next(), row.next())
        let now: Timestamp = try row.next()
        let (before, putOffAt): (Int, Timestamp?) = try (row.next(), row.next())
        let bytes: Int? = try row.next()
        let options = try row.options()
        let payload = Payload(
            body ?? [], contentType: contentType ?? "application/octet-stream",
            headers: headers.map(HeaderBlock.decode) ?? [])
        return ClaimedJob(
            id: id, claim: claim, kind: kind, options: options, attempt: attempt,
            crashes: crashes, payloadID: payloadID, source: source,
            payload: body == nil ? payload : payload.asHandled,
            hasBody: contentType != nil, leftOutBytes: body == nil ? bytes : nil,
            waitedMicroseconds: waited(from: due, to: now), attemptsBefore: before,
            putOff: putOffAt.map { .microseconds(waited(from: $0, to: now)) })
    }
}

/// Microseconds between two times of the same server.
private func waited(from due: Timestamp, to now: Timestamp) -> Int64 {
    let (time, overflow) = now.microseconds.subtractingReportingOverflow(due.microseconds)
    return overflow ? .max : time
}
