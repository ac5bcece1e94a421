import Logging
import NIOCore

/// Keeps a listener listening when a connection cannot be accepted for want of file descriptors
/// or memory: without it the first such error would end the listener for good.
///
/// The next attempt waits a moment, without spinning on a socket that stays ready all the while;
/// clients wait in the system's backlog. The error is logged at most once in ``logInterval``.
final class AcceptPause: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    static let pause = TimeAmount.milliseconds(100)
    static let logInterval = TimeAmount.seconds(60)

    private let logger: Logger
    private var isPaused = false
    private var logsAgainAt = NIODeadline.distantPast

    private init(logger: Logger) {
        self.logger = logger
    }

    /// Puts one in front of everything else on a listening channel.
    static func add(to channel: any Channel, logger: Logger) async {
        do {
            try await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.addHandler(
                    AcceptPause(logger: logger), position: .first)
            }.get()
        } catch {
            logger.warning("the listener closed while it started", metadata: ["error": "\(error)"])
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
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

    func read(context: ChannelHandlerContext) {
        // The end of the pause reads.
        if !isPaused { context.read() }
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
