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

    private enum Phase {
        case fresh, handshaking, open, closing, closed
    }

    private struct Write {
        var bytes: ByteBuffer
        var promise: EventLoopPromise<Void>?
    }

    /// How many bytes of answers to key updates and the like may wait for a peer that asks for them
    /// and does not read them.
    private static let unreadLimit = 65_536

    private let session: TLSSession
    private let farewellTime: TimeAmount
    private var phase = Phase.fresh
    private var writes = MarkedCircularBuffer<Write>(initialCapacity: 4)
    /// Whether the peer will send nothing more.
    private var isInputOver = false
    /// Whether our farewell has been said, or is to be once the handshake is done.
    private var isOutputOver = false
    /// Whether the system has taken our farewell and all before it.
    private var isOutputSent = false
    /// For a close of the output that waits for the handshake, or of everything for the farewell.
    private var closePromise: EventLoopPromise<Void>?
    private var farewellAlarm: Scheduled<Void>?
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

    private func fail(_ fault: TLSFault, _ context: ChannelHandlerContext) {
        guard phase != .closed else { return }
        phase = .closed
        // The alert that tells the peer.
        send(context)
        context.fireErrorCaught(fault)
        end(fault)
        context.close(promise: nil)
    }

    /// Ends what waits for something.
    private func end(_ error: any Error) {
        farewellAlarm?.cancel()
        takeClosePromise()?.fail(error)
        while let write = writes.popFirst() { write.promise?.fail(error) }
    }

    private func takeClosePromise() -> EventLoopPromise<Void>? {
        defer { closePromise = nil }
        return closePromise
    }

    private func keepClosePromise(_ promise: EventLoopPromise<Void>?) {
        if let promise, let closePromise {
            closePromise.futureResult.cascade(to: promise)
        } else {
            closePromise = closePromise ?? promise
        }
    }

    /// Sends what the session has to say on its own behalf.
    private func send(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
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
        if wasOpen {
            guard sendAnswers(context) else {
                return fail(.failed("too many key updates"), context)
            }
        } else {
            send(context)
            if phase == .open { opened(context) }
        }
        if plain.readableBytes > 0, phase == .open {
            hasRead = true
            context.fireChannelRead(wrapInboundOut(plain))
        }
        switch progress {
        case .established, .waiting: break
        case .ended: inputEnded(context)
        case .failed(let fault):
            if phase == .closing { close(context) } else { fail(fault, context) }
        }
    }

    private func opened(_ context: ChannelHandlerContext) {
        flushWrites(context)
        if isOutputOver, phase == .open { finishOutput(context, promise: takeClosePromise()) }
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

// MARK: What goes

extension TLSHandler {
    package func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        switch phase {
        case .closing, .closed: promise?.fail(ChannelError.ioOnClosedChannel)
        case .fresh, .handshaking, .open:
            guard !isOutputOver else { return promise?.fail(ChannelError.outputClosed) ?? () }
            writes.append(Write(bytes: unwrapOutboundIn(data), promise: promise))
        }
    }

    package func flush(context: ChannelHandlerContext) {
        writes.mark()
        if phase == .open { flushWrites(context) }
    }

    private func flushWrites(_ context: ChannelHandlerContext) {
        guard writes.hasMark else { return }
        while phase == .open, writes.hasMark, var write = writes.popFirst() {
            repeat {
                do throws(TLSFault) {
                    if write.bytes.readableBytes > 0 { try session.write(&write.bytes) }
                } catch {
                    write.promise?.fail(error)
                    return fail(error, context)
                }
                // In one piece with what the session has to say, for the order of both matters.
                let isLast = write.bytes.readableBytes == 0
                context.write(
                    wrapOutboundOut(session.takeOutbox() ?? ByteBuffer()),
                    promise: isLast ? write.promise : nil)
            } while write.bytes.readableBytes > 0
        }
        context.flush()
    }

    package func close(
        context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
    ) {
        switch (mode, phase) {
        case (.input, _): promise?.fail(ChannelError.operationUnsupported)
        case (.output, .fresh), (.output, .closed): context.close(mode: .output, promise: promise)
        case (.output, .handshaking):
            writes.mark()
            isOutputOver = true
            keepClosePromise(promise)
        case (.output, .open):
            guard !isOutputOver else { return context.close(mode: .output, promise: promise) }
            writes.mark()
            flushWrites(context)
            finishOutput(context, promise: promise)
        case (.all, .fresh), (.all, .handshaking), (.all, .closed):
            phase = .closed
            end(ChannelError.ioOnClosedChannel)
            context.close(promise: promise)
        case (.all, .open):
            sayFarewell(context, promise)
            awaitFarewell(context)
        case (_, .closing):
            keepClosePromise(promise)
            if mode == .all { awaitFarewell(context) }
        }
    }

    /// Closes our direction, and everything once that is sent if the peer's is closed already.
    private func finishOutput(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        guard phase == .open else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        isOutputOver = true
        if isInputOver { return sayFarewell(context, promise) }
        session.finish()
        send(context)
        let closed = context.eventLoop.makePromise(of: Void.self)
        closed.futureResult.assumeIsolated().whenComplete { result in
            promise?.completeWith(result)
            self.isOutputSent = true
            if self.isInputOver, self.phase == .open {
                self.close(context: context, mode: .all, promise: nil)
            }
        }
        context.close(mode: .output, promise: closed)
    }

    /// Says farewell before a close, which follows at once if the peer has said it before.
    private func sayFarewell(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        phase = .closing
        keepClosePromise(promise)
        isOutputOver = true
        session.finish()
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in
            if self.isInputOver { self.close(context) }
        }
        send(context, promise: sent)
        while let write = writes.popFirst() {
            write.promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    private func awaitFarewell(_ context: ChannelHandlerContext) {
        guard phase == .closing, farewellAlarm == nil else { return }
        farewellAlarm = context.eventLoop.assumeIsolated().scheduleTask(in: farewellTime) {
            self.close(context)
        }
        context.read()
    }

    /// Closes the connection; all that was to be said is.
    private func close(_ context: ChannelHandlerContext) {
        guard phase == .closing else { return }
        phase = .closed
        farewellAlarm?.cancel()
        context.close(promise: takeClosePromise())
    }
}
