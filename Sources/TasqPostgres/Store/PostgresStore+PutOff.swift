public import Tasq

extension PostgresStore {
    /// One walk of the scheduled jobs, from the one that is due first.
    public func putOff() async throws(StoreError) -> PutOffLook {
        var parameters = Parameters()
        parameters.append(Int64(PutOffLook.jobLimit))
        parameters.append(Int64(PutOffLook.groupLimit + 1))
        var look = PutOffLook(groups: [], hasMore: false)
        try await pool.run(statements.putOff, parameters).read { row throws(StoreError) in
            look.hasMore = try row.next()
            guard try !row.isNextNull() else { return row.skipRest() }
            look.groups.append(
                try PutOffJobs(
                    jobs: row.next(), queues: row.texts().map(Name.init(unchecked:)),
                    reason: row.next(), since: row.next(), latest: row.next(),
                    nextAt: row.next(), lastAt: row.next()))
        }
        if look.groups.count > PutOffLook.groupLimit {
            look.groups.removeLast()
            look.hasMore = true
        }
        return look
    }
}
