import Tasq

extension Bench {
    /// Rows of one statement, here and in the bulk floor.
    static let bulkBatch = 500
    /// Callers that bulk in at once, and pgbench's clients in its floor.
    static let bulkCallers = 2

    func enqueue() async throws -> Findings {
        let time = plan.time(2)
        var lone: (median: [Double], rate: [Double]) = ([], [])
        var loneFloor: (median: [Double], rate: [Double]) = ([], [])
        var rates: [Int: [Double]] = [:]
        var bulk: [Double] = []
        var sharedFloor: [Double] = []
        var bulkFloor: [Double] = []
        var findings = Findings()
        try await eachRound(.enqueue) { round in
            let (rate, latency) = try await callers(1, for: time)
            lone.median.append(latency.percentile(50))
            lone.rate.append(rate)
            if round == plan.rounds { findings.latencies = [latency.curve("enqueue, 1 caller")] }
            if let floor = try await singleFloor(clients: 1, time) {
                loneFloor.median.append(floor.medianMilliseconds)
                loneFloor.rate.append(floor.transactionsPerSecond)
            }
            rates[8, default: []].append(try await callers(8, for: time).rate)
            if let floor = try await singleFloor(clients: 8, time) {
                sharedFloor.append(floor.transactionsPerSecond)
            }
            rates[64, default: []].append(try await callers(64, for: time).rate)
            bulk.append(try await callers(Self.bulkCallers, batch: Self.bulkBatch, for: time).rate)
            if let floor = try await bulkFloorRate(time) { bulkFloor.append(floor) }
        }
        let single = "1 kB each, \(DurationText.format(time)), every caller waits for its commit"
        let eight = floor(sharedFloor, "pgbench, 8 clients, single-row inserts")
        findings.figures = [
            Figure(
                scenario: .enqueue, measure: "1 caller p50", unit: "ms", rounds: lone.median,
                floor: floor(loneFloor.median, "pgbench, 1 client, single-row inserts"),
                how: single),
            Figure(
                scenario: .enqueue, measure: "1 caller", unit: "jobs/s", rounds: lone.rate,
                floor: floor(loneFloor.rate, "pgbench, 1 client, single-row inserts"), how: single),
            Figure(
                scenario: .enqueue, measure: "8 callers", unit: "jobs/s", rounds: rates[8] ?? [],
                floor: eight, how: single),
            Figure(
                scenario: .enqueue, measure: "64 callers", unit: "jobs/s", rounds: rates[64] ?? [],
                floor: eight, how: single),
            Figure(
                scenario: .enqueue, measure: "bulk", unit: "jobs/s", rounds: bulk,
                floor: floor(bulkFloor, "pgbench, 2 clients, inserts of \(Self.bulkBatch) rows"),
                how: "\(Self.bulkCallers) callers with batches of \(Self.bulkBatch), 1 kB each"),
        ]
        return findings
    }

    /// Jobs a second that so many callers get committed, and how long each call took.
    private func callers(
        _ count: Int, batch: Int = 1, for time: Duration
    ) async throws -> (rate: Double, latency: LatencyRecord) {
        try await Stage.with(servers) { stage in
            let jobs = Counter()
            let latency = LatencyRecord()
            try await stage.keepEnqueuing(
                callers: count, batch: batch, until: .now + .milliseconds(300), Counter())
            let start = ContinuousClock.now
            try await stage.keepEnqueuing(
                callers: count, batch: batch, until: start + time, jobs, latency)
            return (Double(jobs.value) / (.now - start).inSeconds, latency)
        }
    }

    private func singleFloor(
        clients: Int, _ time: Duration
    ) async throws -> PgBench.Result? {
        guard let pgbench else { return nil }
        return try await Stage.with(servers) { stage in
            try await pgbench.run(
                "insert_one", on: stage, clients: clients, .time(time),
                isLogged: clients == 1)
        }
    }

    /// Single-row inserts a second from 8 clients; `nil` without pgbench.
    func sharedInsertFloor(_ time: Duration) async throws -> Double? {
        try await singleFloor(clients: 8, time)?.transactionsPerSecond
    }

    private func bulkFloorRate(_ time: Duration) async throws -> Double? {
        guard let pgbench else { return nil }
        return try await Stage.with(servers) { stage in
            let result = try await pgbench.run(
                "insert_many", on: stage, clients: 2, batch: Self.bulkBatch,
                .time(time))
            return result.transactionsPerSecond * Double(Self.bulkBatch)
        }
    }
}

extension Stage {
    /// Callers that enqueue again as soon as the last call returned.
    func keepEnqueuing(
        callers: Int, batch: Int = 1, until end: ContinuousClock.Instant, _ count: Counter,
        _ latency: LatencyRecord? = nil
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    while ContinuousClock.now < end, !Task.isCancelled {
                        let jobs = try (0..<batch).map { _ in try Stage.job() }
                        let start = ContinuousClock.now
                        _ = try await queue.enqueue(jobs)
                        latency?.note(.now - start)
                        count.add(batch)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
