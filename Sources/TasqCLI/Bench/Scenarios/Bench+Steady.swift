import Tasq

extension Bench {
    /// Callers of the steady flow.
    static let steadyCallers = 64
    /// Before the steady flow is measured.
    static let warmUp = Duration.seconds(1)

    func steady() async throws -> Findings {
        let time = plan.time(10)
        var rates: [Double] = []
        var floors: [Double] = []
        var findings = Findings()
        try await eachRound(.steady) { round in
            let record = RateRecord()
            rates.append(try await steadyRate(for: time, record: record))
            if round == plan.rounds { findings.rates = [record.curve("steady")] }
            if let floor = try await steadyFloor(min(time, .seconds(3))) { floors.append(floor) }
        }
        findings.figures = [
            Figure(
                scenario: .steady, measure: "completed", unit: "jobs/s", rounds: rates,
                floor: floor(
                    floors,
                    "pgbench, 2 clients, insert, claim and settle, the better of batches of 100 "
                        + "and 500"),
                how: "\(Self.steadyCallers) callers enqueue single jobs of 1 kB, one worker, "
                    + "\(plan.concurrency) slots, \(DurationText.format(time))")
        ]
        return findings
    }

    /// Jobs completed a second while callers enqueue as fast as they can.
    func steadyRate(for time: Duration, record: RateRecord = RateRecord()) async throws -> Double {
        try await Stage.with(servers) { stage in
            try await stage.withWorker(slots: plan.concurrency) {
                let settled = stage.meters.settled
                return try await record.during(settled) {
                    let begin = ContinuousClock.now + Self.warmUp
                    async let enqueuing: Void = stage.keepEnqueuing(
                        callers: Self.steadyCallers, until: begin + time, Counter())
                    try await Task.sleep(until: begin)
                    let before = (count: settled.value, time: ContinuousClock.now)
                    try await Task.sleep(until: begin + time)
                    let after = (count: settled.value, time: ContinuousClock.now)
                    try await enqueuing
                    return Double(after.count - before.count)
                        / (after.time - before.time).inSeconds
                }
            }
        }
    }

    private func steadyFloor(_ time: Duration) async throws -> Double? {
        guard let pgbench else { return nil }
        var best = 0.0
        for batch in Self.floorBatches {
            let rate = try await Stage.with(servers) { stage in
                try await pgbench.register(on: stage)
                let result = try await pgbench.run(
                    PackageResources.insert_claim_settle_sql, on: stage,
                    clients: Self.floorClients, batch: batch, .time(time))
                return result.transactionsPerSecond * Double(batch)
            }
            best = max(best, rate)
        }
        return best
    }
}
