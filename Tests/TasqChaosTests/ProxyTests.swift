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

    @Test func `Who asks for a connection is counted, also where nobody is at its end`()
        async throws
    {
        let server = try await Self.listen()
        let port = server.localAddress?.port ?? 0
        try await server.close()
        let road = try await Proxy.open(to: port)
        let client = try await Client.connect(to: road.port)
        try await eventually("it is over") { client.hasHeardAll }
        #expect(road.asked == 1)
        #expect(road.connections == 0)
    }

    @Test func `A side that has said its last still hears the other`() async throws {
        let server = try await Self.listen()
        let road = try await Proxy.open(to: server.localAddress?.port ?? 0)
        let client = try await Client.connect(to: road.port)
        client.send("a question")
        client.endSpeech()
        try await eventually("the answer comes") { client.received == "goodbye" }
        try await eventually("it is over") { !client.isOpen }
        try await server.close()
    }

    @Test func `A road that ends one way goes on the other way`() async throws {
        try await withEcho { road, client, echoed in
            client.send("before ")
            try await eventually("it comes back") { client.received == "before " }
            road.halfClose(towardsServer: false)
            try await eventually("nothing comes any more") { client.hasHeardAll }
            client.send("after")
            try await eventually("the server has it") {
                echoed.value.withLock { $0 } == "before after"
            }
            #expect(client.received == "before ")
            #expect(road.struck == 1)
        }
    }

    @Test func `What is lost on the way ends both sides`() async throws {
        try await withEcho { road, client, echoed in
            road.weather = Weather(resetChance: 1)
            client.send("lost")
            try await eventually("it is over") { !client.isOpen }
            let heard = echoed.value.withLock { $0 }
            #expect(heard == "")
            #expect(road.struck == 1)
        }
    }

    @Test func `What is sent while nothing arrives at the server arrives later`() async throws {
        try await withEcho { road, client, echoed in
            road.weather = Weather(holdsUp: true)
            client.send("held")
            try await eventually("it is held") { road.struck > 0 }
            let heard = echoed.value.withLock { $0 }
            #expect(heard == "")
            road.weather = .fair
            try await eventually("it comes back") { client.received == "held" }
        }
    }

    @Test func `Packets that a rule dropped are read from the table of rules`() {
        let table = """
            Chain INPUT (policy ACCEPT 9 packets, 900 bytes)
                pkts      bytes target     prot opt in     out     source               destination
                  12      720 DROP       0    --  *      *       0.0.0.0/0            0.0.0.0/0

            Chain OUTPUT (policy ACCEPT 3 packets, 300 bytes)
                pkts      bytes target     prot opt in     out     source               destination
                   5      300 DROP       0    --  *      *       0.0.0.0/0            0.0.0.0/0
            """
        #expect(NetworkNamespace.dropped(in: table) == 17)
        #expect(NetworkNamespace.dropped(in: "") == 0)
    }

    /// A server that answers only whoever has said its last.
    private static func listen() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Parting())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
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

/// Says goodbye when the other side has said its last, and goes.
private final class Parting: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
        context.writeAndFlush(NIOAny(ByteBuffer(string: "goodbye")), promise: nil)
        context.close(promise: nil)
    }
}

private final class Client: Sendable {
    private let channel: any Channel
    private let text: Text
    private let ended: Text

    private init(_ channel: any Channel, _ text: Text, _ ended: Text) {
        self.channel = channel
        self.text = text
        self.ended = ended
    }

    var received: String { text.value.withLock { $0 } }
    var isOpen: Bool { channel.isActive }
    /// Whether the other side has said its last.
    var hasHeardAll: Bool { ended.value.withLock { !$0.isEmpty } }

    /// Says no more, and listens.
    func endSpeech() { channel.close(mode: .output, promise: nil) }

    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    static func connect(to port: Int) async throws -> Client {
        let (text, ended) = (Text(), Text())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(text, ended))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return Client(channel, text, ended)
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let text: Text
        private let ended: Text

        init(_ text: Text, _ ended: Text) {
            self.text = text
            self.ended = ended
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            text.value.withLock { $0 += String(buffer: bytes) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
            ended.value.withLock { $0 = "ended" }
        }
    }
}
