import Tasq

extension Bench {
    /// Slots that people give their workers.
    private static let slotCounts = [1, 10, 32, 64, 100]
    /// A Redis that nobody runs: port 9 discards by convention, and here refuses.
    private static let deadRedis = "redis://127.0.0.1:9"
    /// Slots where a scenario does not vary them.
    static let commonSlots = 32

    func slots() async throws -> Findings {
        let jobs = plan.jobs ?? 20_000
        var rates: [Int: [Double]] = [:]
        var floors: [Double] = []
        try await eachRound(.slots) { _ in
            for slots in Self.slotCounts {
                // A single slot runs one after the other.
                let count = slots == 1 ? max(1, jobs / 10) : jobs
                rates[slots, default: []].append(
                    try await Stage.with(servers) { stage in
                        try await stage.fill(count)
                        return try await drain(count, on: stage, slots: slots)
                    })
            }
            if let floor = try await drainFloor(jobs) { floors.append(floor) }
        }
        var findings = Findings()
        findings.figures = Self.slotCounts.map { slots in
            Figure(
                scenario: .slots, measure: "\(slots) slot\(slots == 1 ? "" : "s")", unit: "jobs/s",
                rounds: rates[slots] ?? [], floor: floor(floors, Self.drainFloorText),
                how: "drain of \(slots == 1 ? max(1, jobs / 10) : jobs) no-op jobs of 1 kB")
        }
        return findings
    }

    func outage() async throws -> Findings {
        let jobs = plan.jobs ?? 40_000
        var without: [Double] = []
        var with: [Double] = []
        try await eachRound(.outage) { _ in
            for redisURL in [nil, Self.deadRedis] {
                let rate = try await Stage.with(servers, redisURL: redisURL) { stage in
                    try await stage.fill(jobs)
                    return try await drain(jobs, on: stage, slots: Self.commonSlots)
                }
                if redisURL == nil { with.append(rate) } else { without.append(rate) }
            }
        }
        var findings = Findings()
        findings.figures = [
            Figure(
                scenario: .outage, measure: "drain without Redis", unit: "jobs/s", rounds: without,
                floor: .rounds(with, how: "the same drain with Redis"),
                how: "\(jobs) no-op jobs of 1 kB, \(Self.commonSlots) slots, connections refused")
        ]
        return findings
    }
}
