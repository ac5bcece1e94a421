import NIOCore
import NIOEmbedded

@testable import TasqTLS

/// Two ends of a connection in memory, of which each may be cut, slowed, or somebody else's.
final class Line {
    let client: End
    let server: End

    init(_ client: TLSHandler, _ server: TLSHandler, halfCloses: Bool = false) throws {
        self.client = try End(client, halfCloses: halfCloses)
        self.server = try End(server, halfCloses: halfCloses)
    }

    /// Makes the connection, and carries bytes until there are no more.
    func open(pieces: Int = .max) throws {
        try client.activate()
        try server.activate()
        carry(pieces: pieces)
    }

    /// Carries bytes both ways in pieces of this size until there are no more.
    func carry(pieces: Int = .max) {
        while true {
            let (there, back) = (client.sent(), server.sent())
            if there.readableBytes + back.readableBytes == 0 { return }
            server.receive(there, pieces: pieces)
            client.receive(back, pieces: pieces)
        }
    }
}

/// One end: a pipeline with TLS in it, and what came out of that at its other side.
final class End {
    let channel = EmbeddedChannel()
    private let ear = Ear()
    private let socket = Socket()

    init(_ handler: TLSHandler, halfCloses: Bool = false) throws {
        channel.allowRemoteHalfClosure = halfCloses
        try channel.pipeline.syncOperations.addHandler(socket)
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.pipeline.syncOperations.addHandler(ear)
    }

    var heard: [UInt8] { Array(ear.heard.readableBytesView) }
    var text: String { String(decoding: heard, as: UTF8.self) }
    var faults: [TLSFault] { ear.faults }
    /// How often it was said that the input has ended.
    var inputEnds: Int { ear.inputEnds }
    var isOpen: Bool { channel.isActive }

    /// Whether the socket takes nothing that is written.
    var isBlocked: Bool {
        get { socket.isBlocked }
        set { socket.isBlocked = newValue }
    }

    /// Ends the connection at the next flush.
    func breakAtFlush() { socket.isBroken = true }

    /// How many bytes had been heard when the first fault was told.
    var heardAtFault: Int? { ear.heardAtFault }

    /// How many faults had been told when it was said that the connection has ended.
    var faultsAtEnd: Int? { ear.faultsAtEnd }

    func activate() throws {
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Writes; flushes too unless it is told not to.
    @discardableResult
    func write(_ text: String, flushes: Bool = true) -> Fate {
        write(Array(text.utf8), flushes: flushes)
    }

    @discardableResult
    func write(_ bytes: [UInt8], flushes: Bool = true) -> Fate {
        let fate = Fate(channel.write(ByteBuffer(bytes: bytes)))
        if flushes { channel.flush() }
        return fate
    }

    @discardableResult
    func close(_ mode: CloseMode = .all) -> Fate {
        Fate(channel.close(mode: mode))
    }

    /// What has been written to the socket since the last call.
    func sent() -> ByteBuffer {
        var all = ByteBuffer()
        while var more = try? channel.readOutbound(as: ByteBuffer.self) {
            all.writeBuffer(&more)
        }
        return all
    }

    func receive(_ bytes: ByteBuffer, pieces: Int = .max) {
        var rest = bytes
        while isOpen, let piece = rest.readSlice(length: min(pieces, rest.readableBytes)),
            piece.readableBytes > 0
        {
            channel.pipeline.fireChannelRead(piece)
            channel.pipeline.fireChannelReadComplete()
        }
    }

    /// The connection has ended.
    func lose() {
        channel.pipeline.fireChannelInactive()
    }

    /// The peer has closed its side of the connection.
    func loseInput() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// Runs what was to run within this time.
    func wait(_ time: TimeAmount) {
        channel.embeddedEventLoop.advanceTime(by: time)
    }
}

/// What came of a promise so far.
final class Fate {
    private(set) var isKept: Bool?

    init(_ future: EventLoopFuture<Void>) {
        future.assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.isKept = true
            case .failure: self.isKept = false
            }
        }
    }
}

private final class Ear: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var heard = ByteBuffer()
    var faults: [TLSFault] = []
    var inputEnds = 0
    var faultsAtEnd: Int?
    var heardAtFault: Int?

    func channelInactive(context: ChannelHandlerContext) {
        faultsAtEnd = faultsAtEnd ?? faults.count
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        heard.writeBuffer(&bytes)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        heardAtFault = heardAtFault ?? heard.readableBytes
        faults.append(error as? TLSFault ?? .failed("\(error)"))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { inputEnds += 1 }
    }
}

/// Holds back what is written when it is told to. Closes one direction, which a channel in memory
/// does not.
private final class Socket: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    /// Whether the connection ends at the next flush, before that comes back, as a write that fails
    /// ends it.
    var isBroken = false
    var isBlocked = false {
        didSet { if !isBlocked { context?.flush() } }
    }
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func flush(context: ChannelHandlerContext) {
        if isBroken {
            isBroken = false
            context.fireChannelInactive()
        } else if !isBlocked {
            context.flush()
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output { promise?.succeed() } else { context.close(promise: promise) }
    }
}
