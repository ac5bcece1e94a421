import CPostgres
public import Tasq

extension EnqueueStatement {
    /// Puts the job in over a connection of libpq, within the transaction that is open there.
    ///
    /// Holds its thread until the server has answered. Where no transaction is open the job is
    /// committed by itself.
    ///
    /// - Parameter connection: A `PGconn *` that nobody else uses meanwhile, with no statement under
    ///   way.
    /// - Returns: The new job's id, or that of the unfinished job which holds the unique key.
    /// - Throws: `StoreError`; the transaction can then only be rolled back.
    public func run(on connection: OpaquePointer) throws(StoreError) -> JobID {
        var values = Parameters()
        for value in parameters { values.append(value) }
        let answer: OpaquePointer? = unsafe values.withWireFormat {
            count, types, values, lengths, formats in
            unsafe PQexecParams(connection, sql, count, types, values, lengths, formats, 1)
        }
        let place = unsafe Self.place(of: connection)
        let loss =
            unsafe String(cString: PQerrorMessage(connection))
            .split(whereSeparator: \.isNewline).first.map(String.init) ?? "connection lost"
        guard let result = unsafe answer else {
            throw .unavailable("postgres \(place): \(loss)")
        }
        guard unsafe PQresultStatus(result) == PGRES_TUPLES_OK else {
            let error = unsafe ServerError(of: result)
            unsafe PQclear(result)
            guard !error.sqlState.isEmpty else { throw .unknown("postgres \(place): \(loss)") }
            throw .from(error, at: place)
        }
        let rows = unsafe Rows(taking: result, of: "tasq.enqueue")
        guard let id = try rows.column(of: JobID.self).first else {
            throw .misconfigured("postgres \(place): no id came back: run `tasq migrate`")
        }
        return id
    }

    /// As in `host:port/database`.
    private static func place(of connection: OpaquePointer) -> String {
        func text(_ value: UnsafeMutablePointer<CChar>?) -> String {
            guard let value = unsafe value else { return "" }
            return unsafe String(cString: value)
        }
        let host = unsafe text(PQhost(connection))
        let port = unsafe text(PQport(connection))
        let database = unsafe text(PQdb(connection))
        return "\(host):\(port)/\(database)"
    }
}
