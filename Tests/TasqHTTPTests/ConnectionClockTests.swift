import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import TasqHTTP

/// The clock of a connection in memory, whose time passes when it is told to.
@Suite struct ConnectionClockTests {
    @Test func `A download goes on for as long as each piece is taken in its time`() throws {
        let line = try Line()
        defer { line.end() }
        try line.download(pieces: 5)
        for _ in 0..<5 {
            line.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
            line.client.take()
            #expect(line.channel.isActive)
        }
        line.client.take()
        #expect(line.client.isServed)
        line.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(line.channel.isActive)
    }

    @Test func `A download that stands still is cut, however much of it was taken`() throws {
        let line = try Line()
        defer { line.end() }
        try line.download(pieces: 5)
        for _ in 0..<2 {
            line.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
            line.client.take()
        }
        line.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(line.channel.isActive)
        line.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!line.channel.isActive)
    }

    @Test func `The time of a request stands still while it waits for room, and goes on behind it`()
        throws
    {
        let line = try Line()
        defer { line.end() }
        try line.channel.writeInbound(
            ByteBuffer(string: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"))
        line.channel.embeddedEventLoop.advanceTime(by: .seconds(6))
        line.clock.holdRequest(true)
        line.channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(throws: Never.self) { try line.channel.throwIfErrorCaught() }
        #expect(line.channel.isActive)
        line.clock.holdRequest(false)
        line.channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        #expect(throws: RequestTooSlow.self) { try line.channel.throwIfErrorCaught() }
    }
}

/// A connection with nothing but its clock at the server's side, and the usual limits: ten seconds for
/// a request and for each piece of an answer.
private final class Line {
    let channel = EmbeddedChannel()
    let clock = ConnectionClock(limits: HTTPLimits())
    let client = Client()

    init() throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(client)
        try pipeline.addHandler(ByteArrival(clock))
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false,
            withOutboundHeaderValidation: true, withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: .init())
        try pipeline.addHandler(clock)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Asks, and answers with large pieces and an end, of which the client has taken the head.
    func download(pieces: Int) throws {
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        let piece = ByteBuffer(repeating: 0x78, count: 2 * HTTPLimits.freeBodyBytes)
        let headers = HTTPHeaders([("Content-Length", "\(pieces * piece.readableBytes)")])
        write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)))
        for _ in 0..<pieces { write(.body(.byteBuffer(piece))) }
        write(.end(nil))
        client.take()
    }

    private func write(_ part: HTTPServerResponsePart) {
        channel.writeAndFlush(part, promise: nil)
    }

    func end() {
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}

/// Takes what is written when it is told to.
private final class Client: ChannelOutboundHandler {
    typealias OutboundIn = IOData

    private var writes: CircularBuffer<(data: NIOAny, promise: EventLoopPromise<Void>?)> = []
    private var context: ChannelHandlerContext?

    /// Whether it has taken all.
    var isServed: Bool { writes.isEmpty }

    /// Takes what was written next.
    func take() {
        guard let context, let next = writes.popFirst() else { return }
        context.writeAndFlush(next.data, promise: next.promise)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writes.append((data, promise))
    }

    func flush(context: ChannelHandlerContext) {}

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        while let write = writes.popFirst() { write.promise?.fail(ChannelError.ioOnClosedChannel) }
        context.close(mode: mode, promise: promise)
    }
}
