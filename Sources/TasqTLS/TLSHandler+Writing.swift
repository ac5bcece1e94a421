package import NIOCore

/// What goes to the peer.
extension TLSHandler {
    package func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        switch phase {
        case .closing, .closed: promise?.fail(ChannelError.ioOnClosedChannel)
        case .fresh, .handshaking, .open:
            if isOutputOver {
                promise?.fail(ChannelError.outputClosed)
            } else {
                writes.append(Write(bytes: unwrapOutboundIn(data), promise: promise))
            }
        }
    }

    package func flush(context: ChannelHandlerContext) {
        writes.mark()
        if phase == .open { flushWrites(context) }
    }

    func flushWrites(_ context: ChannelHandlerContext) {
        guard current != nil || writes.hasMark else { return }
        while phase == .open, current != nil || writes.hasMark,
            var write = current ?? writes.popFirst()
        {
            current = nil
            if write.bytes.readableBytes > 0 {
                switch session.write(&write.bytes) {
                case .established: break
                case .waiting:
                    current = write
                    return context.flush()
                case .failed(let fault):
                    write.promise?.fail(fault)
                    return fail(fault, context)
                case .ended:
                    write.promise?.fail(TLSFault.cut)
                    return fail(.cut, context)
                }
            }
            // With what the session has to say itself before it, for their order matters.
            let bytes = session.takeOutbox() ?? ByteBuffer()
            let isLast = write.bytes.readableBytes == 0
            if !isLast { current = write }
            context.write(wrapOutboundOut(bytes), promise: isLast ? write.promise : nil)
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
            if isOutputOver {
                // What has to wait must still go out.
                guard current == nil else { return keepClosePromise(promise) }
                return context.close(mode: .output, promise: promise)
            }
            writes.mark()
            flushWrites(context)
            guard current == nil else {
                isOutputOver = true
                return keepClosePromise(promise)
            }
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
    func finishOutput(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
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
        endWrites(ChannelError.ioOnClosedChannel)
    }

    private func awaitFarewell(_ context: ChannelHandlerContext) {
        guard phase == .closing, farewellAlarm == nil else { return }
        farewellAlarm = context.eventLoop.assumeIsolated().scheduleTask(in: farewellTime) {
            self.close(context)
        }
        context.read()
    }

    /// Closes the connection; all that was to be said is.
    func close(_ context: ChannelHandlerContext) {
        guard phase == .closing else { return }
        phase = .closed
        farewellAlarm?.cancel()
        context.close(promise: takeClosePromise())
    }
}
