import NIOCore
import NIOPosix
import Synchronization
import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

/// The road between a process and a server, under every weather.
@Suite(.medium) struct ProxyTests {
    @Test func `Bytes arrive whole and in order, whatever the weather slows and slices`()
        async throws
    {
        try await withEcho { road, client, _ in
            road.weather = Weather(latency: .milliseconds(2), jitter: .milliseconds(2), slice: 7)
            let text = String(repeating: "0123456789", count: 500)
            client.send(text)
            try await eventually("it comes back") { client.received == text }
        }
    }

    @Test func `What is held up arrives when the road is free again`() async throws {
        try await withEcho { road, client, echoed in
            client.send("before ")
            try await eventually("it comes back") { client.received == "before " }
            road.weather = Weather(holdsDown: true)
            client.send("after")
            try await eventually("the server has it") {
                echoed.value.withLock { $0 } == "before after"
            }
            #expect(client.received == "before ")
            #expect(client.isOpen)
            road.weather = .fair
            try await eventually("the rest comes back") { client.received == "before after" }
        }
    }

    @Test func `A reset ends connections, and new ones are made`() async throws {
        try await withEcho { road, client, _ in
            client.send("hello")
            try await eventually("it comes back") { client.received == "hello" }
            road.reset()
            try await eventually("it is over") { !client.isOpen }
            let again = try await Client.connect(to: road.port)
            again.send("again")
            try await eventually("the road works") { again.received == "again" }
            #expect(road.connections == 2)
        }
    }

    private func withEcho(_ body: (Proxy, Client, Text) async throws -> Void) async throws {
        let echoed = Text()
        let echo = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Echo(echoed))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let road = try await Proxy.open(to: echo.localAddress?.port ?? 0)
        try await body(road, try await Client.connect(to: road.port), echoed)
        try await echo.close()
    }
}

private final class Text: Sendable {
    let value = Mutex("")
}

private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let text: Text

    init(_ text: Text) {
        self.text = text
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text.value.withLock { $0 += String(buffer: unwrapInboundIn(data)) }
        context.writeAndFlush(data, promise: nil)
    }
}

private final class Client: Sendable {
    private let channel: any Channel
    private let text: Text

    private init(_ channel: any Channel, _ text: Text) {
        self.channel = channel
        self.text = text
    }

    var received: String { text.value.withLock { $0 } }
    var isOpen: Bool { channel.isActive }

    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    static func connect(to port: Int) async throws -> Client {
        let text = Text()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(text))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return Client(channel, text)
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let text: Text

        init(_ text: Text) {
            self.text = text
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            text.value.withLock { $0 += String(buffer: bytes) }
        }
    }
}
