import Tasq

extension Bench {
    func backlog() async throws -> Findings {
        let rows = plan.rows ?? 200_000
        let jobs = min(plan.jobs ?? 20_000, rows)
        progress.show("backlog: \(rows) queued rows")
        let urgent = LatencyRecord()
        var rates: [Double] = []
        try await Stage.with(servers) { stage in
            try await stage.fill(rows)
            rates.append(try await drain(jobs, on: stage))
        }
        let left = try await Stage.with(servers, kept: true) { stage in
            try await stage.announceAll()
            try await pickUp(200, priority: 0, on: stage, into: urgent)
            return try await stage.count(of: .queued)
        }
        var findings = Findings()
        findings.latencies = [urgent.curve("pickup of an urgent job, backlog")]
        findings.figures = [
            Figure(
                scenario: .backlog, measure: "drain", unit: "jobs/s", rounds: rates,
                how: "the first \(jobs) of \(rows) queued jobs of 1 kB, "
                    + "\(plan.concurrency) slots")
        ]
        findings.figures += [("p50", 50), ("p99", 99), ("max", 100)].map { name, p in
            Figure(
                scenario: .backlog, measure: "urgent pickup \(name)", unit: "ms",
                rounds: [urgent.percentile(p)],
                how: "jobs of priority 0 while the rest drains, 200 times; \(left) left at the end")
        }
        return findings
    }
}
