import NIOCore
import NIOHTTP1
import Tasq

/// Ends connections that take too long over anything.
///
/// An idle timer that restarts with every byte lets a client live for ever on one byte a second.
/// So the time of a request runs from its first byte to its last, whatever arrives in between:
///
///     idle ──byte──▶ receiving ──end──▶ answering ──head out──▶ writing ──flushed──▶ idle
///                                                                  └──Connection: close──▶ lingering
///
/// Every phase but answering, which the store bounds, has a limit; so has each piece of a streamed
/// answer, while the time between two pieces is the streamer's affair. A request that is too slow
/// becomes an inbound ``RequestTooSlow``, so that it is answered in its turn; any other overrun
/// closes the connection. Belongs between the HTTP codec and the reader of the parts;
/// ``ByteArrival`` tells it of bytes before they are parsed.
final class ConnectionClock: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        case opened, idle, receiving, answering, writing, streaming, lingering
    }

    /// Raised when the client has closed its side.
    let gone = Signal()

    private let limits: HTTPLimits
    private var phase = Phase.opened
    private var timer: Scheduled<Void>?
    /// When the timer rings.
    private var phaseEnd = ContinuousClock.now
    /// Of a request that waits for us.
    private var timeLeft = Duration.zero
    private var context: ChannelHandlerContext?
    /// Bytes of a request have arrived, its end has not.
    private var isReceiving = false
    /// Complete requests without a complete answer: more than one when requests are pipelined.
    private var unanswered = 0
    private var isWriting = false
    /// The answer may come in pieces: its length is not known beforehand, or large.
    private var isStreaming = false
    /// Pieces of a streamed answer that the connection has not taken yet.
    private var pieces = 0
    private var closesAfterAnswer = false
    private var isQuiescing = false
    /// Kept once the next answer has gone out whole.
    private var delivery: EventLoopPromise<Void>?

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        schedule(limits.request, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
        endDelivery(.failure(ChannelError.ioOnClosedChannel))
    }

    /// Bytes came in and have not been parsed yet.
    fileprivate func bytesArrived() {
        isReceiving = true
    }

    /// What came in has been parsed.
    fileprivate func bytesParsed() {
        // Bytes that follow the end of a request within one read belong to the next one; they
        // are noticed with its head or with its next bytes.
        if let context { update(context) }
    }

    /// Succeeds once the next answer has been handed to the operating system to its last byte; fails
    /// when the connection is lost before.
    func nextDelivery(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        if context == nil || gone.isRaised {
            promise.fail(ChannelError.ioOnClosedChannel)
        } else {
            delivery = promise
        }
        return promise.futureResult
    }

    /// While a request has to wait for us, its time to arrive stands still.
    func holdRequest(_ waits: Bool) {
        guard phase == .receiving, let context else { return }
        if waits {
            timer?.cancel()
            timeLeft = max(.zero, phaseEnd - .now)
        } else {
            schedule(timeLeft, context)
        }
    }

    private func endDelivery(_ result: Result<Void, any Error>) {
        delivery?.completeWith(result)
        delivery = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        gone.raise()
        endDelivery(.failure(ChannelError.ioOnClosedChannel))
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isReceiving = true
        case .body: break
        case .end:
            isReceiving = false
            unanswered += 1
        }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { gone.raise() }
        if event is ChannelShouldQuiesceEvent {
            isQuiescing = true
            if !isReceiving, unanswered == 0, !isWriting { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code >= 200:
            isWriting = true
            let length = head.headers.first(name: "content-length").flatMap(Int.init)
            isStreaming = length.map { $0 > HTTPLimits.freeBodyBytes } ?? true
            closesAfterAnswer = head.headers[canonicalForm: "connection"].contains("close")
            update(context)
            context.write(data, promise: promise)
        case .body where isStreaming:
            pieces += 1
            update(context)
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in
                self.pieces -= 1
                self.update(context)
                // The next piece has been written already, and has a time of its own.
                if self.phase == .writing, self.isStreaming, self.pieces > 0 {
                    self.timer?.cancel()
                    self.schedule(self.limits.answer, context)
                }
            }
            context.write(data, promise: written)
        case .head, .body:
            context.write(data, promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            // Of requests that were pipelined, the answer before may still be on its way.
            let delivery = delivery
            self.delivery = nil
            written.futureResult.assumeIsolated().whenComplete { result in
                delivery?.completeWith(result)
                self.answered(context)
            }
            context.write(data, promise: written)
        }
    }

    private func answered(_ context: ChannelHandlerContext) {
        isWriting = false
        isStreaming = false
        unanswered = max(0, unanswered - 1)
        if isQuiescing, !isReceiving, unanswered == 0, !closesAfterAnswer {
            context.close(promise: nil)
        }
        update(context)
    }

    private func update(_ context: ChannelHandlerContext) {
        let next = nextPhase
        guard next != phase, phase != .lingering else { return }
        phase = next
        timer?.cancel()
        switch next {
        case .opened, .answering, .streaming: break
        case .idle: schedule(limits.idle, context)
        case .receiving: schedule(limits.request, context)
        case .writing: schedule(limits.answer, context)
        case .lingering: schedule(limits.linger, context)
        }
    }

    private var nextPhase: Phase {
        if isWriting { return isStreaming && pieces == 0 ? .streaming : .writing }
        if closesAfterAnswer { return .lingering }
        if unanswered > 0 { return .answering }
        if isReceiving { return .receiving }
        return .idle
    }

    private func schedule(_ time: Duration, _ context: ChannelHandlerContext) {
        phaseEnd = .now + time
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.timeIsUp(context)
        }
    }

    private func timeIsUp(_ context: ChannelHandlerContext) {
        guard phase == .receiving else { return context.close(promise: nil) }
        // The reader answers 408 and closes; should it be stuck, the answer's own limit cuts it.
        phase = .writing
        schedule(limits.answer, context)
        isWriting = true
        context.fireErrorCaught(RequestTooSlow())
    }
}

/// A request did not arrive within ``HTTPLimits/request``.
struct RequestTooSlow: Error {}

/// Tells a ``ConnectionClock`` of bytes that have arrived, before they are parsed.
final class ByteArrival: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let clock: ConnectionClock

    init(_ clock: ConnectionClock) {
        self.clock = clock
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        clock.bytesArrived()
        context.fireChannelRead(data)
        clock.bytesParsed()
    }
}
