import Tasq

/// The scenarios on servers that run.
struct Bench: Sendable {
    let plan: BenchPlan
    let servers: BenchServers
    /// `nil` where there is no pgbench: then there are no floors.
    let pgbench: PgBench?
    let progress: Progress

    /// Runs one scenario; `earlier` is what this run found so far.
    func run(_ scenario: Scenario, after earlier: [Figure]) async throws -> Findings {
        switch scenario {
        case .enqueue: try await enqueue()
        case .drain: try await drain()
        case .steady: try await steady()
        case .latency: try await latency(after: earlier)
        case .ingest: try await ingest()
        case .history: try await history()
        case .backlog: try await backlog()
        case .reconcile: try await reconcile()
        case .payload: try await payload()
        case .idle: try await idle()
        case .burst: try await burst()
        case .slots: try await slots()
        case .outage: try await outage()
        case .crash: try await crash()
        case .held: try await held()
        case .shared: try await shared()
        case .target: try await target()
        case .term: try await term()
        }
    }

    /// One round after the other, told on the terminal.
    func eachRound(_ scenario: Scenario, _ body: (Int) async throws -> Void) async throws {
        for round in 1...plan.rounds {
            try Task.checkCancellation()
            progress.show("\(scenario.rawValue) \(round)/\(plan.rounds)")
            try await body(round)
        }
    }

    /// Floors of pgbench, one value a round.
    func floor(_ values: [Double], _ how: String) -> Figure.Floor {
        pgbench == nil ? .absent("pgbench not found") : .rounds(values, how: how)
    }
}

extension Duration {
    var inMilliseconds: Double { inSeconds * 1000 }
}
