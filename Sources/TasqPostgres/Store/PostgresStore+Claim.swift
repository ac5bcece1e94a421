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
        return try await pool.run(statements.claim, parameters).map(claimedJob)
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
        for row in try await pool.run(statements.sweep, parameters) {
            if !row.isNull(1) {
                sweep.jobs.append(claimedJob(row))
            } else if row.isNull(2) {
                let queue = Name(unchecked: row.text(3))
                sweep.cursors[queue] = QueuedCursor(
                    queue: queue, priority: Priority(unchecked: Int(row.int(4))),
                    runAt: row.time(14), id: row.id(0))
            } else {
                sweep.suspectsQueue = Name(unchecked: row.text(3))
            }
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
        return try await pool.run(statements.turn, parameters).first.map { row in
            SuspectsTurn(queue: Name(unchecked: row.text(0)), left: .microseconds(row.int(1)))
        }
    }

    /// One statement that walks the index of suspects.
    public func claimSuspect(
        for worker: WorkerID, from queues: [Name]
    ) async throws(StoreError) -> ClaimedJob? {
        var parameters = Parameters()
        parameters.append(worker)
        parameters.append(queues.map(\.description))
        return try await pool.run(statements.claimSuspect, parameters).map(claimedJob).first
    }

    /// One statement that locks nothing.
    public func stillQueued(_ ids: [JobID]) async throws(StoreError) -> [QueuedJob] {
        guard !ids.isEmpty else { return [] }
        var parameters = Parameters()
        parameters.append(ids)
        return try await pool.run(statements.stillQueued, parameters).map { row in
            QueuedJob(
                announcement: announcement(row, 0, 1, 2),
                isSuspect: row.int(3) >= JobLimits.suspectCrashes,
                kind: Name(unchecked: row.text(4)))
        }
    }

    /// The claims that stand under a worker, known to it or not.
    public func claims(
        of worker: WorkerID
    ) async throws(StoreError) -> [(job: JobID, claim: ClaimToken)] {
        var parameters = Parameters()
        parameters.append(worker)
        return try await pool.run(statements.claims, parameters).map { row in
            (job: row.id(0), claim: row.id(1))
        }
    }

    /// One statement by the keys of the claim, the job and its body.
    public func body(
        of job: JobID, heldBy claim: ClaimToken
    ) async throws(StoreError) -> HeldBody? {
        var parameters = Parameters()
        parameters.append(job)
        parameters.append(claim)
        return try await pool.run(statements.heldBody, parameters).first.map { row in
            HeldBody(
                id: row.id(0),
                payload: row.optionalText(1).map { type in
                    Payload([], contentType: type, headers: HeaderBlock.decode(row.bytes(2)))
                }, bytes: Int(row.optionalInt(3) ?? 0))
        }
    }

    private func claimedJob(_ row: Row) -> ClaimedJob {
        let hasBody = !row.isNull(11)
        let body = row.optionalBytes(13)
        let payload =
            hasBody
            ? Payload(
                body ?? [], contentType: row.text(11), headers: HeaderBlock.decode(row.bytes(12)))
            : Payload([], contentType: "application/octet-stream")
        return ClaimedJob(
            id: row.id(0), claim: row.id(1),
            kind: Name(unchecked: row.text(2)), queue: Name(unchecked: row.text(3)),
            priority: Priority(unchecked: Int(row.int(4))),
            attempt: Int(row.int(5)), maxAttempts: Int(row.int(6)), crashes: Int(row.int(7)),
            key: row.optionalText(8), payloadID: row.id(9),
            source: row.optionalText(10).map(Name.init(unchecked:)),
            payload: body == nil ? payload : payload.asHandled, hasBody: hasBody,
            leftOutBytes: hasBody && body == nil ? Int(row.int(18)) : nil,
            waitedMicroseconds: waited(from: row.time(14), to: row.time(15)),
            attemptsBefore: Int(row.int(16)),
            putOff: row.optionalTime(17).map { .microseconds(waited(from: $0, to: row.time(15))) })
    }
}

/// Microseconds between two times of the same server.
private func waited(from due: Timestamp, to now: Timestamp) -> Int64 {
    let (time, overflow) = now.microseconds.subtractingReportingOverflow(due.microseconds)
    return overflow ? .max : time
}

/// An announcement from the columns that hold its id, queue and priority.
func announcement(_ row: Row, _ id: Int, _ queue: Int, _ priority: Int) -> Announcement {
    Announcement(
        id: row.id(id), queue: Name(unchecked: row.text(queue)),
        priority: Priority(unchecked: Int(row.int(priority))))
}
