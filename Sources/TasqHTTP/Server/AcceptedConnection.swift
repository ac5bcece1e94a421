import NIOCore
import NIOHTTP1
import Synchronization
import Tasq

/// A connection that was accepted and that nobody handles yet.
///
/// It waits in a buffer for its task, and a server that stops at once drops that buffer. A
/// `NIOAsyncChannel` that nobody ever ran ends the process; this one is closed.
final class AcceptedConnection: Sendable {
    typealias Exchange = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    /// Raised when the client has closed its side.
    let gone: Signal
    private let clock: NIOLoopBound<ConnectionClock>
    private let exchange: Exchange
    private let isTaken = Atomic(false)

    /// Called on the connection's event loop.
    init(_ exchange: Exchange, _ clock: ConnectionClock) {
        self.exchange = exchange
        self.clock = NIOLoopBound(clock, eventLoop: exchange.channel.eventLoop)
        gone = clock.gone
    }

    deinit {
        guard !isTaken.load(ordering: .relaxed) else { return }
        Task { [exchange] in
            do { try await exchange.executeThenClose { _, _ in } } catch {}
        }
    }

    var channel: any Channel { exchange.channel }

    /// The fate of the next answer: kept once it has gone out whole, broken when it could not.
    func nextDelivery() async throws -> EventLoopFuture<Void> {
        try await channel.eventLoop.submit { [clock] in
            clock.value.nextDelivery(on: clock.eventLoop)
        }.get()
    }

    /// Stops the time of the request that is being received while it has to wait, or lets it go on.
    func holdRequest(_ waits: Bool) {
        channel.eventLoop.execute { [clock] in clock.value.holdRequest(waits) }
    }

    /// The connection, for the one caller who handles it to its end.
    func take() -> Exchange {
        isTaken.store(true, ordering: .relaxed)
        return exchange
    }
}
