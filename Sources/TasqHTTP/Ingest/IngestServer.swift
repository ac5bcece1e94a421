public import Logging
public import ServiceLifecycle
public import Tasq
public import TasqWebhooks

/// The public listener: takes webhooks and answers once they are committed in PostgreSQL.
///
/// Serves `POST /in/{source}` and nothing else; the admin routes live on ``AdminServer``.
public struct IngestServer: Service {
    private let listener: Listener
    private let sources: SourceTable
    private let meters: HTTPMeters

    /// Makes the server; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - limits: What is allowed.
    ///   - tls: The certificate of an https listener; `nil`: plain http.
    ///   - sources: Who may send; of two with one name the first counts.
    ///   - queue: Commits the events.
    ///   - meters: Counts what happens; the admin server shows it.
    ///   - logger: Told of trouble, and of refused webhooks, a few a minute of each source: never
    ///     what was sent.
    ///   - onListening: Called once with the real address when connections are accepted.
    public init(
        address: ListenAddress, limits: HTTPLimits = HTTPLimits(), tls: ListenerTLS? = nil,
        sources: [WebhookSource], queue: Queue, meters: HTTPMeters, logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) {
        let table = SourceTable(sources)
        meters.know(sources)
        self.meters = meters
        self.sources = table
        listener = Listener(
            address: address, limits: limits, tls: tls,
            responder: IngestResponder(
                sources: table, queue: queue, meters: meters, logger: logger),
            meters: meters, logger: logger, onListening: onListening)
    }

    /// Takes other sources for the requests that come from now on.
    public func replaceSources(_ sources: [WebhookSource]) {
        meters.know(sources)
        self.sources.replace(with: sources)
    }

    /// Serves until graceful shutdown, then answers what has been asked and returns.
    ///
    /// Throws ``ListenError`` when it cannot listen.
    public func run() async throws {
        try await listener.run()
    }
}
