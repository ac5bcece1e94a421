import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One listening socket with everything it serves; ``IngestServer`` and ``AdminServer`` are each
/// one of these.
struct Listener: Service {
    let address: ListenAddress
    let limits: HTTPLimits
    var tls: ListenerTLS?
    let responder: any Responder
    let meters: HTTPMeters
    let logger: Logger
    let onListening: @Sendable (ListenAddress) -> Void

    /// Serves until graceful shutdown: then it accepts no more, answers what has been asked, and
    /// returns. Throws ``ListenError`` when it cannot listen.
    func run() async throws {
        let capacity = Capacity(limits: limits)
        let connections = HTTPConnections(
            responder: responder, limits: limits, capacity: capacity, meters: meters, tls: tls)
        let listening = try await listen(connections)
        let port = listening.channel.localAddress?.port ?? address.port
        await withGracefulShutdownHandler {
            onListening(ListenAddress(host: address.host, port: port))
            await serve(connections, from: listening)
            if !capacity.isStopping, !Task.isCancelled {
                logger.error("a listener is broken and closed", metadata: ["port": "\(port)"])
            }
        } onGracefulShutdown: {
            capacity.stop()
            listening.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    private typealias Listening = NIOAsyncChannel<AcceptedConnection, Never>

    private func listen(_ connections: HTTPConnections) async throws -> Listening {
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .serverChannelInitializer { [limits, logger] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Acceptor(limit: limits.connections, logger: logger))
                    }
                }
                .bind(host: address.host, port: address.port) { connections.setup(channel: $0) }
        } catch let error as IOError {
            throw ListenError(address, error)
        } catch let error as SocketAddressError {
            throw ListenError(address, error)
        }
    }

    /// Handles connections until the listening channel is closed and the last of them has ended.
    private func serve(_ connections: HTTPConnections, from listening: Listening) async {
        await withDiscardingTaskGroup { group in
            do {
                try await listening.executeThenClose { accepted in
                    for try await connection in accepted {
                        group.addTask { await connections.handle(connection, logger: logger) }
                    }
                }
            } catch {
                logger.debug("a listener has ended", metadata: ["error": "\(error)"])
            }
        }
    }
}
