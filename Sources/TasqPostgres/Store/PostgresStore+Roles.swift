package import Tasq

/// A role of PostgreSQL and what it may do with the queue.
package struct Grant: Sendable, Hashable {
    /// What a role may do; grants.sql says it table by table.
    package enum Rights: String, Sendable, Hashable, CaseIterable {
        case enqueuer, worker, operate = "operator"
    }

    package let role: String
    package let rights: Rights

    /// Reads `ROLE` or `ROLE:RIGHTS`; without rights it is an enqueuer.
    package init(_ text: String) throws(InvalidInput) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let rights = parts.count == 2 ? Rights(rawValue: String(parts[1])) : .enqueuer
        guard let rights, parts.count <= 2, (1...63).contains(parts[0].utf8.count),
            !text.utf8.contains(0)
        else {
            throw InvalidInput(
                field: "grant",
                "must be a role, or a role with one of "
                    + Rights.allCases.map(\.rawValue).joined(separator: ", ")
                    + " as in app:worker")
        }
        role = String(parts[0])
        self.rights = rights
    }
}

extension PostgresStore {
    /// Records what roles may do and gives it to them; ``migrate(patience:)`` gives it again from then on.
    package func grant(_ grants: [Grant]) async throws(StoreError) {
        guard !grants.isEmpty else { return }
        var parameters = Parameters()
        parameters.append(grants.map(\.role))
        parameters.append(grants.map(\.rights.rawValue))
        let missing = try await pool.run(statements.grant, parameters).column(of: String.self)
        if let role = missing.first {
            throw .misconfigured(
                "postgres \(settings.safeDescription): no role \(role): "
                    + "create it first, nothing was granted")
        }
        try await renewGrants()
    }

    /// Gives recorded roles what they lack, one process at a time.
    func renewGrants() async throws(StoreError) {
        guard try await pool.run(statements.grants, Parameters()).count > 0 else { return }
        try await pool.withSession { session async throws(StoreError) in
            try await session.script(
                """
                BEGIN ISOLATION LEVEL READ COMMITTED;
                LOCK TABLE \(self.settings.schema).granted IN SHARE ROW EXCLUSIVE MODE
                """)
            let commands = try await session.run(self.statements.grants, Parameters())
            for command in try commands.column(of: String.self) {
                try await session.script(command)
            }
            try await session.script("COMMIT")
        }
    }
}
