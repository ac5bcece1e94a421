package import NIOCore

/// Speaks TLS at the socket's end of a pipeline, so that the rest of it reads and writes plainly.
///
///     fresh ──active──▶ handshaking ──done──▶ open ──close──▶ closing ──farewell, or time──▶ closed
///                           └──────────fault, or end of the connection───────────────────────▶ closed
///
/// Writes are kept until the handshake is done. A fault, always a ``TLSFault``, is an error in the
/// pipeline and closes the connection; an end without the peer's farewell is one too. Deadlines
/// are somebody else's affair, but for the peer's farewell after a close.
package final class TLSHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    enum Phase {
        case fresh, handshaking, open, closing, closed
    }

    struct Write {
        var bytes: ByteBuffer
        var promise: EventLoopPromise<Void>?
    }

    /// How many bytes of answers to key updates and the like may wait for a peer that asks for them
    /// and does not read them.
    private static let unreadLimit = 65_536

    let session: TLSSession
    let farewellTime: TimeAmount
    var phase = Phase.fresh
    var writes = MarkedCircularBuffer<Write>(initialCapacity: 4)
    /// The one of which a part is written, or which waits for the peer to end a message.
    var current: Write?
    /// Whether the peer will send nothing more.
    var isInputOver = false
    /// Whether our farewell has been said, or is to be once the handshake is done.
    var isOutputOver = false
    /// Whether the system has taken our farewell and all before it.
    var isOutputSent = false
    /// For a close of the output that waits for the handshake, or of everything for the farewell.
    private var closePromise: EventLoopPromise<Void>?
    var farewellAlarm: Scheduled<Void>?
    /// A fault that the rest of the pipeline has not heard of.
    private var untold: TLSFault?
    private var unread = 0
    /// Whether anything was passed on since the last end of a read.
    private var hasRead = false

    init(_ session: consuming TLSSession, farewellTime: TimeAmount) {
        self.session = session
        self.farewellTime = farewellTime
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        // First, for the handshake may end with the channel inactive again.
        context.fireChannelActive()
        start(context)
    }

    private func start(_ context: ChannelHandlerContext) {
        guard phase == .fresh else { return }
        phase = .handshaking
        shakeHands(context)
        send(context)
    }

    /// Goes on with the handshake; leaves what is to be sent in the session.
    private func shakeHands(_ context: ChannelHandlerContext) {
        switch session.shakeHands() {
        case .established: phase = .open
        case .waiting: break
        case .ended: fail(.hungUp, context)
        case .failed(let fault): fail(fault, context)
        }
    }

    func fail(_ fault: TLSFault, _ context: ChannelHandlerContext) {
        guard phase != .closed else { return }
        phase = .closed
        untold = fault
        // The alert that tells the peer. If it cannot be written, the channel becomes inactive before
        // this comes back.
        send(context)
        tellFault(context)
        context.close(promise: nil)
    }

    private func tellFault(_ context: ChannelHandlerContext) {
        guard let fault = untold else { return }
        untold = nil
        end(fault)
        context.fireErrorCaught(fault)
    }

    /// Ends what waits for something.
    func end(_ error: any Error) {
        farewellAlarm?.cancel()
        takeClosePromise()?.fail(error)
        endWrites(error)
    }

    func endWrites(_ error: any Error) {
        current?.promise?.fail(error)
        current = nil
        while let write = writes.popFirst() { write.promise?.fail(error) }
    }

    func takeClosePromise() -> EventLoopPromise<Void>? {
        defer { closePromise = nil }
        return closePromise
    }

    func keepClosePromise(_ promise: EventLoopPromise<Void>?) {
        if let promise, let closePromise {
            closePromise.futureResult.cascade(to: promise)
        } else {
            closePromise = closePromise ?? promise
        }
    }

    /// Sends what the session has to say on its own behalf.
    func send(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        let bytes = session.takeOutbox()
        guard bytes != nil || promise != nil else { return }
        context.writeAndFlush(wrapOutboundOut(bytes ?? ByteBuffer()), promise: promise)
    }

    /// Sends answers that the peer asked for; `false` when too many of them wait for it.
    private func sendAnswers(_ context: ChannelHandlerContext) -> Bool {
        guard let bytes = session.takeOutbox() else { return true }
        let count = bytes.readableBytes
        unread += count
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.unread -= count }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: sent)
        return unread <= Self.unreadLimit
    }
}

// MARK: What comes

extension TLSHandler {
    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        var plain = ByteBuffer()
        var progress = TLSSession.Progress.waiting
        let wasOpen = phase == .open
        while bytes.readableBytes > 0, !isInputOver, case .waiting = progress {
            session.feed(&bytes)
            if phase == .handshaking { shakeHands(context) }
            switch phase {
            case .open: progress = session.read(into: &plain)
            case .closing:
                progress = session.read(into: &plain)
                plain.clear()
            case .handshaking: continue
            case .fresh, .closed: return
            }
        }
        let isLast = if case .ended = progress { true } else { false }
        // Before anything is written: a write that fails has the channel read to its end and become
        // inactive before it comes back.
        isInputOver = isInputOver || isLast
        if plain.readableBytes > 0, phase == .open {
            hasRead = true
            context.fireChannelRead(wrapInboundOut(plain))
        }
        if wasOpen {
            guard sendAnswers(context) else {
                return fail(.failed("too many key updates"), context)
            }
            if current != nil { opened(context) }
        } else {
            send(context)
            if phase == .open { opened(context) }
        }
        switch progress {
        case .established, .waiting: break
        case .ended: inputEnded(context)
        case .failed(let fault):
            if phase == .closing { close(context) } else { fail(fault, context) }
        }
    }

    /// Writes what had to wait.
    private func opened(_ context: ChannelHandlerContext) {
        flushWrites(context)
        guard isOutputOver, current == nil else { return }
        finishOutput(context, promise: takeClosePromise())
    }

    /// The peer has said farewell.
    private func inputEnded(_ context: ChannelHandlerContext) {
        isInputOver = true
        switch phase {
        case .closing: close(context)
        case .open where isOutputOver:
            if isOutputSent { close(context: context, mode: .all, promise: nil) }
        case .open:
            let option = ChannelOptions.allowRemoteHalfClosure
            if (try? context.channel.syncOptions?.getOption(option)) == true {
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            } else {
                close(context: context, mode: .all, promise: nil)
            }
        case .fresh, .handshaking, .closed: break
        }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        if hasRead {
            hasRead = false
            context.fireChannelReadComplete()
        } else if (try? context.channel.syncOptions?.getOption(.autoRead)) == false {
            // Whoever asked has got nothing yet.
            context.read()
        }
        if phase == .closing { context.read() }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        let wasOver = isInputOver
        isInputOver = true
        switch phase {
        case .closing: close(context)
        case .handshaking:
            fail(.hungUp, context)
        case .open:
            if wasOver { return }
            context.fireErrorCaught(TLSFault.cut)
        case .fresh, .closed: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let last = phase
        phase = .closed
        tellFault(context)
        switch last {
        case .handshaking:
            context.fireErrorCaught(TLSFault.hungUp)
            end(TLSFault.hungUp)
        case .open where !isInputOver:
            context.fireErrorCaught(TLSFault.cut)
            end(TLSFault.cut)
        case .closing:
            takeClosePromise()?.succeed()
        case .fresh, .open, .closed: break
        }
        end(ChannelError.ioOnClosedChannel)
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        phase = .closed
        end(ChannelError.ioOnClosedChannel)
    }
}
