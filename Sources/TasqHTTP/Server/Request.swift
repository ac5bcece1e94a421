import NIOHTTP1
import Tasq

/// The id of one HTTP request, told in `X-Request-Id`.
typealias RequestID = Identifier<Request>

/// A request whose head has been read and found sound.
struct RequestHead: Sendable {
    let id: RequestID
    let method: String
    /// The path as it was sent: nothing is decoded, so nothing can hide in an encoding.
    let path: String
    /// What follows the `?`, as it was sent.
    let query: String?
    let headers: HTTPHeaders
    let expectsContinue: Bool
    /// Whether body bytes may follow.
    let hasBody: Bool
    /// The body's length, where the client told it.
    let contentLength: Int?

    /// Checks what a parser lets through but HTTP forbids.
    init(_ head: HTTPRequestHead, id: RequestID) throws(Problem) {
        let isOld = head.version.minor == 0
        let hosts = head.headers["host"].count
        guard hosts == 1 || (hosts == 0 && isOld) else {
            throw .malformed("exactly one Host header is required")
        }
        let codings = head.headers["transfer-encoding"]
        if !codings.isEmpty {
            guard !isOld, codings.count == 1, head.headers["content-length"].isEmpty,
                codings[0].lowercased() == "chunked"
            else { throw .malformed("the only transfer coding known is chunked") }
        }
        contentLength = try Self.contentLength(head.headers["content-length"])
        hasBody = !codings.isEmpty || (contentLength ?? 0) > 0
        let expectations = head.headers["expect"]
        if let expectation = expectations.first {
            guard expectations.count == 1, expectation.lowercased() == "100-continue" else {
                throw .expectationFailed
            }
        }
        expectsContinue = !expectations.isEmpty && !isOld
        self.id = id
        method = head.method.rawValue
        headers = head.headers
        (path, query) = Self.parts(of: head.uri)
    }

    private static func contentLength(_ values: [String]) throws(Problem) -> Int? {
        guard let value = values.first else { return nil }
        guard values.count == 1, value.utf8.allSatisfy({ (48...57).contains($0) }),
            let length = Int(value)
        else { throw .malformed("Content-Length must be one whole number") }
        return length
    }

    /// Splits the target at the first `?`; of the absolute form only path and query count.
    private static func parts(of target: String) -> (path: String, query: String?) {
        var rest = target[...]
        for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            rest = rest[(rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex)...]
        }
        guard let mark = rest.firstIndex(of: "?") else { return (String(rest), nil) }
        return (String(rest[..<mark]), String(rest[rest.index(after: mark)...]))
    }
}

/// A complete request.
struct Request: Sendable {
    let head: RequestHead
    let body: [UInt8]
    /// Raised when the client has closed its side of the connection: nobody waits any more.
    let gone: Signal
}

/// What a listener does with requests.
protocol Responder: Sendable {
    /// Decides by the head alone, before the body is read; throws to refuse.
    func admit(_ head: RequestHead) throws(Problem)

    /// How large the body of an admitted request may be.
    func allowance(for head: RequestHead, within limits: HTTPLimits) -> BodyAllowance

    /// Answers a complete request.
    func answer(_ request: Request) async throws(Problem) -> Answer

    /// Told of a request that is refused, with its body's length as far as it is known.
    func refused(_ head: RequestHead, _ problem: Problem, bytes: Int?)
}

extension Responder {
    func allowance(for head: RequestHead, within limits: HTTPLimits) -> BodyAllowance {
        BodyAllowance(bytes: limits.bodyBytes)
    }

    func refused(_ head: RequestHead, _ problem: Problem, bytes: Int?) {}
}

extension RequestHead {
    /// Refuses a compressed body, unless it has one of these codings and no other.
    func checkEncoding(besides known: [String] = []) throws(Problem) {
        let codings = headers["content-encoding"].filter {
            !$0.isEmpty && $0.lowercased() != "identity"
        }
        guard codings.isEmpty || (codings.count == 1 && known.contains(codings[0].lowercased()))
        else { throw .unsupportedEncoding(besides: known) }
    }
}
