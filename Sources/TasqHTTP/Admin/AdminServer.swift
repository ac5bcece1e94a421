public import Logging
public import ServiceLifecycle
public import Tasq

/// The listener for operators and programs: jobs, queues, workers, probes and metrics.
///
/// Needs a bearer token unless it is bound to a loopback address.
public struct AdminServer: Service {
    let routes: [Route]
    private let listener: Listener
    private let bulk: BulkRunner
    private let desk: ClaimDesk
    private let feed: ActivityFeed

    /// Limits fit for the admin listener: larger bodies, for arrays of jobs.
    public static var defaultLimits: HTTPLimits {
        var limits = HTTPLimits()
        limits.bodyBytes = 16_777_216
        return limits
    }

    /// Makes the server; ``run()`` starts it.
    ///
    /// Throws `InvalidInput` when it would be reachable from elsewhere without a token.
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - limits: What is allowed.
    ///   - tls: The certificate of an https listener; `nil`: plain http.
    ///   - tokens: Who may do what; without any, everybody on this computer may do everything.
    ///   - queue: Commits the jobs of `POST /v1/jobs`.
    ///   - catalog: Answers the reads.
    ///   - announcer: Tells of new jobs whoever waits for some at `POST /v1/claims`, and how many
    ///     stand on its lists.
    ///   - retention: What it prunes while it holds the maintenance term: nothing unless told.
    ///   - readiness: Says when shutdown has begun.
    ///   - redis: Whether Redis answers; told by `/readyz` and the dashboard, decides nothing.
    ///   - defaults: What a job of a kind, with a payload, gets where its request does not say.
    ///   - meters: What the listeners of this process counted.
    ///   - metrics: More for `/metrics`, beside what the queue and the listeners counted and what
    ///     the tables tell.
    ///   - logger: Told of start and of trouble, never of requests.
    ///   - onListening: Called once with the real address when connections are accepted.
    public init(
        address: ListenAddress, limits: HTTPLimits = AdminServer.defaultLimits,
        tls: ListenerTLS? = nil, tokens: [AdminToken], queue: Queue, catalog: any Catalog,
        announcer: any Announcer = NoAnnouncer(), retention: Retention = .forever,
        readiness: Readiness,
        redis: @escaping @Sendable () async -> DependencyState = { .none },
        defaults: @escaping @Sendable (Name, [UInt8]) -> JobOptions = { _, _ in JobOptions() },
        meters: HTTPMeters, metrics: @escaping @Sendable () async -> [Metric] = { [] },
        logger: Logger, onListening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) throws(InvalidInput) {
        guard !tokens.isEmpty || address.isLoopback else {
            throw InvalidInput(
                field: "TASQ_ADMIN_TOKEN",
                "must be set for the admin listener to leave loopback (\(address))")
        }
        let bulk = BulkRunner(queue: queue, catalog: catalog, logger: logger)
        self.bulk = bulk
        desk = queue.desk(
            catalog: catalog, announcer: announcer, retention: retention, logger: logger)
        feed = ActivityFeed(catalog: catalog, logger: logger)
        let facts = StoreMetrics(catalog: catalog, announcer: announcer)
        routes =
            ProbeRoutes(
                catalog: catalog, readiness: readiness, redis: redis,
                metrics: {
                    await facts.metrics() + queue.metrics + meters.metrics() + metrics()
                }
            ).routes
            + JobRoutes(queue: queue, catalog: catalog, meters: meters, defaults: defaults).routes
            + JobActionRoutes(queue: queue).routes
            + BulkRoutes(queue: queue, catalog: catalog, runner: bulk).routes
            + QueueRoutes(queue: queue, catalog: catalog).routes
            + ScheduleRoutes(queue: queue, defaults: defaults).routes
            + LimitRoutes(queue: queue).routes
            + FleetRoutes(catalog: catalog).routes
            + ClaimRoutes(desk: desk).routes
            + StreamRoutes(feed: feed).routes
            + SpecificationRoute().routes
            + Dashboard(
                queue: queue, catalog: catalog, runner: bulk,
                authorization: Authorization(tokens: tokens), meters: meters, redis: redis
            ).routes
            + EventRoutes(queue: queue, catalog: catalog).routes
        listener = Listener(
            address: address, limits: limits, tls: tls,
            responder: Routes(routes: routes, authorization: Authorization(tokens: tokens)),
            meters: meters, logger: logger, onListening: onListening)
    }

    /// Serves until graceful shutdown, then answers what has been asked and returns.
    ///
    /// Throws ``ListenError`` when it cannot listen.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await bulk.run() }
            group.addTask {
                // Ends before the listener does: whoever waits for work is answered first.
                await cancelWhenGracefulShutdown { await desk.run() }
            }
            group.addTask { await cancelWhenGracefulShutdown { await feed.run() } }
            defer { group.cancelAll() }
            try await listener.run()
        }
    }
}
