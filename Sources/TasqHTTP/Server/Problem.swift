import NIOHTTP1
import Tasq

/// Why a request is refused: the answer's problem details (RFC 9457).
///
/// The texts are fixed, except for names of fields and rules: never a payload, a secret or SQL.
struct Problem: Error, Sendable {
    /// Stable and machine-readable, as in `body-too-large`; also the `reason` of a metric, so
    /// there is a fixed set of them.
    let code: String
    let status: HTTPResponseStatus
    let title: String
    var detail: String?
    var headers: [(name: String, value: String)] = []
    /// What the operator is told beyond that, and the sender is not.
    var cause: String?

    /// Why, for the operator.
    var reason: String { cause ?? detail ?? title }

    func answer(to request: RequestID) -> Answer {
        let body = JSONWriter.object { json in
            json.member("type", "urn:tasq:problem:\(code)")
            json.member("title", title)
            json.member("status", Int(status.code))
            if let detail { json.member("detail", detail) }
            json.member("code", code)
            json.member("request", request.description)
        }
        return Answer(
            status: status, contentType: "application/problem+json", headers: headers, body: body)
    }
}

extension Problem {
    static func malformed(_ detail: String? = nil) -> Problem {
        Problem(
            code: "malformed-request", status: .badRequest, title: "Malformed request",
            detail: detail)
    }

    static func invalid(_ input: InvalidInput) -> Problem {
        Problem(
            code: "invalid-value", status: .badRequest, title: "Invalid value",
            detail: input.description)
    }

    /// One text for every cause: a caller learns nothing about why a signature was refused.
    static func verificationFailed(_ cause: String) -> Problem {
        Problem(
            code: "verification-failed", status: .unauthorized, title: "Verification failed",
            cause: cause)
    }

    static let unauthorized = Problem(
        code: "unauthorized", status: .unauthorized, title: "A valid bearer token is required",
        headers: [("WWW-Authenticate", "Bearer realm=\"tasq\"")])

    static let forbidden = Problem(
        code: "forbidden", status: .forbidden, title: "The token's role does not allow this")

    static let foreignOrigin = Problem(
        code: "foreign-origin", status: .forbidden,
        title: "Requests from other sites' pages are refused")

    /// The name by which the listener was reached may be another site's.
    static let foreignHost = Problem(
        code: "foreign-origin", status: .forbidden,
        title: "Requests from other sites' pages are refused",
        detail: "the Host header must be localhost or a loopback address while no token is set")

    static let notFound = Problem(code: "not-found", status: .notFound, title: "Not found")

    static let unknownSource = Problem(
        code: "unknown-source", status: .notFound, title: "Unknown source")

    static func methodNotAllowed(_ allowed: some Sequence<String>) -> Problem {
        Problem(
            code: "method-not-allowed", status: .methodNotAllowed, title: "Method not allowed",
            headers: [("Allow", allowed.joined(separator: ", "))])
    }

    static let tooSlow = Problem(
        code: "body-too-slow", status: .requestTimeout,
        title: "The request did not arrive in time")

    static func tooLarge(limit: Int) -> Problem {
        Problem(
            code: "body-too-large", status: .payloadTooLarge, title: "Body too large",
            detail: "at most \(limit) bytes are accepted")
    }

    /// A part of the body is over a limit of its own.
    static func tooLarge(_ input: InvalidInput) -> Problem {
        Problem(
            code: "body-too-large", status: .payloadTooLarge, title: "Body too large",
            detail: input.description)
    }

    static func unsupportedEncoding(besides known: [String]) -> Problem {
        Problem(
            code: "unsupported-encoding", status: .unsupportedMediaType,
            title: known.isEmpty
                ? "Only an unencoded body is accepted" : "The body's encoding is not accepted",
            headers: [("Accept-Encoding", (known + ["identity"]).joined(separator: ", "))])
    }

    static let expectationFailed = Problem(
        code: "expectation-failed", status: .expectationFailed,
        title: "Only Expect: 100-continue is known")

    static let headersTooLarge = Problem(
        code: "headers-too-large", status: .requestHeaderFieldsTooLarge,
        title: "Request header fields too large")

    static var overloaded: Problem { later("overloaded", "Too many requests at once") }

    static var shuttingDown: Problem { later("shutting-down", "Shutting down") }

    static var notDurable: Problem {
        later("not-durable", "The database cannot commit right now")
    }

    /// A read that failed.
    static var unavailable: Problem { later("unavailable", "The database cannot answer right now") }

    /// What a failed write means to the caller. Its reason may quote SQL, so it is not told.
    init(_ error: StoreError) {
        switch error {
        case .unavailable, .contended, .unknown, .denied, .misconfigured, .unreadable:
            self = .notDurable
        case .rejected:
            self.init(
                code: "rejected", status: .unprocessableEntity,
                title: "The database refused the data")
        case .full(let refusal): self = .full(refusal)
        }
    }

    /// A queue is over its limit: try again when it says, or, where it never takes so much at once, not.
    /// Who may not know the queues is not told which.
    static func full(_ refusal: QueueFull, isTold: Bool = true) -> Problem {
        let text = refusal.description
        guard let delay = refusal.retryAfter else {
            return Problem(
                code: "over-limit", status: .unprocessableEntity,
                title: "More jobs than the queue ever takes at once",
                detail: isTold ? text : nil, cause: text)
        }
        return Problem(
            code: "queue-full", status: .tooManyRequests, title: "The queue takes no more now",
            detail: isTold ? text : nil,
            headers: [("Retry-After", String(max(1, delay.components.seconds)))], cause: text)
    }

    /// Refused for now: try again in one to ten seconds, spread so that not all come at once.
    private static func later(_ code: String, _ title: String) -> Problem {
        Problem(
            code: code, status: .serviceUnavailable, title: title,
            headers: [("Retry-After", String(Int.random(in: 1...10)))])
    }
}
