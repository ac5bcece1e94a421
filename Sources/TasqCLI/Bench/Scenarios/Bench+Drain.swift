import Tasq

extension Bench {
    /// The sizes of a batch that a floor is tried with; the better one counts.
    static let floorBatches = [100, 500]
    /// The clients of the floors that claim.
    static let floorClients = 2

    func drain() async throws -> Findings {
        let jobs = plan.jobs ?? 50_000
        var rates: [Double] = []
        var floors: [Double] = []
        var memory: [Double] = []
        var findings = Findings()
        try await eachRound(.drain) { round in
            let record = RateRecord()
            ProcessMemory.forgetPeak()
            rates.append(try await drainFresh(jobs, record: record))
            memory.append(ProcessMemory.now.peakMegabytes)
            if round == plan.rounds { findings.rates = [record.curve("drain")] }
            if let floor = try await drainFloor(jobs) { floors.append(floor) }
        }
        findings.figures = [
            Figure(
                scenario: .drain, measure: "drain", unit: "jobs/s", rounds: rates,
                floor: floor(floors, Self.drainFloorText),
                how: "\(jobs) no-op jobs of 1 kB, one worker, \(plan.concurrency) slots, "
                    + "worker start to last settlement"),
            Figure(
                scenario: .drain, measure: "peak memory", unit: "MB", rounds: memory,
                how: "VmHWM of the process with worker and bench"),
        ]
        return findings
    }

    func payload() async throws -> Findings {
        var findings = Findings()
        let sizes: [(name: String, bytes: Int, jobs: Int)] = [
            ("100 B", 100, 20_000), ("1 kB", 1000, 20_000),
            ("10 kB", 10_000, 5000), ("100 kB", 100_000, 1000),
        ]
        var rates: [Int: [Double]] = [:]
        try await eachRound(.payload) { _ in
            for size in sizes {
                rates[size.bytes, default: []].append(
                    try await drainFresh(plan.jobs ?? size.jobs, bytes: size.bytes))
            }
        }
        findings.figures = sizes.map { size in
            Figure(
                scenario: .payload, measure: "bodies of \(size.name)", unit: "jobs/s",
                rounds: rates[size.bytes] ?? [],
                how: "drain of \(plan.jobs ?? size.jobs), \(plan.concurrency) slots")
        }
        return findings
    }

    static let drainFloorText =
        "pgbench, 2 clients, claim and settle, the better of batches of 100 and 500"

    private func drainFresh(
        _ jobs: Int, bytes: Int = 1000, record: RateRecord? = nil
    ) async throws -> Double {
        try await Stage.with(servers) { stage in
            try await stage.fill(jobs, bytes: bytes)
            return try await drain(jobs, on: stage, record: record)
        }
    }

    /// Announces what is queued and measures from the worker's start to the commit of the last
    /// of the first `count` outcomes, in jobs a second.
    func drain(
        _ count: Int, on stage: Stage, slots: Int? = nil, record: RateRecord? = nil
    ) async throws -> Double {
        if stage.announces { try await stage.announceAll() }
        let start = ContinuousClock.now
        return try await stage.withWorker(slots: slots ?? plan.concurrency) {
            if let record {
                try await record.during(stage.meters.settled) { try await stage.settled(count) }
            } else {
                try await stage.settled(count)
            }
            return Double(count) / (.now - start).inSeconds
        }
    }

    /// The same by hand; `nil` without pgbench.
    func drainFloor(_ jobs: Int) async throws -> Double? {
        guard let pgbench else { return nil }
        var best = 0.0
        for batch in Self.floorBatches {
            let rate = try await Stage.with(servers) { stage in
                try await stage.fill(jobs)
                try await pgbench.register(on: stage)
                let each = (jobs + batch * Self.floorClients - 1) / (batch * Self.floorClients)
                let result = try await pgbench.run(
                    "claim_settle", on: stage, clients: Self.floorClients,
                    batch: batch, .transactions(each))
                let settled = try await stage.count(of: .success)
                let transactions = Double(each * Self.floorClients)
                return result.transactionsPerSecond * Double(settled) / transactions
            }
            best = max(best, rate)
        }
        return best
    }
}
