import NIOCore

/// The end of a connection's pipeline: writes commands, reads replies, and watches the clock.
///
/// Everything here runs on the connection's event loop. The connection ends once, by ``end(_:)``,
/// with the fault that says why; every caller that still waits gets it, and so do later ones.
final class RedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Succeeds with the reason when the connection has ended.
    let ended: EventLoopPromise<RedisFault>
    private var fault: RedisFault?
    private var reader = ReplyReader()
    private var pending = PendingReplies()
    private var context: ChannelHandlerContext?
    private var isFlushDue = false
    private var alarm: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(eventLoop: any EventLoop) {
        ended = eventLoop.makePromise()
    }

    /// Sends commands; the promise gets one reply for each, or the fault.
    func send(
        _ commands: Commands, by deadline: NIODeadline, _ promise: EventLoopPromise<[Reply]>
    ) {
        guard fault == nil, let context else { return promise.fail(fault ?? .lost) }
        guard pending.append(commands, by: deadline, promise) else {
            return promise.fail(RedisFault.backlog)
        }
        context.write(wrapOutboundOut(commands.bytes), promise: nil)
        flushSoon(context)
        wake(by: deadline, context)
    }

    /// Ends the connection.
    func end(_ reason: RedisFault) {
        guard fault == nil else { return }
        fault = reason
        alarm?.task.cancel()
        alarm = nil
        for promise in pending.removeAll() { promise.fail(reason) }
        ended.succeed(reason)
        context?.close(promise: nil)
    }

    /// Writes of the same moment leave in one system call.
    private func flushSoon(_ context: ChannelHandlerContext) {
        guard !isFlushDue else { return }
        isFlushDue = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushDue = false
            self.context?.flush()
        }
    }

    /// Keeps one timer, for the earliest deadline it has heard of.
    private func wake(by deadline: NIODeadline, _ context: ChannelHandlerContext) {
        if let alarm {
            guard deadline < alarm.deadline else { return }
            alarm.task.cancel()
        }
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.alarm = nil
            guard let next = self.pending.earliestDeadline, let context = self.context else {
                return
            }
            if next <= .now() { self.end(.silent) } else { self.wake(by: next, context) }
        }
        alarm = (deadline, task)
    }
}

extension RedisHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.lost)
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.lost)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        do throws(ReplyError) {
            try reader.feed(buffer.readableBytesSpan)
            while fault == nil, let reply = try reader.next() { receive(reply) }
        } catch {
            end(RedisFault(.garbled, "sent \(error.description)"))
        }
    }

    private func receive(_ reply: Reply) {
        switch pending.receive(reply) {
        case .kept: break
        case .complete(let promise, let replies): promise.succeed(replies)
        case .unasked:
            // Redis says why it hangs up before it was asked anything, as with too many clients.
            if case .error(let text) = reply {
                end(.refusal(text))
            } else {
                end(RedisFault(.garbled, "sent a reply that nobody asked for"))
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(RedisFault(connectionError: error))
    }
}
