public import Tasq

extension PostgresStore {
    /// The body, byte for byte, as it was stored.
    public func payload(of id: JobID) async throws(StoreError) -> Payload? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.payload, parameters).map { row in
            Payload(
                row.bytes(2), contentType: row.text(0),
                headers: HeaderBlock.decode(row.bytes(1)))
        }.first
    }

    /// One row by its primary key; of the body its length alone.
    public func body(_ id: PayloadID) async throws(StoreError) -> HeldBody? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.storedBody, parameters).map { row in
            HeldBody(
                id: id,
                payload: Payload(
                    [], contentType: row.text(0), headers: HeaderBlock.decode(row.bytes(1))),
                bytes: Int(row.int(2)))
        }.first
    }

    /// One statement, which sends no other bodies than those it answers with.
    public func bodies(
        _ ids: [PayloadID], mayHold text: String, bytes: Int
    ) async throws(StoreError) -> LikelyBodies {
        var likely = LikelyBodies(looked: 0, found: [:])
        guard !ids.isEmpty else { return likely }
        var parameters = Parameters()
        parameters.append(ids)
        parameters.append(bytes: Array(text.utf8))
        parameters.append(Int64(max(bytes, JobLimits.payloadBytes)))
        parameters.append(Int64(JobLimits.payloadBytes))
        for row in try await pool.run(statements.bodies, parameters) {
            guard let place = row.optionalInt(0) else {
                likely.looked = Int(row.int(4))
                continue
            }
            likely.found[Int(place) - 1] = Payload(
                row.bytes(3), contentType: row.text(1), headers: HeaderBlock.decode(row.bytes(2)))
        }
        return likely
    }
}
