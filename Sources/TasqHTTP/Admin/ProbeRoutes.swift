import NIOHTTP1
import Tasq

/// `/healthz`, `/readyz` and `/metrics`.
struct ProbeRoutes: Sendable {
    let catalog: any Catalog
    let readiness: Readiness
    let redis: @Sendable () async -> DependencyState
    let meters: HTTPMeters
    let metrics: @Sendable () async -> [Metric]

    var routes: [Route] {
        [
            Route("GET", "/healthz", nil) { _, _ in .json { $0.member("status", "ok") } },
            Route("GET", "/readyz", nil) { _, _ in await ready() },
            Route("GET", "/metrics", .read) { _, _ in
                let all =
                    await StoreMetrics(catalog: catalog).metrics() + meters.metrics()
                    + metrics()
                return Answer(
                    status: .ok, contentType: PrometheusText.contentType,
                    body: PrometheusText.render(all))
            },
        ]
    }

    /// Ready while PostgreSQL answers; without Redis work is only slower.
    private func ready() async -> Answer {
        let postgres = await answers()
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

    private func answers() async -> DependencyState {
        do throws(StoreError) {
            try await catalog.ping()
            return .up
        } catch {
            return .down
        }
    }
}
