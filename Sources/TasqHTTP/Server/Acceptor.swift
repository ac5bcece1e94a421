import Logging
import NIOCore
import NIOPosix

/// Accepts the connections of a listening channel, as many as may be open at once.
///
/// Beyond that number, and for a moment after one could not be accepted for want of file descriptors
/// or memory, clients wait in the system's backlog. Without the pause the first such error would
/// end the listener for good; it is logged at most once in ``logInterval``.
///
/// When the listening channel closes, at `ChannelShouldQuiesceEvent` or because it is broken, every
/// open connection is told to end after what it has been asked.
final class Acceptor: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    static let pause = TimeAmount.milliseconds(100)
    static let logInterval = TimeAmount.seconds(60)

    private let limit: Int
    private let logger: Logger
    private var open: [ObjectIdentifier: any Channel] = [:]
    /// A read that was held back until a connection closes.
    private var isFull = false
    private var isPaused = false
    private var logsAgainAt = NIODeadline.distantPast

    init(limit: Int, logger: Logger) {
        self.limit = limit
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let connection = unwrapInboundIn(data)
        let id = ObjectIdentifier(connection)
        open[id] = connection
        let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        connection.closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            let (acceptor, context) = own.value
            acceptor.open[id] = nil
            guard acceptor.isFull else { return }
            acceptor.isFull = false
            acceptor.read(context: context)
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        isFull = open.count >= limit
        // The end of the pause reads.
        if !isFull, !isPaused { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that was gone before its connection could be set up; so on macOS.
        if error is NIOFcntlFailedError { return }
        guard error is IOError, context.channel.isActive else {
            return context.fireErrorCaught(error)
        }
        guard !isPaused else { return }
        if NIODeadline.now() >= logsAgainAt {
            logsAgainAt = .now() + Self.logInterval
            logger.warning("cannot accept a connection", metadata: ["error": "\(error)"])
        }
        pause(true, context)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.pause(false, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        for connection in open.values {
            // Behind the steps that set it up.
            connection.eventLoop.execute {
                connection.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            }
        }
        context.fireChannelInactive()
    }

    /// Only automatic reading, switched off, takes the socket out of the selector.
    private func pause(_ isPaused: Bool, _ context: ChannelHandlerContext) {
        self.isPaused = isPaused
        guard context.channel.isActive, let options = context.channel.syncOptions else { return }
        do {
            try options.setOption(.autoRead, value: !isPaused)
        } catch {
            context.fireErrorCaught(error)
        }
    }
}
