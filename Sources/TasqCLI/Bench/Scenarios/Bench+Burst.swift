import Tasq
import TasqPostgres

extension Bench {
    func burst() async throws -> Findings {
        let jobs = plan.jobs ?? 40_000
        let rows = max(plan.rows ?? 1_000_000, jobs)
        var findings = Findings()
        for waiting in [jobs, rows] {
            var stale: [Double] = []
            var fresh: [Double] = []
            try await eachRound(.burst) { _ in
                stale.append(try await burst(of: waiting, drained: jobs, isAnalyzed: false))
                fresh.append(try await burst(of: waiting, drained: jobs, isAnalyzed: true))
            }
            findings.figures.append(
                Figure(
                    scenario: .burst, measure: "\(waiting) at once", unit: "jobs/s", rounds: stale,
                    floor: .rounds(fresh, how: "the same with statistics taken after they came"),
                    how:
                        "the first \(jobs) of them, no-op, 1 kB, \(Self.commonSlots) slots of a worker "
                        + "at rest, statistics of the empty tables, every row read once"))
        }
        return findings
    }

    /// Jobs a second from the moment on that so many wait before a worker that has been at work, and
    /// at rest, on tables that were empty whenever PostgreSQL looked at them.
    private func burst(
        of waiting: Int, drained jobs: Int, isAnalyzed: Bool
    ) async throws -> Double {
        try await Stage.with(servers) { stage in
            for table in ["job", "payload", "executing_job"] {
                try await servers.admin.script(
                    "ALTER TABLE \(stage.schema).\(table) SET (autovacuum_enabled = false)")
                try await servers.admin.script("VACUUM (ANALYZE) \(stage.schema).\(table)")
            }
            return try await stage.withWorker(slots: Self.commonSlots) {
                // Its statements are prepared and their plans made.
                let warm = 50
                for _ in 0..<warm {
                    _ = try await stage.queue.enqueue(Stage.job())
                }
                try await stage.settled(warm)
                try await stage.store.setPaused(true, .defaultQueue)
                try await stage.fill(waiting, settles: false)
                try await stage.readThrough(analyzes: isAnalyzed)
                try await stage.store.setPaused(false, .defaultQueue)
                let start = ContinuousClock.now
                async let announced: Void = stage.announceAll()
                try await stage.settled(warm + jobs)
                let rate = Double(jobs) / (.now - start).inSeconds
                try await announced
                return rate
            }
        }
    }
}
