import NIOCore

/// The end of a connection's pipeline: carries one exchange after the other.
///
///     fresh ──carry──▶ busy ──answer, in full and nothing after it──▶ idle ──carry──▶ busy …
///                       └──anything else, and bytes while idle──▶ closed
final class TargetConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long it may wait for its next exchange.
    static let idleTime = TimeAmount.seconds(60)

    private let pool: TargetConnections
    private var context: ChannelHandlerContext?
    private var exchange: HTTPExchange?
    private var reader = AnswerReader()
    private var idleAlarm: Scheduled<Void>?
    /// Whether it has carried an exchange before this one.
    private var isReused = false
    /// Whether anything of the answer has come.
    private var hasByte = false
    /// Whether the request has been sent to its end.
    private var isSent = false
    /// Why it broke, if it said so.
    private var fault: (any Error)?
    private(set) var isClosed = false

    init(_ pool: TargetConnections) {
        self.pool = pool
    }

    /// Sends a request; the exchange ends with what comes of it.
    func carry(_ exchange: HTTPExchange) {
        idleAlarm?.cancel()
        guard let context, !isClosed else {
            return exchange.end(isWhole: false, otherwise: fault ?? RequestFault.brokenOff)
        }
        self.exchange = exchange
        exchange.connection = self
        reader = AnswerReader(isToHead: exchange.isToHead)
        hasByte = false
        isSent = false
        let sent = context.eventLoop.makePromise(of: Void.self)
        // A connection that cannot send will say so by its end.
        sent.futureResult.assumeIsolated().whenSuccess { self.isSent = true }
        context.writeAndFlush(wrapOutboundOut(exchange.request), promise: sent)
    }

    /// Waits for the next exchange for as long as it may.
    func rest() {
        guard let context else { return }
        idleAlarm = context.eventLoop.assumeIsolated().scheduleTask(in: Self.idleTime) {
            self.close()
        }
    }

    /// Closes at once; an exchange on board ends with its answer as far as it came.
    func close() {
        leave()
        context?.close(promise: nil)
    }

    /// Is no more for use, and ends what is on board. Only an end by the target itself can be the
    /// end of an answer.
    private func leave(isTargets: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        idleAlarm?.cancel()
        if let exchange, !hasByte, isReused, !exchange.isRepeated, !exchange.isOver {
            // It was closed, most likely, before the request reached anybody.
            pool.resend(exchange)
        } else {
            exchange?.end(
                isWhole: isTargets && reader.endsWithConnection && fault == nil,
                otherwise: fault ?? RequestFault.brokenOff)
        }
        exchange = nil
        pool.lost(self)
    }

    private func fail(_ error: any Error) {
        fault = fault ?? error
        close()
    }

    private func answered(_ exchange: HTTPExchange) {
        self.exchange = nil
        let isReusable = reader.keepsAlive && isSent && !reader.hasLeftOver
        if !isReusable { close() }
        exchange.end(isWhole: true)
        if isReusable {
            isReused = true
            pool.ready(self)
        }
    }
}

extension TargetConnection {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave(isTargets: true)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosed else { return }
        // What comes unasked is the target's farewell.
        guard let exchange else { return close() }
        hasByte = true
        reader.feed(unwrapInboundIn(data))
        do throws(RequestFault) {
            while let part = try reader.next() {
                switch part {
                case .head(let head):
                    exchange.receive(head, on: context.eventLoop)
                case .body(let bytes):
                    guard exchange.receive(bytes) else { return close() }
                case .end:
                    return answered(exchange)
                }
            }
        } catch {
            fail(error)
        }
    }
}
