public import Tasq

extension PostgresStore {
    /// One page of a primary key, in one snapshot.
    public func findings(
        in table: VerifiedTable, after cursor: String, limit: Int
    ) async throws(StoreError) -> FindingPage {
        var parameters = Parameters()
        parameters.append(cursor)
        parameters.append(Int64(limit))
        let statement =
            switch table {
            case .jobs: statements.verifyJobs
            case .claims: statements.verifyClaims
            case .uniqueKeys: statements.verifyKeys
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
