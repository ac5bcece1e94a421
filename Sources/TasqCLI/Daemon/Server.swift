import Logging
import ServiceLifecycle
import Tasq
import TasqHTTP
import TasqWebhooks

/// The services of `tasq serve`.
struct Server: Sendable {
    /// In order of dependency: readiness, last, turns red first.
    let services: [any Service]

    /// `onListening` is told `ingest` or `admin` and the real address. Throws ``InvalidInput``.
    init(
        _ configuration: Configuration, _ connections: Connections, logger: Logger,
        onListening: @escaping @Sendable (String, ListenAddress) -> Void
    ) throws {
        let meters = Meters()
        let queue = Queue(
            store: connections.store, announcer: connections.announcer, meters: meters)
        let httpMeters = HTTPMeters()
        let readiness = Readiness()
        let handlers = configuration.handlers
        let sources = try configuration.sources.map { try $0.source(for: handlers) }
        let ingest = IngestServer(
            address: configuration.http.ingest, limits: configuration.limits, sources: sources,
            queue: queue, meters: httpMeters, logger: logger,
            onListening: { onListening("ingest", $0) })
        let store = connections.store
        let announcer = connections.announcer
        let admin = try AdminServer(
            address: configuration.http.admin, tokens: configuration.http.tokens(),
            queue: queue, catalog: store, announcer: announcer, readiness: readiness,
            redis: { await announcer.state() },
            defaults: { kind, payload in handlers.defaults(for: kind, payload: payload) },
            meters: httpMeters,
            metrics: {
                meters.all.map {
                    Metric($0.name, .counter, help: $0.help, value: Double($0.value))
                }
            }, logger: logger,
            onListening: { onListening("admin", $0) })
        services = [SchemaWatch(gate: connections.gate), ingest, admin, readiness]
    }
}

extension Announcer {
    /// Whether the doorbell answers, for probes.
    func state() async -> DependencyState {
        guard rings else { return .none }
        do {
            _ = try await depths(of: [.defaultQueue])
            return .up
        } catch {
            return .down
        }
    }
}

extension [HandlerEntry] {
    /// What a job of a kind gets where its enqueue does not say; from the first entry about it.
    func defaults(for kind: Name, payload: [UInt8]) -> JobDefaults {
        guard let entry = entry(for: kind) else { return JobDefaults() }
        let request = WebhookRequest(headers: [], body: payload)
        return JobDefaults(
            queue: entry.queue ?? .defaultQueue, priority: entry.priority ?? .default,
            maxAttempts: entry.maxAttempts ?? JobLimits.defaultMaxAttempts,
            key: (try? template(for: kind))?.key(in: request))
    }
}
