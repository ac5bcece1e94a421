public import Tasq

extension PostgresStore {
    /// The body, byte for byte, as it was stored.
    public func payload(of id: JobID) async throws(StoreError) -> Payload? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.payload, parameters).read(storedPayload).first
    }

    /// One row by its primary key; of the body its length alone.
    public func body(_ id: PayloadID) async throws(StoreError) -> HeldBody? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.storedBody, parameters).read {
            row throws(StoreError) in
            try HeldBody(id: id, payload: payloadHead(&row), bytes: row.next())
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
        try await pool.run(statements.bodies, parameters).read { row throws(StoreError) in
            guard let place = try row.next(Int?.self) else {
                row.skip(3)
                likely.looked = try row.next()
                return
            }
            likely.found[place - 1] = try storedPayload(&row)
            row.skip()
        }
        return likely
    }

    /// Of a content type and headers.
    func payloadHead(_ row: inout Row) throws(StoreError) -> Payload {
        try Payload([], contentType: row.next(), headers: HeaderBlock.decode(row.next()))
    }

    private func storedPayload(_ row: inout Row) throws(StoreError) -> Payload {
        var payload = try payloadHead(&row)
        payload.body = try row.next()
        return payload
    }
}
