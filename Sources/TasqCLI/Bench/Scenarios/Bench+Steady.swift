import Tasq

extension Bench {
    /// Callers of the steady flow.
    static let steadyCallers = 64
    /// Before the steady flow is measured.
    static let warmUp = Duration.seconds(1)

    func steady() async throws -> Findings {
        let time = plan.time(10)
        var flows: [Flow] = []
        var floors: [Double] = []
        var findings = Findings()
        try await eachRound(.steady) { round in
            let record = RateRecord()
            flows.append(try await steadyFlow(for: time, record: record))
            if round == plan.rounds { findings.rates = [record.curve("steady")] }
            if let floor = try await steadyFloor(min(time, .seconds(3))) { floors.append(floor) }
        }
        findings.figures = [
            Figure(
                scenario: .steady, measure: "completed", unit: "jobs/s",
                rounds: flows.map(\.completed),
                floor: floor(
                    floors,
                    "pgbench, 2 clients, insert, claim and settle, the better of batches of 100 "
                        + "and 500"),
                how: "\(Self.steadyCallers) callers enqueue single jobs of 1 kB, one worker, "
                    + "\(plan.concurrency) slots, \(DurationText.format(time))"),
            Figure(
                scenario: .steady, measure: "enqueued", unit: "jobs/s",
                rounds: flows.map(\.enqueued),
                how: "meanwhile; what is not completed waits in the table"),
        ]
        return findings
    }

    /// Jobs a second that went in and that came out at the same time.
    struct Flow: Sendable {
        let enqueued: Double
        let completed: Double
    }

    /// Callers enqueue as fast as they can while a worker runs.
    func steadyFlow(for time: Duration, record: RateRecord = RateRecord()) async throws -> Flow {
        try await Stage.with(servers) { stage in
            try await stage.withWorker(slots: plan.concurrency) {
                let settled = stage.meters.settled
                let enqueued = Counter()
                return try await record.during(settled) {
                    let begin = ContinuousClock.now + Self.warmUp
                    async let enqueuing: Void = stage.keepEnqueuing(
                        callers: Self.steadyCallers, until: begin + time, enqueued)
                    try await Task.sleep(until: begin)
                    let before = (enqueued.value, settled.value, ContinuousClock.now)
                    try await Task.sleep(until: begin + time)
                    let after = (enqueued.value, settled.value, ContinuousClock.now)
                    try await enqueuing
                    let seconds = (after.2 - before.2).inSeconds
                    return Flow(
                        enqueued: Double(after.0 - before.0) / seconds,
                        completed: Double(after.1 - before.1) / seconds)
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
