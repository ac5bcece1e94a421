import Tasq
import TasqHTTP
import TasqPostgres
import TasqWebhooks

extension Bench {
    /// How often each is asked, beside few rows for a try only.
    private static func asks(beside rows: Int) -> Int { rows < 10_000 ? 4 : 40 }

    /// What people and programs ask, beside the history, a tenth as many queued jobs, and a 500th as many
    /// each that failed, are tried again and came as webhooks.
    func lists(beside schema: String, _ rows: Int) async throws -> [Figure] {
        progress.show("history: lists")
        return try await Stage.with(servers, schema: schema, kept: true) { stage in
            try await stage.fill(rows / 10)
            let store = stage.store
            let newest = try await store.jobs(matching: JobFilter(), after: nil, limit: 1)
            guard let job = newest.jobs.first?.id else { return [] }
            try await stage.fillTroubles(max(1, rows / 500))
            let events = try await store.events(matching: EventFilter(), after: nil, limit: 1)
            guard let event = events.events.first?.id else { return [] }
            let asks = Self.asks(beside: rows)
            var figures: [Figure] = []
            func ask(_ name: String, _ body: () async throws -> Void) async throws {
                let latency = LatencyRecord()
                for _ in 0..<asks {
                    let start = ContinuousClock.now
                    try await body()
                    latency.note(.now - start)
                }
                figures += [50, 95].map { percentile in
                    Figure(
                        scenario: .history, measure: "\(name) p\(Int(percentile))", unit: "ms",
                        rounds: [latency.percentile(percentile)],
                        how: "\(asks) times beside \(rows) finished, \(rows / 10) queued rows")
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
            try await withAdminServer(on: stage) { address in
                for (name, path) in Self.paths(about: job, event) {
                    let request = try HTTPRequest(url: "http://\(address)\(path)")
                    try await ask("GET \(name)") {
                        let answer = try await request.answer()
                        guard answer.status == 200 else {
                            throw Failure(.internal, "\(path) was answered \(answer.status)")
                        }
                    }
                }
            }
            return figures
        }
    }

    /// What people and programs get over HTTP, by the name it has in the figures.
    private static func paths(about job: JobID, _ event: PayloadID) -> [(
        name: String, path: String
    )] {
        let plain = [
            "/", "/jobs", "/jobs?status=error", "/jobs?status=queued", "/jobs?retrying=true",
            "/jobs?kind=rare", "/jobs?status=error&reason=nope", "/jobs?since=1h", "/queues",
            "/held-back", "/workers", "/schedules", "/events", "/bulk?action=delete&status=success",
            "/bulk?action=retry&status=error", "/v1/jobs", "/v1/jobs?status=queued",
            "/v1/jobs?retrying=true", "/v1/jobs?status=error&reason=nope",
            "/v1/jobs?payload=/order/id=nope", "/v1/jobs?running_longer_than=1h", "/v1/events",
            "/v1/events?status=error", "/v1/queues", "/v1/held-back", "/v1/workers",
            "/v1/schedules", "/v1/stats", "/metrics",
        ]
        let ofOne = [
            "/jobs/ID", "/jobs/ID/cancel", "/v1/jobs/ID", "/v1/jobs/ID/attempts",
            "/v1/jobs/ID/explain", "/events/EVENT", "/events/EVENT/replay", "/v1/events/EVENT",
        ]
        return (plain + ofOne).map { name in
            let path = name.replacing("EVENT", with: "\(event)").replacing("ID", with: "\(job)")
            return (name: name, path: path)
        }
    }

    /// Serves the pages and the API on a free loopback port while the body runs.
    private func withAdminServer(
        on stage: Stage, _ body: (ListenAddress) async throws -> Void
    ) async throws {
        let (addresses, listening) = AsyncStream.makeStream(of: ListenAddress.self)
        let server = try AdminServer(
            address: ListenAddress(host: "127.0.0.1", port: 0), tokens: [], queue: stage.queue,
            catalog: stage.store, readiness: Readiness(), meters: HTTPMeters(), logger: .silent,
            onListening: { listening.yield($0) })
        try await serving(server, addresses, listening, body)
    }
}
