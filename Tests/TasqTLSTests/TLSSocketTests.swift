import NIOCore
import NIOPosix
import Synchronization
import TasqTLS
import TasqTesting
import TestSizes
import Testing

/// Over real sockets.
@Suite(.medium) struct TLSSocketTests {
    private typealias Plain = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private static let piece = 64 << 10
    private static let pieces = 160
    /// What the operating system keeps for a reader. Left to itself it keeps up to ten megabytes on the
    /// way, if both ends are busy for long enough.
    private static let window = ChannelOptions.Types.SocketOption.Value(128 << 10)

    @Test func `Ten megabytes go either way, and a writer waits for a reader that does not read`()
        async throws
    {
        let certificates = try await Certificates()
        try await connected(certificates) { client, server in
            for (from, to) in [(client, server), (server, client)] {
                try await Self.send(from, to)
            }
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `OpenSSL's own server is understood`(version: String) async throws {
        let certificates = try await Certificates()
        let server = try await ChildProcess.start(
            "openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", certificates.identity.certificate,
                "-key", certificates.identity.key, "-rev", version,
            ])
        let line = try await server.waitForLine(containing: "ACCEPT 127.0.0.1:")
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        let context = try TLSContext(
            clientTrusting: certificates.authority.certificate, farewellTime: .seconds(1))
        let channel = try await Self.connect(to: port, context)
        let answer = try await Self.answer(on: channel, to: ["abc\n", "def\n"])
        #expect(answer == "cba\nfed\n")
    }

    /// Sends lines, and returns as many bytes of answer.
    @concurrent
    private static func answer(on channel: Plain, to lines: [String]) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            for line in lines { try await outbound.write(ByteBuffer(string: line)) }
            var answer = ""
            for try await more in inbound {
                answer += String(buffer: more)
                if answer.count == lines.joined().count { break }
            }
            return answer
        }
    }

    /// Sends all, of which nothing is read before the sender is held up.
    @concurrent
    private static func send(_ from: Side, _ to: Side) async throws {
        let sent = Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<pieces {
                    try await from.outbound.write(bytes(number))
                    sent.value.add(1, ordering: .relaxed)
                }
            }
            try await eventually("the writer is held up") { !from.channel.isWritable }
            #expect(sent.value.load(ordering: .relaxed) < pieces)
            var (got, number) = (ByteBuffer(), 0)
            for try await more in to.inbound {
                got.writeImmutableBuffer(more)
                while got.readableBytes >= piece, let next = got.readSlice(length: piece) {
                    #expect(next == bytes(number))
                    number += 1
                }
                got.discardReadBytes()
                if number == pieces { break }
            }
            #expect(number == pieces)
            try await group.waitForAll()
        }
    }

    private static func bytes(_ number: Int) -> ByteBuffer {
        ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: piece)
    }

    /// One end of a connection.
    private struct Side: Sendable {
        let channel: any Channel
        let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    }

    @concurrent
    private func connected(
        _ certificates: Certificates,
        _ body: @Sendable @concurrent (Side, Side) async throws -> Void
    ) async throws {
        let (own, trust) = (
            try TLSContext(
                server: .init(
                    certificate: certificates.identity.certificate,
                    key: certificates.identity.key), farewellTime: .seconds(1)),
            try TLSContext(
                clientTrusting: certificates.authority.certificate, farewellTime: .seconds(1))
        )
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_rcvbuf), value: Self.window)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(own.serverHandler())
                    return try Plain(wrappingChannelSynchronously: channel)
                }
            }
        let port = try #require(listener.channel.localAddress?.port)
        try await listener.executeThenClose { accepted in
            let client = try await Self.connect(to: port, trust)
            var servers = accepted.makeAsyncIterator()
            let server = try #require(try await servers.next())
            try await client.executeThenClose { clientIn, clientOut in
                try await server.executeThenClose { serverIn, serverOut in
                    try await body(
                        Side(
                            channel: client.channel, inbound: clientIn, outbound: clientOut),
                        Side(
                            channel: server.channel, inbound: serverIn, outbound: serverOut))
                }
            }
        }
    }

    private static func connect(to port: Int, _ trust: TLSContext) async throws -> Plain {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.so_rcvbuf), value: window)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        trust.clientHandler(for: "127.0.0.1"))
                    return try Plain(wrappingChannelSynchronously: channel)
                }
            }
    }
}

private final class Count: Sendable {
    let value = Atomic(0)
}
