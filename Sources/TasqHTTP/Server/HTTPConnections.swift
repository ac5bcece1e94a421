import Logging
import NIOCore
import NIOHTTP1
import Tasq

/// Serves HTTP/1 on each accepted connection.
///
/// Requests of a connection are answered in order, each within its deadlines. After a refusal that
/// leaves the framing in doubt, or body bytes unread, the connection is closed: the next request on
/// it could be a smuggled one.
struct HTTPConnections: Sendable {
    private typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    let responder: any Responder
    let limits: HTTPLimits
    let capacity: Capacity
    let meters: HTTPMeters
    let tls: ListenerTLS?

    func setup(channel: any Channel) -> EventLoopFuture<AcceptedConnection> {
        let connection = channel.eventLoop.makeCompletedFuture {
            var decoder = NIOHTTPDecoderLimitConfiguration()
            decoder.maxHeaderFieldSize = limits.headerBytes
            decoder.maxHeaderListSize = limits.headerBytes
            decoder.maxHeaderFieldCount = limits.headerFields
            let clock = ConnectionClock(limits: limits)
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(try tls.handler()) }
            try pipeline.addHandler(ByteArrival(clock))
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false,
                withOutboundHeaderValidation: true, withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoder)
            try pipeline.addHandler(clock)
            return AcceptedConnection(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true)),
                clock)
        }
        // Nobody else closes one that could not be set up.
        connection.whenFailure { _ in channel.close(promise: nil) }
        return connection
    }

    func handle(_ accepted: AcceptedConnection, logger: Logger) async {
        let channel = accepted.channel
        let connection = accepted.take()
        do {
            try await withTaskCancellationHandler {
                try await connection.executeThenClose { inbound, outbound in
                    try await converse(inbound, outbound, accepted)
                    // Half-close and let the client close its side once it has read the answer;
                    // the connection's clock ends the wait.
                    outbound.finish()
                    try await channel.closeFuture.get()
                }
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            // The client went away or was cut off; there is nobody to tell.
            logger.trace("connection lost", metadata: ["error": "\(error)"])
        }
    }

    @concurrent
    private func converse(
        _ inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>, _ outbound: Outbound,
        _ accepted: AcceptedConnection
    ) async throws {
        var reader = RequestReader(inbound)
        var keepsAlive = true
        while keepsAlive {
            let id = RequestID()
            var room = BufferRoom(capacity.memory)
            do throws(ReadFailure) {
                guard let head = try await reader.head() else { return }
                let (answer, isLast) = try await answer(
                    head, id, &reader, outbound, accepted, &room)
                keepsAlive =
                    !isLast && head.isKeepAlive && !capacity.isStopping && answer.stream == nil
                let answerHead = answer.head(
                    request: id, version: head.version, keepsAlive: keepsAlive)
                do throws(ReadFailure) {
                    if answer.undelivered != nil {
                        try await deliver(answerHead, answer.body, accepted, to: outbound)
                    } else if let stream = answer.stream, head.method != .HEAD {
                        try await send(answerHead, stream, accepted, to: outbound)
                    } else {
                        try await send(
                            answerHead, head.method == .HEAD ? [] : answer.body, to: outbound)
                    }
                } catch {
                    await answer.undelivered?(false)
                    throw error
                }
            } catch {
                guard case .refused(let problem) = error else { return }
                meters.refused(problem)
                keepsAlive = false
                let answer = problem.answer(to: id)
                try await send(
                    answer.head(request: id, version: .http1_1, keepsAlive: false),
                    answer.body, to: outbound)
            }
        }
        outbound.finish()
        await reader.drain()
    }

    /// Answers one request; also says whether the connection must not carry another.
    @concurrent
    private func answer(
        _ head: HTTPRequestHead, _ id: RequestID, _ reader: inout RequestReader,
        _ outbound: Outbound, _ accepted: AcceptedConnection, _ room: inout BufferRoom
    ) async throws(ReadFailure) -> (Answer, isLast: Bool) {
        let request: RequestHead
        do throws(Problem) {
            request = try RequestHead(head, id: id)
        } catch {
            throw .refused(error)
        }
        // After an upgrade or a tunnel was asked for, what follows need not be HTTP.
        let isLast = head.method == .CONNECT || head.headers.contains(name: "upgrade")
        let allowance: BodyAllowance
        do throws(Problem) {
            if capacity.isStopping { throw .shuttingDown }
            try responder.admit(request)
            allowance = responder.allowance(for: request, within: limits)
            if let length = request.contentLength, length > allowance.bytes {
                throw .tooLarge(limit: allowance.bytes)
            }
        } catch {
            meters.refused(error)
            responder.refused(request, error, bytes: request.contentLength)
            return (error.answer(to: id), isLast || request.hasBody || request.expectsContinue)
        }
        if request.expectsContinue, request.hasBody {
            try await send(HTTPResponseHead(version: .http1_1, status: .continue), to: outbound)
        }
        let body: [UInt8]
        do throws(ReadFailure) {
            body = try await reader.body(of: request, within: allowance, in: &room) {
                accepted.holdRequest($0)
            }
        } catch {
            if case .refused(let problem) = error {
                responder.refused(request, problem, bytes: request.contentLength)
            }
            throw error
        }
        do throws(Problem) {
            guard capacity.enter() else { throw .overloaded }
            defer { capacity.leave() }
            var answer = try await responder.answer(
                Request(head: request, body: body, gone: accepted.gone))
            // What is held by now waits for nothing.
            room.empty()
            guard
                answer.isLarge
                    ? await room.waitToHold(answer.heldBytes) : room.hold(answer.heldBytes)
            else {
                await answer.undelivered?(true)
                throw .overloaded
            }
            if let prepare = answer.prepare { try await prepare(&answer) }
            return (answer, isLast)
        } catch {
            meters.refused(error)
            responder.refused(request, error, bytes: body.count)
            return (error.answer(to: id), isLast)
        }
    }

    /// Sends an answer that somebody must get; throws unless all of it has gone out.
    private func deliver(
        _ head: HTTPResponseHead, _ body: [UInt8], _ accepted: AcceptedConnection,
        to outbound: Outbound
    ) async throws(ReadFailure) {
        do {
            let delivery = try await accepted.nextDelivery()
            try await send(head, body, to: outbound)
            try await delivery.get()
        } catch {
            throw .lost
        }
    }

    private func send(
        _ head: HTTPResponseHead, _ body: [UInt8], to outbound: Outbound
    ) async throws(ReadFailure) {
        do {
            try await outbound.write(contentsOf: [
                .head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil),
            ])
        } catch {
            throw .lost
        }
    }

    /// Sends a body as it comes into being; one that does not come to its end is cut off, so that
    /// nobody takes it for whole.
    private func send(
        _ head: HTTPResponseHead, _ stream: @Sendable (AnswerStream) async throws -> Void,
        _ accepted: AcceptedConnection, to outbound: Outbound
    ) async throws(ReadFailure) {
        try await send(head, to: outbound)
        do {
            try await stream(
                AnswerStream(gone: accepted.gone) { bytes in
                    try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
                })
            try await outbound.write(.end(nil))
        } catch {
            accepted.channel.close(promise: nil)
            throw .lost
        }
    }

    /// Sends an interim answer, or the head of a streamed one.
    private func send(
        _ head: HTTPResponseHead, to outbound: Outbound
    ) async throws(ReadFailure) {
        do {
            try await outbound.write(.head(head))
        } catch {
            throw .lost
        }
    }
}
