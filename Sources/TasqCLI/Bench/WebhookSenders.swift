import NIOCore
import NIOPosix
import Synchronization
import Tasq
import TasqHTTP

/// Clients that post the same webhook over and over, each with an id of its own, one request at a
/// time on every connection.
///
/// All of them live on one thread and do no more than they must: what a general HTTP client costs
/// would be taken from the server that is measured on the same cores.
struct WebhookSenders: Sendable {
    struct Request: Sendable {
        /// The request line and all headers but the id's, each with its line break.
        let head: String
        let idHeader: String
        let body: [UInt8]
    }

    private let channels: [any Channel]
    private let senders: [NIOLoopBound<WebhookSender>]

    /// Lends connected senders.
    static func with<Result: Sendable>(
        _ count: Int, to address: ListenAddress, sending request: Request,
        _ body: (WebhookSenders) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Swift.Result<Result, any Error>
        do {
            let senders = try await connected(count, to: address, sending: request, on: group)
            result = .success(try await body(senders))
            for channel in senders.channels { channel.close(promise: nil) }
        } catch {
            result = .failure(error)
        }
        try await group.shutdownGracefully()
        return try result.get()
    }

    private static func connected(
        _ count: Int, to address: ListenAddress, sending request: Request,
        on group: MultiThreadedEventLoopGroup
    ) async throws -> WebhookSenders {
        var channels: [any Channel] = []
        var senders: [NIOLoopBound<WebhookSender>] = []
        for _ in 0..<count {
            let loop = group.next()
            let connecting = ClientBootstrap(group: loop)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(WebhookSender(request))
                    }
                }
                .connect(host: address.host, port: address.port)
            let channel = try await connecting.get()
            channels.append(channel)
            senders.append(
                try await channel.eventLoop.submit {
                    NIOLoopBound(
                        try channel.pipeline.syncOperations.handler(type: WebhookSender.self),
                        eventLoop: channel.eventLoop)
                }.get())
        }
        return WebhookSenders(channels: channels, senders: senders)
    }

    /// Sends until the time is up and the last answers are in. Counts requests answered 202 and
    /// those answered otherwise or not at all.
    func send(
        for time: Duration, _ latency: LatencyRecord?
    ) async throws -> (accepted: Int, failed: Int) {
        let end = ContinuousClock.now + time
        var counts = (accepted: 0, failed: 0)
        let futures = zip(channels, senders).map { channel, sender in
            channel.eventLoop.flatSubmit { sender.value.start(until: end, latency) }
        }
        for future in futures {
            let count = try await future.get()
            counts.accepted += count.accepted
            counts.failed += count.failed
        }
        try Task.checkCancellation()
        return counts
    }
}

/// One connection of ``WebhookSenders``; all of it runs on the connection's event loop.
private final class WebhookSender: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Counts: Sendable {
        var accepted = 0
        var failed = 0
    }

    private struct Round {
        let end: ContinuousClock.Instant
        let latency: LatencyRecord?
        let promise: EventLoopPromise<Counts>
        var counts = Counts()
        var sentAt = ContinuousClock.now
    }

    private let request: WebhookSenders.Request
    private var round: Round?
    private var received = ByteBuffer()
    private var lengths: [Int: Int] = [:]
    private var context: ChannelHandlerContext?

    init(_ request: WebhookSenders.Request) {
        self.request = request
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func start(
        until end: ContinuousClock.Instant, _ latency: LatencyRecord?
    ) -> EventLoopFuture<Counts> {
        guard let context, context.channel.isActive else {
            return MultiThreadedEventLoopGroup.singleton.any().makeSucceededFuture(
                Counts(accepted: 0, failed: 1))
        }
        let promise = context.eventLoop.makePromise(of: Counts.self)
        round = Round(end: end, latency: latency, promise: promise)
        send(context)
        return promise.futureResult
    }

    private func send(_ context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(
            capacity: request.head.utf8.count + request.body.count + 80)
        buffer.writeString(request.head)
        buffer.writeString("\(request.idHeader): \(JobID())\r\n\r\n")
        buffer.writeBytes(request.body)
        round?.sentAt = .now
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        guard let status = takeAnswer(), var current = round else { return }
        if status == 202 {
            current.latency?.note(.now - current.sentAt)
            current.counts.accepted += 1
        } else {
            current.counts.failed += 1
        }
        round = current
        if .now < current.end { send(context) } else { finish() }
    }

    /// The status of a whole answer with a Content-Length, taken from what was received. Answers
    /// of one status are of one length here, so only the first is searched for its end.
    private func takeAnswer() -> Int? {
        let view = received.readableBytesView
        guard view.count > 12 else { return nil }
        let status = view.dropFirst(9).prefix(3).reduce(0) { $0 * 10 + Int($1) - 48 }
        guard let total = lengths[status] ?? length(of: view) else { return nil }
        lengths[status] = total
        guard received.readableBytes >= total else { return nil }
        received.moveReaderIndex(forwardBy: total)
        received.discardReadBytes()
        return status
    }

    /// Of head and body together; `nil` until the head is whole.
    private func length(of view: ByteBufferView) -> Int? {
        guard let end = view.firstRange(of: Self.headEnd),
            let name = view[..<end.lowerBound].firstRange(of: Self.lengthName)
        else { return nil }
        let digits = view[name.upperBound...].prefix { (48...57).contains($0) }.prefix(7)
        return view.distance(from: view.startIndex, to: end.upperBound)
            + digits.reduce(0) { $0 * 10 + Int($1) - 48 }
    }

    private static let headEnd = Array("\r\n\r\n".utf8)
    private static let lengthName = Array("\r\nContent-Length: ".utf8)

    func channelInactive(context: ChannelHandlerContext) {
        if round != nil { round?.counts.failed += 1 }
        finish()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func finish() {
        guard let finished = round else { return }
        round = nil
        finished.promise.succeed(finished.counts)
    }
}
