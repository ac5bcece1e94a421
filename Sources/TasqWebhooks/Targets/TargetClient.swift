import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
public import Tasq

/// The connections to one target; delivers jobs to it.
///
/// Each target has a client of its own, since the rule on peer addresses belongs to a client's
/// connections: a pooled one must never serve a target with a narrower rule. Clients share
/// the process's event loops, so one costs no thread. One that is let go of closes its connections
/// by itself; ``shutdown()`` also waits.
public final class TargetClient: Sendable {
    /// Connections to the target at most; a worker's slots are usually fewer.
    package static let connectionLimit = 1024
    /// Bytes of an answer's body that are read, so that the connection can be used again.
    package static let answerByteLimit = 4096
    /// How long the end of such a body is waited for.
    package static let answerGrace = Duration.seconds(1)

    private let target: HTTPTarget
    private let client: HTTPClient
    private let userAgent: String
    private let pace: TargetPace

    /// `version` is the program's own, for the `User-Agent`.
    public init(_ target: HTTPTarget, version: String) {
        self.target = target
        userAgent = "tasq/\(version)"
        pace = TargetPace.of(target.origin)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(target.timeout)),
            connectionPool: .init(
                idleTimeout: .seconds(60),
                concurrentHTTP1ConnectionsPerHostSoftLimit: Self.connectionLimit),
            decompression: .disabled)
        // A refused peer must end the request now, not be tried again until its deadline.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        let peers = target.peers
        configuration.http1_1ConnectionDebugInitializer = { channel in
            admit(channel, by: peers)
        }
        client = HTTPClient(
            eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    /// The last delivery may end long after its handler was replaced by another one.
    deinit {
        client.shutdown { _ in }
    }

    /// A handler that delivers to the target.
    public func handler(retry: RetryPolicy = RetryPolicy()) -> Handler {
        Handler(retry: retry) { context in try await self.deliver(context) }
    }

    /// Posts the job's body with its content type. Returns when the target answered 2xx.
    ///
    /// Throws the `Outcome` of any other end: 410 and a peer that is not allowed
    /// (`target_forbidden`) fail for good; 429, and 503 with `Retry-After`, put the job off for the
    /// wait the target asks for, up to a day, and slow down all deliveries of this process to the
    /// same origin: what is beyond its pace is snoozed without a request; every other status, redirects among them, a timeout and
    /// a broken connection are tried again by the kind's policy: a deployment may mend
    /// them. Throws `CancellationError` when the task is cancelled.
    ///
    /// The headers that were kept of a webhook go along, unless the target's own have their names.
    /// Every attempt carries the same `webhook-id` (the payload's id) and a timestamp and
    /// signature of its own. The answer's body is not kept; its status alone decides.
    public func deliver(_ context: JobContext) async throws {
        try await pace.deliver(logger: context.logger) {
            try await post(context)
        }
    }

    private func post(_ context: JobContext) async throws {
        let deadline = NIODeadline.now() + TimeAmount(target.timeout)
        let answer: HTTPClientResponse
        do {
            answer = try await client.execute(request(for: context), deadline: deadline)
        } catch {
            try Task.checkCancellation()
            throw outcome(of: error)
        }
        await discard(answer.body)
        let (waits, dates) = (answer.headers["retry-after"], answer.headers["date"])
        let outcome = TargetAnswer(
            status: Int(answer.status.code), retryAfter: waits.count == 1 ? waits.first : nil,
            date: dates.count == 1 ? dates.first : nil
        ).outcome(from: target.origin)
        if let outcome { throw outcome }
    }

    /// Closes the connections. Deliveries still under way fail.
    public func shutdown() async {
        do {
            try await client.shutdown()
        } catch {
            // It was shut down before; there is nothing left to close.
        }
    }

    private func request(for context: JobContext) -> HTTPClientRequest {
        let job = context.job
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        let type = job.payload.contentType
        request.headers.add(
            name: "content-type",
            value: type.isEmpty || !isPrintable(type) ? "application/octet-stream" : type)
        request.headers.add(name: "user-agent", value: userAgent)
        request.headers.add(name: "tasq-job-id", value: "\(job.id)")
        request.headers.add(name: "tasq-job-kind", value: "\(job.kind)")
        request.headers.add(name: "tasq-job-attempt", value: "\(job.attempt)")
        request.headers.add(name: "tasq-claim", value: "\(job.claim)")
        let proof =
            target.signer?.headers(for: job.payload.body, id: "\(job.payloadID)", at: .now) ?? []
        for header in (context.traceToSend?.headers ?? []) + target.headers + proof {
            request.headers.add(name: header.name, value: header.value)
        }
        // What the webhook came with, as it came; nothing of ours is replaced or doubled.
        let ours = request.headers
        for header in passedOnHeaders(of: job) where !ours.contains(name: header.name) {
            request.headers.add(name: header.name, value: header.value)
        }
        request.body = .bytes(ByteBuffer(bytes: job.payload.body))
        return request
    }

    private func outcome(of error: any Error) -> Outcome {
        if let forbidden = error as? ForbiddenPeer {
            return .fail("\(target.origin): \(forbidden)")
        }
        if let error = error as? HTTPClientError, timeouts.contains(error) {
            return .retry("\(target.origin) did not answer within \(target.timeout)")
        }
        return .retry("\(target.origin): \(connectionFault(error))")
    }

    private let timeouts: [HTTPClientError] = [
        .deadlineExceeded, .connectTimeout, .getConnectionFromPoolTimeout,
    ]

    /// Reads a short body to its end, so that the connection is used again; gives up on one that
    /// is long or slow, which closes the connection.
    private func discard(_ body: HTTPClientResponse.Body) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var left = Self.answerByteLimit
                do {
                    for try await chunk in body {
                        left -= chunk.readableBytes
                        if left < 0 { return }
                    }
                } catch {
                    // The status has been received; a body cut short changes nothing.
                }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: min(Self.answerGrace, self.target.timeout))
                } catch {
                    // The body has ended first.
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}

/// A connection went to an address the target must not be reached at.
private struct ForbiddenPeer: Error, CustomStringConvertible {
    let address: String
    let objection: String

    var description: String {
        "target_forbidden: it resolved to \(address), \(objection); if that is meant, add "
            + "`allow: [\"\(address)\"]` to the target"
    }
}

/// Lets a fresh connection be used only when its peer's address is allowed.
///
/// This is the address packets really go to, so a name that resolves to something else between a
/// check and the connection (DNS rebinding) gains nothing. Runs before any byte of a request is
/// sent; with https the handshake has then been made.
private func admit(_ channel: any Channel, by peers: PeerRule) -> EventLoopFuture<Void> {
    let text = channel.remoteAddress?.ipAddress ?? ""
    let refusal: ForbiddenPeer
    if let address = IPAddress(text) {
        guard let objection = peers.objection(to: address) else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        refusal = ForbiddenPeer(address: text, objection: objection)
    } else {
        refusal = ForbiddenPeer(address: "no IP address", objection: "which cannot be judged")
    }
    // The pool forgets the connection but does not close it. Closing must wait until it has
    // been told of the failure.
    channel.eventLoop.execute { channel.close(mode: .all, promise: nil) }
    return channel.eventLoop.makeFailedFuture(refusal)
}
