import Tasq

extension Bench {
    /// Beside a large table: the "floor" is tasq itself with an empty one.
    func history() async throws -> Findings {
        let rows = plan.rows ?? 1_000_000
        let jobs = plan.jobs ?? 20_000
        let other = servers.schema + BenchServers.otherSuffix
        progress.show("history: \(rows) finished rows")
        try await Stage.with(servers, schema: other) { try await $0.fillHistory(rows) }
        var rates: (large: [Double], empty: [Double]) = ([], [])
        let latency = (large: LatencyRecord(), empty: LatencyRecord())
        try await eachRound(.history) { _ in
            rates.large.append(try await drainBeside(other, kept: true, jobs))
            rates.empty.append(try await drainBeside(servers.schema, kept: false, jobs))
            try await Stage.with(servers, schema: other, kept: true) {
                try await pickUp(500, on: $0, into: latency.large)
            }
            try await Stage.with(servers) { try await pickUp(500, on: $0, into: latency.empty) }
        }
        let lists = try await lists(beside: other, rows)
        try await servers.renew(other)
        var findings = Findings()
        findings.latencies = [
            latency.large.curve("pickup, \(rows) finished"),
            latency.empty.curve("pickup, none finished"),
        ]
        findings.figures = [
            Figure(
                scenario: .history, measure: "drain", unit: "jobs/s", rounds: rates.large,
                floor: .rounds(rates.empty, how: "tasq itself with an empty table"),
                how: "\(jobs) jobs beside \(rows) finished rows")
        ]
        findings.figures += [("p50", 50), ("p99", 99)].map { name, p in
            Figure(
                scenario: .history, measure: "idle pickup \(name)", unit: "ms",
                rounds: [latency.large.percentile(p)],
                floor: .rounds(
                    [latency.empty.percentile(p)], how: "tasq itself with an empty table"),
                how: "500 times a round beside \(rows) finished rows")
        }
        findings.figures += lists
        return findings
    }

    private func drainBeside(_ schema: String, kept: Bool, _ jobs: Int) async throws -> Double {
        try await Stage.with(servers, schema: schema, kept: kept) { stage in
            try await stage.fill(jobs)
            return try await drain(jobs, on: stage)
        }
    }
}
