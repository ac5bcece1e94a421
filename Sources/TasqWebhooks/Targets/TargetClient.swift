import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
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

    /// Failures in a row after which deliveries to a target are held back, unless it is said.
    public static let breakerFailures = 5

    private let target: HTTPTarget
    private let pool: TargetPool
    private let userAgent: String
    private let pace: TargetPace
    private let rule: Breaker.Rule

    /// Makes a client of one target; it connects when the first delivery is made.
    ///
    /// - Parameters:
    ///   - target: Where deliveries go, and how they are signed.
    ///   - version: The program's own, for the `User-Agent`.
    ///   - failures: Failures in a row after which deliveries to the target's origin are held back;
    ///     `nil`: never. See ``deliver(_:)``.
    ///   - slots: How many jobs the worker runs at once: while it is in doubt whether the origin
    ///     answers, deliveries to it take at most a quarter of them; `nil`: as many as there are.
    public init(
        _ target: HTTPTarget, version: String,
        breaker failures: Int? = TargetClient.breakerFailures, slots: Int? = nil
    ) {
        self.target = target
        rule = Breaker.Rule.after(failures, slots: slots)
        userAgent = "tasq/\(version)"
        pace = TargetPace.of(target.origin)
        pool = TargetPool(
            to: target.request.origin, peers: target.peers, limit: Self.connectionLimit)
    }

    /// The last delivery may end long after its handler was replaced by another one.
    deinit {
        pool.close()
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
    /// same origin: what is beyond its pace is snoozed without a request; every other status,
    /// redirects among them, a timeout and a broken connection are tried again by the kind's policy: a
    /// deployment may mend them. Throws `CancellationError` when the task is cancelled.
    ///
    /// An origin that fails several times in a row, with no answer or with 5xx, is left alone for a
    /// second, then twice as long each time, up to a minute; each time one delivery tries whether it is
    /// well again. Meanwhile all others are put off without a request, as by `Outcome.later`. Answers
    /// that are the job's own affair, as 404, count for the origin. A delivery that is cancelled
    /// without an answer counts against it, if it took a second and no less than answers take of late.
    ///
    /// The headers that were kept of a webhook go along, unless the target's own have their names.
    /// Every attempt carries the same `webhook-id` (the payload's id) and a timestamp and
    /// signature of its own. The answer's status alone decides; of its body the beginning stands in
    /// the reason of an attempt that failed, without what the request proved itself by. A request
    /// that a connection used before did not carry is sent once more within the attempt.
    public func deliver(_ context: JobContext) async throws {
        try await pace.deliver(context, by: rule) {
            try await post(context)
        }
    }

    private func post(_ context: JobContext) async throws -> Reception {
        let deadline = NIODeadline.now() + TimeAmount(target.timeout)
        let request = request(for: context)
        let answer: HTTPAnswer
        do {
            answer = try await pool.send(
                request, deadline: deadline, bodyLimit: Self.answerByteLimit,
                grace: TimeAmount(Self.answerGrace))
        } catch {
            try Task.checkCancellation()
            return reception(of: error)
        }
        guard !(200...299).contains(answer.status) else { return .taken }
        let (waits, dates) = (answer.headers["retry-after"], answer.headers["date"])
        let outcome = TargetAnswer(
            status: answer.status, retryAfter: waits.count == 1 ? waits.first : nil,
            date: dates.count == 1 ? dates.first : nil,
            text: answer.text(hiding: secrets(of: request))
        ).outcome(from: target.shown)
        return switch (outcome, answer.status) {
        case (nil, _): .taken
        case (.later(let wait, let reason)?, _): .later(after: wait, reason)
        case (let outcome?, 500...599): .failed(outcome, fault: "answered \(answer.status)")
        case (let outcome?, _): .refused(outcome)
        }
    }

    /// Closes the connections. Deliveries still under way fail.
    public func shutdown() async {
        await pool.shutdown()
    }

    private func request(for context: JobContext) -> HTTPRequest {
        let job = context.job
        var request = target.request
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
        request.body = job.payload.body
        return request
    }

    /// What a request proves itself by, word for word. Shorter ones say nothing that is secret, or
    /// cannot be told from other words.
    private func secrets(of request: HTTPRequest) -> [[UInt8]] {
        let own = target.headers.map { $0.name.lowercased() }
        var words = target.hidden
        for header in request.headers {
            let name = header.name.lowercased()
            guard own.contains(name) || isCredentialHeader(name) else { continue }
            words += header.value.split(separator: " ")
        }
        return words.map { Array($0.utf8) }.filter { $0.count >= 8 }
    }

    private func reception(of error: any Error) -> Reception {
        let fault = connectionFault(error)
        switch error {
        case RequestFault.timedOut, ChannelError.connectTimeout:
            let reason = "did not answer within \(target.timeout)"
            return .failed(.retry("\(target.shown) \(reason)"), fault: reason)
        case let error as NIOConnectionError where error.refusal != nil:
            return .unsent(.fail("\(target.shown): \(error.refusal ?? "")"))
        case RequestFault.unsendable, RequestFault.closed:
            return .unsent(.retry("\(target.shown): \(fault)"))
        default:
            return .failed(.retry("\(target.shown): \(fault)"), fault: fault)
        }
    }
}
