import HummingbirdCore
import NIOCore
import NIOHTTP1
import Synchronization

/// A connection that was accepted and that nobody handles yet.
///
/// It waits in a buffer for its task, and a server that stops at once drops that buffer. A
/// `NIOAsyncChannel` that nobody ever ran ends the process; this one is closed.
final class AcceptedConnection: ServerChildChannelValue {
    typealias Exchange = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private let exchange: Exchange
    private let isTaken = Atomic(false)

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    deinit {
        guard !isTaken.load(ordering: .relaxed) else { return }
        Task { [exchange] in
            do { try await exchange.executeThenClose { _, _ in } } catch {}
        }
    }

    var channel: any Channel { exchange.channel }

    /// The connection, for the one caller who handles it to its end.
    func take() -> Exchange {
        isTaken.store(true, ordering: .relaxed)
        return exchange
    }
}
