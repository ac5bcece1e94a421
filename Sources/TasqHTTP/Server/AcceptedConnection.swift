import HummingbirdCore
import NIOCore
import NIOHTTP1
import Synchronization
import Tasq

/// A connection that was accepted and that nobody handles yet.
///
/// It waits in a buffer for its task, and a server that stops at once drops that buffer. A
/// `NIOAsyncChannel` that nobody ever ran ends the process; this one is closed.
final class AcceptedConnection: ServerChildChannelValue {
    typealias Exchange = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    /// Raised when the client has closed its side.
    let gone: Signal
    private let exchange: Exchange
    private let isTaken = Atomic(false)

    init(_ exchange: Exchange, gone: Signal) {
        self.exchange = exchange
        self.gone = gone
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
