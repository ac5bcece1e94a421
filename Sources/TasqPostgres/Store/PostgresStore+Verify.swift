public import Tasq

extension PostgresStore {
    /// One page of a primary key, in one snapshot.
    public func findings(
        in table: VerifiedTable, after cursor: String, limit: Int
    ) async throws(StoreError) -> FindingPage {
        if table == .schema { return try await schemaFindings() }
        var parameters = Parameters()
        parameters.append(cursor)
        parameters.append(Int64(limit))
        let statement =
            switch table {
            case .jobs: statements.verifyJobs
            case .claims: statements.verifyClaims
            case .uniqueKeys, .schema: statements.verifyKeys
            }
        var page = FindingPage(findings: [], next: nil, examined: 0)
        try await pool.run(statement, parameters).read { row throws(StoreError) in
            let (id, word): (JobID?, String?) = try (row.next(), row.next())
            let (last, examined): (String?, Int?) = try (row.next(), row.next())
            if let examined {
                page.examined = examined
                page.next = examined < limit ? nil : last
            } else if let id, let kind = word.flatMap(Violation.Kind.init(rawValue:)) {
                page.findings.append(Violation(kind: kind, subject: id.description))
            }
        }
        return page
    }

    private func schemaFindings() async throws(StoreError) -> FindingPage {
        let rows = try await pool.run(statements.verifySchema, Parameters())
        let findings = try rows.read { row throws(StoreError) -> Violation? in
            let (subject, word): (String, String) = try (row.next(), row.next())
            return Violation.Kind(rawValue: word).map { Violation(kind: $0, subject: subject) }
        }
        return FindingPage(findings: findings.compactMap { $0 }, next: nil, examined: 0)
    }

    /// Mends what is wrong with these jobs, their claims and their unique keys; returns those that
    /// were mended, at most 1,000 a statement.
    package func repair(_ ids: [JobID]) async throws(StoreError) -> Set<JobID> {
        var mended: Set<JobID> = []
        var rest = ids[...]
        while !rest.isEmpty {
            var parameters = Parameters()
            parameters.append(Array(rest.prefix(1000)))
            rest = rest.dropFirst(1000)
            let rows = try await pool.run(statements.repair, parameters)
            mended.formUnion(try rows.column(of: JobID.self))
        }
        return mended
    }

    /// Names the database anew if the row that does is gone.
    package func repairEpoch() async throws(StoreError) {
        _ = try await pool.run(statements.repairEpoch, Parameters())
    }

    /// One look at the primary key.
    public func announceable(_ ids: [JobID]) async throws(StoreError) -> [JobID: Bool] {
        guard !ids.isEmpty else { return [:] }
        var parameters = Parameters()
        parameters.append(ids)
        var answers: [JobID: Bool] = [:]
        try await pool.run(statements.announceable, parameters).read { row throws(StoreError) in
            let id: JobID = try row.next()
            answers[id] = try row.next(Bool.self)
        }
        return answers
    }
}
