import Tasq
import TasqPostgres
import TasqWebhooks

extension Bench {
    /// How often each is asked.
    private static let asks = 40

    /// What people and programs ask, beside the history and a tenth as many queued jobs.
    func lists(beside schema: String, _ rows: Int) async throws -> [Figure] {
        progress.show("history: lists")
        return try await Stage.with(servers, schema: schema, kept: true) { stage in
            try await stage.fill(rows / 10)
            let store = stage.store
            let newest = try await store.jobs(matching: JobFilter(), after: nil, limit: 1)
            guard let job = newest.jobs.first?.id else { return [] }
            var figures: [Figure] = []
            func ask(_ name: String, _ body: () async throws -> Void) async throws {
                let latency = LatencyRecord()
                for _ in 0..<Self.asks {
                    let start = ContinuousClock.now
                    try await body()
                    latency.note(.now - start)
                }
                figures += [50, 95].map { percentile in
                    Figure(
                        scenario: .history, measure: "\(name) p\(Int(percentile))", unit: "ms",
                        rounds: [latency.percentile(percentile)],
                        how: "\(Self.asks) times beside \(rows) finished, \(rows / 10) queued rows")
                }
            }
            for (name, filter) in [
                ("all jobs", JobFilter()), ("kind that is rare", JobFilter(kind: try Name("rare"))),
                ("key that no job has", JobFilter(key: "nope")),
                ("reason that no job has", JobFilter(reason: "nope")),
            ] + JobStatus.allCases.map({ ("status \($0.rawValue)", JobFilter(status: $0)) }) {
                try await ask(name) {
                    _ = try await store.jobs(matching: filter, after: nil, limit: 100)
                }
            }
            let value = try PayloadValue("/order/id=nope", field: "payload")
            try await ask("payload that no job has") {
                _ = try await store.jobs(
                    matching: JobFilter(), having: value, after: nil, limit: 100)
            }
            try await ask("events") {
                _ = try await store.events(matching: EventFilter(), after: nil, limit: 100)
            }
            try await ask("explain") { _ = try await store.circumstances(of: job) }
            try await ask("queues") { _ = try await store.queues() }
            try await ask("charts") {
                _ = try await store.glance()
                _ = try await store.tallies(since: Timestamp(microseconds: 0))
            }
            let metrics = StoreMetrics(catalog: store)
            try await ask("metrics") { _ = await metrics.metrics() }
            return figures
        }
    }
}
