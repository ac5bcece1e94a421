public import Logging
public import ServiceLifecycle
public import Tasq
public import TasqWebhooks

/// The public listener: takes webhooks and answers once they are committed in PostgreSQL.
///
/// Serves `POST /in/{source}` and nothing else; the admin routes live on ``AdminServer``.
public struct IngestServer: Service {
    private let listener: Listener

    /// Makes the server; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - limits: What is allowed.
    ///   - sources: Who may send; of two with one name the first counts.
    ///   - queue: Commits the events.
    ///   - meters: Counts what happens; the admin server shows it.
    ///   - logger: Told of start and of trouble, never of requests.
    ///   - onListening: Called once with the real address when connections are accepted.
    public init(
        address: ListenAddress, limits: HTTPLimits = HTTPLimits(), sources: [WebhookSource],
        queue: Queue, meters: HTTPMeters, logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) {
        listener = Listener(
            address: address, limits: limits,
            responder: IngestResponder(sources: sources, queue: queue, meters: meters),
            meters: meters, logger: logger, onListening: onListening)
    }

    /// Serves until graceful shutdown, then answers what has been asked and returns.
    ///
    /// Throws ``ListenError`` when it cannot listen.
    public func run() async throws {
        try await listener.run()
    }
}
