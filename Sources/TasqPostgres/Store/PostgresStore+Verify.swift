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
        for row in try await pool.run(statement, parameters) {
            if let word = row.optionalText(1) {
                guard let kind = Violation.Kind(rawValue: word) else { continue }
                let id = row.id(0, as: JobStatus.self)
                page.findings.append(Violation(kind: kind, subject: id.description))
            } else {
                page.examined = Int(row.int(3))
                page.next = page.examined < limit ? nil : row.optionalText(2)
            }
        }
        return page
    }

    private func schemaFindings() async throws(StoreError) -> FindingPage {
        let rows = try await pool.run(statements.verifySchema, Parameters())
        let findings = rows.compactMap { row in
            Violation.Kind(rawValue: row.text(1)).map { Violation(kind: $0, subject: row.text(0)) }
        }
        return FindingPage(findings: findings, next: nil, examined: 0)
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
            for row in try await pool.run(statements.repair, parameters) {
                mended.insert(row.id(0))
            }
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
        for row in try await pool.run(statements.announceable, parameters) {
            answers[row.id(0)] = row.bool(1)
        }
        return answers
    }
}
