import NIOHTTP1
import Tasq

/// `/healthz`, `/readyz` and `/metrics`, of servers and of workers.
struct ProbeRoutes: Sendable {
    let catalog: any Catalog
    let readiness: Readiness
    let redis: @Sendable () async -> DependencyState
    let metrics: @Sendable () async -> [Metric]

    var routes: [Route] {
        [
            Route("GET", "/healthz", nil) { _, _ in .json { $0.member("status", "ok") } },
            Route("GET", "/readyz", nil) { _, _ in await ready() },
            Route("GET", "/metrics", .read) { _, _ in
                let page = PrometheusText.page(of: await health() + metrics())
                return Answer(
                    status: .ok, contentType: PrometheusText.contentType, body: Array(page.utf8))
            },
        ]
    }

    /// Ready while PostgreSQL answers; without Redis work is only slower.
    private func ready() async -> Answer {
        let postgres = await postgres()
        let redis = await redis()
        let isReady = postgres == .up && !readiness.isStopping
        return .json(isReady ? .ok : .serviceUnavailable) { json in
            json.member(
                "status",
                readiness.isStopping ? "shutting-down" : isReady ? "ready" : "unavailable")
            json.member("postgres", postgres.rawValue)
            json.member("redis", redis.rawValue)
        }
    }

    private func health() async -> [Metric] {
        let postgres = up("postgres", "PostgreSQL", await postgres())
        let redis = await redis()
        return redis == .none ? [postgres] : [postgres, up("redis", "Redis", redis)]
    }

    private func up(_ name: String, _ title: String, _ state: DependencyState) -> Metric {
        Metric(
            "tasq_\(name)_up", .gauge, help: "Whether \(title) answered this scrape.",
            value: state == .up ? 1 : 0)
    }

    private func postgres() async -> DependencyState {
        do throws(StoreError) {
            try await catalog.ping()
            return .up
        } catch {
            return .down
        }
    }
}
