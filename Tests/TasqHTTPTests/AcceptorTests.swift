import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import TasqHTTP

/// Who is let in, and who is told that it is over.
@Suite struct AcceptorTests {
    /// Counts what a listening channel is asked to read.
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = Never
        var count = 0

        func read(context: ChannelHandlerContext) {
            count += 1
            context.read()
        }
    }

    /// Remembers whether a connection was told to end.
    private final class Ear: ChannelInboundHandler {
        typealias InboundIn = Never
        var isTold = false

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent { isTold = true }
        }
    }

    private let reads = Reads()
    private let listening: EmbeddedChannel

    init() throws {
        let logger = Logger(label: "acceptor") { _ in SwiftLogNoOpLogHandler() }
        listening = EmbeddedChannel(handlers: [reads, Acceptor(limit: 2, logger: logger)])
        try listening.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func accept(_ ear: Ear = Ear()) throws -> EmbeddedChannel {
        let connection = EmbeddedChannel(handler: ear, loop: listening.embeddedEventLoop)
        try connection.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 2)).wait()
        listening.pipeline.fireChannelRead(connection as any Channel)
        return connection
    }

    private func leave(_ connection: EmbeddedChannel) throws {
        try connection.close().wait()
        listening.embeddedEventLoop.run()
    }

    @Test func `When all places are taken no more are let in until one leaves`() throws {
        let first = try accept()
        listening.read()
        #expect(reads.count == 1)
        let second = try accept()
        listening.read()
        #expect(reads.count == 1)
        try leave(first)
        #expect(reads.count == 2)
        // Nobody waits for that one to leave.
        try leave(second)
        #expect(reads.count == 2)
    }

    @Test(arguments: [true, false])
    func `Who is connected is told when the listener closes, also when it breaks`(
        isAsked: Bool
    ) throws {
        let ears = [Ear(), Ear(), Ear()]
        let connections = try ears.map { try accept($0) }
        try leave(connections[0])
        if isAsked {
            listening.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        } else {
            try listening.close().wait()
        }
        listening.embeddedEventLoop.run()
        #expect(!listening.isActive)
        #expect(ears.map(\.isTold) == [false, true, true])
    }
}
