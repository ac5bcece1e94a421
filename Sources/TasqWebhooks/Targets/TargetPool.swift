package import NIOCore
import NIOHTTP1
import NIOPosix
import TasqTLS

/// The connections to one origin; sends requests over them.
///
/// A connection is used again once its answer has come to its end, and closed after a minute
/// without use. Redirects are not followed, and a body is taken as it comes. All of it happens on
/// one event loop of the process, which costs no lock and no thread.
package final class TargetPool: Sendable {
    private let origin: HTTPOrigin
    private let loop: any EventLoop
    private let connections: NIOLoopBoundBox<TargetConnections>

    /// - Parameters:
    ///   - peers: which addresses may be connected to; `nil`: any.
    ///   - limit: connections at once; whoever finds them busy waits.
    package init(to origin: HTTPOrigin, peers: PeerRule? = nil, limit: Int) {
        self.origin = origin
        loop = MultiThreadedEventLoopGroup.singleton.next()
        connections = NIOLoopBoundBox.makeBoxSendingValue(
            TargetConnections(to: origin, peers: peers, limit: limit, loop: loop), eventLoop: loop)
    }

    /// Sends a request to this origin and returns its answer, with at most `bodyLimit` bytes of its
    /// body.
    ///
    /// Returns once the body is there, `grace` after the head at the latest; `isWhole` says whether
    /// it came to its end. A request is sent a second time only over a fresh connection, and only
    /// when the first was one used before that ended without a byte of an answer.
    ///
    /// Throws ``RequestFault``, an error of the connection (see ``connectionFault(_:)``), or
    /// `CancellationError`; each closes the connection.
    package func send(
        _ request: HTTPRequest, deadline: NIODeadline, bodyLimit: Int, grace: TimeAmount? = nil
    ) async throws -> HTTPAnswer {
        let bytes = try request.encoded()
        let tls = origin.isSecure ? try Self.tls.get() : nil
        let promise = loop.makePromise(of: HTTPAnswer.self)
        let kept = NIOLoopBoundBox.makeEmptyBox(valueType: HTTPExchange.self, eventLoop: loop)
        loop.execute { [connections] in
            let exchange = HTTPExchange(
                bytes, isToHead: request.method == .HEAD, deadline: deadline,
                appetite: .init(bytes: bodyLimit, grace: grace), promise: promise)
            kept.value = exchange
            connections.value.start(exchange, tls: tls)
        }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            loop.execute { kept.value?.abandon(CancellationError()) }
        }
    }

    /// Closes the connections. Requests under way fail.
    package func close() {
        loop.execute { [connections] in connections.value.close() }
    }

    /// Closes the connections and returns when that is done.
    package func shutdown() async {
        let closing = loop.submit { [connections] in connections.value.close() }
        do { try await closing.get() } catch {}
    }

    /// Why nothing can be sent by https, in a few words; `nil` when it can.
    package static var objectionToHTTPS: String? {
        guard case .failure(let error) = tls else { return nil }
        return connectionFault(error)
    }

    private static let tls = Result {
        try TLSContext(clientTrusting: nil, speaksHTTP: true, farewellTime: .seconds(1))
    }
}

extension HTTPRequest {
    /// Sends this request over a connection of its own.
    package func answer(
        within time: Duration = .seconds(30), bodyLimit: Int = 1 << 20
    ) async throws -> HTTPAnswer {
        let pool = TargetPool(to: origin, limit: 1)
        defer { pool.close() }
        return try await pool.send(
            self, deadline: .now() + TimeAmount(time), bodyLimit: bodyLimit)
    }
}
