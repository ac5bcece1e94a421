import Tasq

extension Bench {
    /// Callers of the steady flow, and of a smaller one whose batches are as much smaller.
    static let steadyCallers = 256
    static let fewerCallers = 64
    /// What one producer alone enqueues at a time, as those of other queues do.
    static let producerBatch = 100
    /// Before the steady flow is measured.
    static let warmUp = Duration.seconds(1)

    func steady() async throws -> Findings {
        let time = plan.time(5)
        var flows: [Flow] = []
        var smaller: [Flow] = []
        var alone: [Flow] = []
        var floors: [Double] = []
        var findings = Findings()
        try await eachRound(.steady) { round in
            let record = RateRecord()
            flows.append(try await steadyFlow(for: time, record: record))
            if round == plan.rounds { findings.rates = [record.curve("steady")] }
            smaller.append(try await steadyFlow(for: time, callers: Self.fewerCallers))
            alone.append(
                try await steadyFlow(for: time, callers: 1, batch: Self.producerBatch))
            if let floor = try await steadyFloor(min(time, .seconds(3))) { floors.append(floor) }
        }
        let by = floor(
            floors,
            "pgbench, 2 clients, insert, claim and settle, the better of batches of 100 and 500")
        let how =
            "callers enqueue single jobs of 1 kB and wait for each commit, one worker, "
            + "\(plan.concurrency) slots, \(DurationText.format(time))"
        findings.figures = [
            Figure(
                scenario: .steady, measure: "completed", unit: "jobs/s",
                rounds: flows.map(\.completed), floor: by, how: "\(Self.steadyCallers) \(how)"),
            Figure(
                scenario: .steady, measure: "enqueued", unit: "jobs/s",
                rounds: flows.map(\.enqueued),
                how: "meanwhile; what is not completed waits in the table"),
            Figure(
                scenario: .steady, measure: "completed, \(Self.fewerCallers) callers",
                unit: "jobs/s", rounds: smaller.map(\.completed), floor: by,
                how: "\(Self.fewerCallers) \(how)"),
            Figure(
                scenario: .steady, measure: "completed, 1 producer", unit: "jobs/s",
                rounds: alone.map(\.completed), floor: by,
                how: "one caller of batches of \(Self.producerBatch), else the same"),
        ]
        return findings
    }

    /// Jobs a second that went in and that came out at the same time.
    struct Flow: Sendable {
        let enqueued: Double
        let completed: Double
    }

    /// Callers enqueue as fast as they can while a worker runs.
    func steadyFlow(
        for time: Duration, callers: Int = steadyCallers, batch: Int = 1,
        record: RateRecord = RateRecord()
    ) async throws -> Flow {
        try await Stage.with(servers) { stage in
            try await stage.withWorker(slots: plan.concurrency) {
                let settled = stage.meters.settled
                let enqueued = Counter()
                return try await record.during(settled) {
                    let begin = ContinuousClock.now + Self.warmUp
                    async let enqueuing: Void = stage.keepEnqueuing(
                        callers: callers, batch: batch, until: begin + time, enqueued)
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
                    "insert_claim_settle", on: stage,
                    clients: Self.floorClients, batch: batch, .time(time))
                return result.transactionsPerSecond * Double(batch)
            }
            best = max(best, rate)
        }
        return best
    }
}
