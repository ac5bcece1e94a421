import NIOCore
import NIOPosix

/// A server that is no Redis: it says the same to everybody, a piece each time it hears anything.
final class Stranger: Sendable {
    private let channel: any Channel
    let port: Int

    private init(_ channel: any Channel, port: Int) {
        self.channel = channel
        self.port = port
    }

    var url: String { "redis://127.0.0.1:\(port)" }

    static func start(saying pieces: String..., oneByOne: Bool = false) async throws -> Stranger {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Speaker(pieces: pieces.map { Array($0.utf8) }, oneByOne: oneByOne))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Stranger(channel, port: channel.localAddress?.port ?? 0)
    }

    func stop() async throws {
        try await channel.close()
    }

    private final class Speaker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var pieces: [[UInt8]]
        private let oneByOne: Bool

        init(pieces: [[UInt8]], oneByOne: Bool) {
            self.pieces = pieces
            self.oneByOne = oneByOne
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !pieces.isEmpty else { return }
            let bytes = pieces.removeFirst()
            let portions = oneByOne ? bytes.map { [$0] } : [bytes]
            for portion in portions {
                context.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(bytes: portion)), promise: nil)
            }
        }
    }
}
