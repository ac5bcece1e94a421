public import Logging
public import ServiceLifecycle
public import Tasq

/// The small listener of a worker: `GET /metrics`, `/healthz` and `/readyz`, nothing else.
///
/// Takes the admin listener's tokens for `/metrics`, of any role, and none for the probes. Needs one
/// unless it is bound to a loopback address.
public struct WorkerServer: Service {
    private let listener: Listener

    /// Limits fit for probes and scrapes: requests have no bodies, and few come at once.
    public static var defaultLimits: HTTPLimits {
        var limits = HTTPLimits()
        limits.bodyBytes = 1024
        limits.connections = 64
        limits.inFlight = 16
        return limits
    }

    /// Makes the server; ``run()`` starts it.
    ///
    /// Throws `InvalidInput` when it would be reachable from elsewhere without a token.
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - limits: What is allowed.
    ///   - tls: The certificate of an https listener; `nil`: plain http.
    ///   - tokens: Who may read the metrics; without any, everybody on this computer.
    ///   - catalog: Asked whether PostgreSQL answers, and for nothing else.
    ///   - readiness: Says when shutdown has begun.
    ///   - redis: Whether Redis answers; told by `/readyz`, decides nothing.
    ///   - metrics: What `/metrics` tells.
    ///   - logger: Told of start and of trouble, never of requests.
    ///   - onListening: Called once with the real address when connections are accepted.
    public init(
        address: ListenAddress, limits: HTTPLimits = WorkerServer.defaultLimits,
        tls: ListenerTLS? = nil, tokens: [AdminToken], catalog: any Catalog, readiness: Readiness,
        redis: @escaping @Sendable () async -> DependencyState = { .none },
        metrics: @escaping @Sendable () async -> [Metric], logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) throws(InvalidInput) {
        guard !tokens.isEmpty || address.isLoopback else {
            throw InvalidInput(
                field: "worker.listen", "must stay on loopback until admin_token is set")
        }
        let probes = ProbeRoutes(
            catalog: catalog, readiness: readiness, redis: redis, metrics: metrics)
        listener = Listener(
            address: address, limits: limits, tls: tls,
            responder: Routes(
                routes: probes.routes, authorization: Authorization(tokens: tokens)),
            meters: HTTPMeters(), logger: logger, onListening: onListening)
    }

    /// Serves until graceful shutdown, then answers what has been asked and returns.
    ///
    /// Throws ``ListenError`` when it cannot listen.
    public func run() async throws {
        try await listener.run()
    }
}
