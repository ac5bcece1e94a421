import NIOCore
import NIOHTTP1
import NIOPosix
import TasqTLS
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// A listener with a certificate, met by clients that are not as they should be.
@Suite(.medium)
struct HTTPSTests {
    @Test func `Requests of one connection are answered in turn, large ones whole`() async throws {
        try await withIdentity { tls, trust in
            try await serving(Echo(), tls: tls) { address in
                let body = String(repeating: "x", count: 500_000)
                let request =
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                let last = "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"
                let said = try await exchange(address, trust, request + request + last)
                #expect(said.components(of: " 200 OK\r\n") == 3)
                #expect(said.components(of: body) == 2)
                #expect(said.hasSuffix("hello"))
            }
        }
    }

    @Test func `TLS older than 1.2 is refused, plain text too, and the next client is served`()
        async throws
    {
        try await withIdentity { tls, trust in
            try await serving(Echo(), tls: tls) { address in
                let request = "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nok"
                let old = try await ChildProcess.start(
                    "openssl",
                    [
                        "s_client", "-connect", "127.0.0.1:\(address.port)", "-tls1_1", "-cipher",
                        "ALL:@SECLEVEL=0",
                    ], input: request)
                #expect(try await old.wait() != .code(0))
                #expect(old.standardError.contains("alert protocol version"))
                #expect(!old.standardOutput.contains("200 OK"))
                for noise in [request, "\u{16}\u{3}\u{1}\u{0}\u{5}hello", "\u{0}"] {
                    let said = try await RawConnection.exchange(
                        with: address, Array(noise.utf8), thenFinish: true)
                    #expect(!said.contains("HTTP/1.1"), "\(said)")
                }
                let said = try await exchange(address, trust, request)
                #expect(said.hasSuffix("ok"))
            }
        }
    }

    @Test func `A handshake that never comes, or drips, is cut`() async throws {
        var limits = HTTPLimits()
        limits.request = .milliseconds(300)
        try await withIdentity { [limits] tls, _ in
            try await serving(Echo(), limits: limits, tls: tls) { address in
                for first in ["", "\u{16}", "\u{16}\u{3}\u{1}\u{2}\u{0}"] {
                    let said = try await RawConnection.open(to: address) { connection in
                        if !first.isEmpty { try await connection.send(first) }
                        return await connection.rest()
                    }
                    #expect(said.isEmpty)
                }
            }
        }
    }

    @Test func `Shutdown closes connections that idle behind a handshake`() async throws {
        try await withIdentity { tls, trust in
            let channel = try await serving(Echo(), tls: tls) { address in
                let channel = try await connect(address, trust) { _ in }
                try await channel.writeAndFlush(ByteBuffer(string: "")).get()
                return channel
            }
            // The server has returned, which it does only once every connection is closed.
            try await channel.closeFuture.get()
        }
    }

    private func withIdentity<Value>(
        _ body: (ListenerTLS, TLSContext) async throws -> Value
    ) async throws -> Value {
        let authority = try await CertificateAuthority()
        let identity = try await authority.issue(["IP:127.0.0.1"])
        let trust = try TLSContext(
            clientTrusting: authority.certificate, farewellTime: .seconds(1))
        let tls = try ListenerTLS(
            certificate: identity.certificate, key: identity.key, field: "http.ingest")
        return try await body(tls, trust)
    }
}

/// Sends text over TLS, waits for the server to close and returns everything it said.
private func exchange(
    _ address: ListenAddress, _ trust: TLSContext, _ text: String
) async throws -> String {
    let said = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: String.self)
    do {
        let channel = try await connect(address, trust) { channel in
            try channel.pipeline.syncOperations.addHandler(Ear(said))
        }
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    } catch {
        said.fail(error)
    }
    return try await said.futureResult.get()
}

private func connect(
    _ address: ListenAddress, _ trust: TLSContext,
    _ more: @escaping @Sendable (any Channel) throws -> Void
) async throws -> any Channel {
    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    try trust.clientHandler(for: "127.0.0.1"))
                try more(channel)
            }
        }
        .connect(host: address.host, port: address.port).get()
}

/// Keeps what the server says until it closes.
private final class Ear: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let said: EventLoopPromise<String>
    private var buffer = ByteBuffer()

    init(_ said: EventLoopPromise<String>) {
        self.said = said
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var more = unwrapInboundIn(data)
        buffer.writeBuffer(&more)
    }

    func channelInactive(context: ChannelHandlerContext) {
        said.succeed(String(buffer: buffer))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        said.fail(error)
        context.close(promise: nil)
    }
}
