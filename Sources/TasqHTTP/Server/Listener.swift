import HummingbirdCore
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
        let server = Server(
            childChannelSetup: HTTPConnections(
                responder: responder, limits: limits, capacity: capacity, meters: meters,
                tls: tls),
            configuration: ServerConfiguration(
                address: .hostname(address.host, port: address.port), backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    limits.connections, logger: logger)),
            onServerRunning: { channel in
                await AcceptPause.add(to: channel, logger: logger)
                let port = channel.localAddress?.port ?? address.port
                onListening(ListenAddress(host: address.host, port: port))
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            try await withGracefulShutdownHandler {
                try await server.run()
            } onGracefulShutdown: {
                capacity.stop()
            }
        } catch let error as IOError {
            throw ListenError(address, error)
        } catch let error as SocketAddressError {
            throw ListenError(address, error)
        }
    }
}
