import NIOCore
import NIOPosix

/// A listening socket on 127.0.0.1 whose connections are each served by a closure.
enum SocketServer {
    /// Serves while `body` runs with the port, then until the clients have hung up.
    ///
    /// - Parameters:
    ///   - pipeline: adds to a connection what stands between its bytes and its parts.
    ///   - serve: serves one connection; what it throws ends that connection.
    static func run<In: Sendable, Out: Sendable>(
        pipeline: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        serve:
            @escaping @concurrent @Sendable (
                inout NIOAsyncChannelInboundStream<In>.AsyncIterator,
                NIOAsyncChannelOutboundWriter<Out>
            ) async throws -> Void,
        _ body: (Int) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try pipeline(channel)
                    return try NIOAsyncChannel<In, Out>(wrappingChannelSynchronously: channel)
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await accept(server, serve: serve) }
            let result: Result<Void, any Error>
            do {
                try await body(server.channel.localAddress?.port ?? 0)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            server.channel.close(promise: nil)
            try await group.waitForAll()
            try result.get()
        }
    }

    /// Never cancelled: a connection in the buffer that nobody serves would end the process.
    private static func accept<In: Sendable, Out: Sendable>(
        _ server: NIOAsyncChannel<NIOAsyncChannel<In, Out>, Never>,
        serve:
            @escaping @concurrent @Sendable (
                inout NIOAsyncChannelInboundStream<In>.AsyncIterator,
                NIOAsyncChannelOutboundWriter<Out>
            ) async throws -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask {
                        do {
                            try await connection.executeThenClose { inbound, outbound in
                                var parts = inbound.makeAsyncIterator()
                                try await serve(&parts, outbound)
                            }
                        } catch {
                            // The client has hung up, or the server did on purpose.
                        }
                    }
                }
            }
        }
    }
}
