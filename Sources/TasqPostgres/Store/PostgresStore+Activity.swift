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
        return try await pool.run(statements.look, parameters).map { row in
            ActivityRecord(
                isExecuting: row.text(0) == "start", id: row.id(1),
                kind: Name(unchecked: row.text(2)), queue: Name(unchecked: row.text(3)),
                status: JobStatus(rawValue: row.text(4)) ?? .error, attempt: Int(row.int(5)),
                claim: row.optionalID(6), worker: row.optionalID(7))
        }
    }
}
