import Logging
import NIOHTTP1
import Tasq
import TasqWebhooks

/// Takes webhooks: `POST /in/{source}`, nothing else.
struct IngestResponder: Responder {
    private let sources: SourceTable
    private let queue: Queue
    private let meters: HTTPMeters
    private let refusals: RefusalLog

    init(sources: SourceTable, queue: Queue, meters: HTTPMeters, logger: Logger) {
        self.sources = sources
        self.queue = queue
        self.meters = meters
        refusals = RefusalLog(logger)
    }

    func admit(_ head: RequestHead) throws(Problem) {
        let source = try source(for: head)
        guard head.method == "POST" else { throw .methodNotAllowed(["POST"]) }
        try head.checkEncoding(besides: source.decode?.names ?? [])
    }

    func allowance(for head: RequestHead, within limits: HTTPLimits) -> BodyAllowance {
        // Taken away since it was admitted, it will be told so.
        guard let source = sources.source(Self.name(in: head)) else {
            return BodyAllowance(bytes: limits.bodyBytes)
        }
        let request = WebhookRequest(
            headers: ["content-encoding", "content-type"].flatMap { name in
                head.headers[name].map { Payload.Header(name: name, value: $0) }
            }, body: [])
        let (isPacked, isForm) = (request.isGzip, request.isForm)
        return BodyAllowance(bytes: source.body ?? limits.bodyBytes) { length in
            source.bytesHeld(by: length, isPacked: isPacked, isForm: isForm)
        }
    }

    func refused(_ head: RequestHead, _ problem: Problem, bytes: Int?) {
        guard head.path.hasPrefix("/in/") else { return }
        let source = sources.source(Self.name(in: head))?.name
        refusals.tell(of: source, head, problem, bytes: bytes)
        if let source { meters.refused(problem, from: source) }
    }

    func answer(_ request: Request) async throws(Problem) -> Answer {
        let source = try source(for: request.head)
        let event = try verified(request, by: source)
        for _ in 0..<Self.tries {
            if let answer = try await accept(event, from: source) { return answer }
        }
        throw .notDurable
    }

    /// How often an event is taken whose first delivery is gone each time it is to be run again.
    private static let tries = 3

    /// Stores the event, or tells of the first delivery of it; `nil` when that has just been deleted:
    /// then it is a new event.
    private func accept(
        _ event: NewEvent, from source: WebhookSource
    ) async throws(Problem) -> Answer? {
        let clock = ContinuousClock.now
        let accepted: Accepted
        do throws(StoreError) {
            accepted = try await queue.accept(event)
        } catch {
            if case .full(let refusal) = error { throw .full(refusal, isTold: false) }
            throw Problem(error)
        }
        meters.committed(in: .now - clock)
        switch accepted {
        case .stored:
            meters.accepted(from: source.name)
            return .json(HTTPResponseStatus(statusCode: source.respond)) { json in
                json.member("id", event.id.description)
                json.member("jobs", event.jobs.lazy.map(\.id.description))
            }
        case .duplicate(let first, let queuedAgain):
            let mayRun = source.redeliver == .run && !queuedAgain
            guard let jobs = mayRun ? try await redeliver(event, of: first) : [] else { return nil }
            meters.duplicate(from: source.name)
            return .json { json in
                json.member("id", first.description)
                json.member("duplicate", true)
                json.member("replay", EventRoutes.replayPath(of: first))
                if !jobs.isEmpty { json.member("jobs", jobs.lazy.map(\.id.description)) }
            }
        }
    }

    /// The jobs that run the event again; none while one of it has not ended, `nil` when it is gone.
    private func redeliver(
        _ event: NewEvent, of first: PayloadID
    ) async throws(Problem) -> [Enqueued]? {
        do throws(StoreError) {
            return try await queue.redeliver(event, of: first)
        } catch {
            throw Problem(error)
        }
    }

    private func source(for head: RequestHead) throws(Problem) -> WebhookSource {
        guard head.path.hasPrefix("/in/") else { throw .notFound }
        guard let source = sources.source(Self.name(in: head)) else { throw .unknownSource }
        return source
    }

    /// Many a form for a webhook's URL puts a slash at its end.
    private static func name(in head: RequestHead) -> String {
        let name = head.path.dropFirst("/in/".count)
        return String(name.hasSuffix("/") ? name.dropLast() : name)
    }

    private func verified(
        _ request: Request, by source: WebhookSource
    ) throws(Problem) -> NewEvent {
        let head = request.head
        let webhook = WebhookRequest(
            method: head.method, path: head.query.map { head.path + "?" + $0 } ?? head.path,
            headers: head.headers.map { Payload.Header(name: $0.name, value: $0.value) },
            body: request.body)
        let event: VerifiedEvent
        switch source.verify(webhook, now: .now) {
        case .success(let verified): event = verified
        case .failure(let refusal):
            switch refusal {
            case .ambiguousID: throw .malformed(refusal.description)
            case .largeBody(let limit): throw .tooLarge(limit: limit)
            // Otherwise nobody has been verified yet.
            case .malformedBody where source.signed == .sent:
                throw .malformed(refusal.description)
            default: throw .verificationFailed(refusal.description)
            }
        }
        do throws(InvalidInput) {
            return try event.newEvent()
        } catch {
            throw .malformed(error.description)
        }
    }
}
