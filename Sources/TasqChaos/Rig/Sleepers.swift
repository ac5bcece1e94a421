import TasqTesting

/// Sessions of somebody else that do nothing but hold something.
actor Sleepers {
    /// What their sessions call themselves.
    static let name = "sleeper"

    private let rig: Rig
    private var processes: [ChildProcess] = []

    init(_ rig: Rig) {
        self.rig = rig
    }

    /// Opens sessions, as many of them as are to be had.
    func add(count: Int, as role: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask { try await self.add("SELECT pg_sleep(3600)", as: role) }
            }
            try await group.waitForAll()
        }
    }

    /// Opens a session that runs this, as one transaction, and does not wait until it does.
    func add(_ sql: String, as role: String = "postgres") async throws {
        let url = "postgres://\(role)@127.0.0.1:\(rig.postgres.port)/\(Stage.database)"
        let process = try await ChildProcess.start(
            "psql", ["-XqAt", "-d", url, "-c", sql], environment: ["PGAPPNAME": Self.name],
            directory: "/")
        processes.append(process)
    }

    /// Ends them, at the server: one that sleeps does not see that its client has gone.
    func leave() async throws {
        try await rig.sql(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = '\(Self.name)'
            """)
        for process in processes { _ = try? await process.wait(within: .seconds(20)) }
        processes = []
    }
}
