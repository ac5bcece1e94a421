public import Tasq

extension PostgresStore {
    /// One statement over three indexes; look.sql says what it can see.
    public func look(
        since time: Timestamp, executing: [JobID], limit: Int
    ) async throws(StoreError) -> [ActivityRecord] {
        var parameters = Parameters()
        parameters.append(firstID(at: time) as JobID)
        parameters.append(executing)
        parameters.append(Int64(min(max(1, limit), 1000)))
        parameters.append(soon)
        return try await pool.run(statements.look, parameters).map { row in
            ActivityRecord(
                isExecuting: row.text(0) == "start", id: row.id(1),
                kind: Name(unchecked: row.text(2)), queue: Name(unchecked: row.text(3)),
                status: JobStatus(rawValue: row.text(4)) ?? .error, attempt: Int(row.int(5)),
                claim: row.optionalID(6), worker: row.optionalID(7))
        }
    }
}

extension PostgresStore {
    /// One walk over the newest ids, at most `limit` rows.
    public func recent(
        since time: Timestamp, bucket: Duration, limit: Int
    ) async throws(StoreError) -> [RecentBucket] {
        var parameters = Parameters()
        parameters.append(firstID(at: time) as JobID)
        parameters.append(time)
        parameters.append(max(1, bucket.inMicroseconds))
        parameters.append(Int64(limit))
        parameters.append(soon)
        return try await pool.run(statements.recent, parameters).map { row in
            RecentBucket(
                index: Int(row.int(0)), enqueued: Int(row.int(1)), finished: Int(row.int(2)),
                median: row.optionalInt(3).map { .microseconds($0) },
                slow: row.optionalInt(4).map { .microseconds($0) })
        }
    }

    /// Above every id that was made by now, whoever's clock is a little ahead.
    private var soon: JobID {
        firstID(at: Timestamp(microseconds: Timestamp.now.microseconds + 60_000_000))
    }
}
