import FoundationEssentials
import NIOHTTP1
public import Tasq

/// A URL that jobs are posted to, and the rules of talking to it.
///
/// A target answers 2xx for success. Everything else is a failed attempt: see
/// ``TargetClient/deliver(_:)``.
public struct HTTPTarget: Sendable {
    /// The longest ``timeout``: an hour.
    public static let timeoutLimit = Duration.seconds(3600)
    /// Bytes of a URL.
    public static let urlByteLimit = 2000
    /// Headers a configuration may add.
    public static let headerLimit = 32

    /// Scheme, host and port.
    public let origin: String
    /// The URL without its query, for reasons; a part of the path that may be a token is `***`.
    public let shown: String
    /// How long one delivery may take, from waiting for a connection to the answer.
    public let timeout: Duration

    /// What every delivery begins with.
    package let request: HTTPRequest
    package let headers: [Payload.Header]
    package let peers: PeerRule
    package let signer: WebhookSigner?

    /// - Parameters:
    ///   - url: `http` or `https`, without user and password; a header may carry those.
    ///   - timeout: of one delivery, from the first packet to the answer's head.
    ///   - allow: addresses (`127.0.0.1`), ranges (`10.20.0.0/16`) and host names that may be
    ///     connected to although they are not public.
    ///   - signingSecrets: sign each delivery by Standard Webhooks, each with a signature of its own
    ///     in the one header; none: unsigned.
    ///   - headers: sent with each delivery, as an `Authorization` the target asks for.
    ///   - field: what an error names as the target's place in the configuration.
    /// - Throws: `InvalidInput` naming the part of `field` and the mend, never a value;
    ///   `target_forbidden` for a literal address that is not public and not allowed. What a name
    ///   resolves to is judged at each connection.
    public init(
        url: String, timeout: Duration = .seconds(10), allow: [String] = [],
        signingSecrets: [String] = [], headers: [Payload.Header] = [], field: String = "http"
    ) throws(InvalidInput) {
        request = try HTTPRequest(toTarget: url, field: "\(field).url")
        let host = request.origin.host
        guard timeout >= .milliseconds(1), timeout <= Self.timeoutLimit else {
            throw InvalidInput(field: "\(field).timeout", "must be between 1ms and 1h")
        }
        peers = try PeerRule(allow: allow, host: host, field: "\(field).allow")
        if let address = IPAddress(host), let objection = peers.objection(to: address) {
            throw InvalidInput(
                field: "\(field).url",
                "is target_forbidden: \(host) is \(objection); if that is meant, add "
                    + "`allow: [\"\(host)\"]` beside the url")
        }
        self.headers = try Self.checked(headers, field: "\(field).headers")
        if signingSecrets.isEmpty {
            signer = nil
        } else {
            signer = try WebhookSigner(
                scheme: .standard, secrets: signingSecrets, field: "\(field).sign")
        }
        self.timeout = timeout
        origin = request.origin.description
        shown = origin + Self.shown(request.place.prefix { $0 != "?" })
    }

    /// Characters of a path that are shown.
    private static let shownLimit = 200

    /// Many services put the secret of a URL into its path: what is long, and has digits or letters of
    /// both sizes, may be one.
    private static func shown(_ path: Substring) -> String {
        guard path != "/" else { return "" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let shown = parts.map { part -> Substring in mayBeToken(part) ? "***" : part }
        let text = shown.joined(separator: "/")
        return text.count > shownLimit ? String(text.prefix(shownLimit)) + "…" : text
    }

    private static func mayBeToken(_ part: Substring) -> Bool {
        let bytes = part.utf8
        let hasDigit = bytes.contains { (0x30...0x39).contains($0) }
        let hasCapital = bytes.contains { (0x41...0x5A).contains($0) }
        let hasSmall = bytes.contains { (0x61...0x7A).contains($0) }
        return bytes.count >= 20 && (hasDigit || hasCapital && hasSmall)
    }

    /// The parts of path and query that are not shown, as they are sent.
    var hidden: [Substring] {
        let path = request.place.prefix { $0 != "?" }
        let query = request.place[path.endIndex...].dropFirst()
        var hidden = path.split(separator: "/").filter { Self.mayBeToken($0) }
        for part in query.split(separator: "&") {
            let value = part.drop { $0 != "=" }.dropFirst()
            hidden.append(value.isEmpty ? part : value)
        }
        return hidden
    }

    private static func checked(
        _ headers: [Payload.Header], field: String
    ) throws(InvalidInput) -> [Payload.Header] {
        guard headers.count <= headerLimit else {
            throw InvalidInput(field: field, "must be at most \(headerLimit)")
        }
        var checked: [Payload.Header] = []
        for (index, header) in headers.enumerated() {
            let name = try checkedHeaderName(header.name, field: "\(field)[\(index)]")
            guard !isOurs(name) else {
                throw InvalidInput(field: "\(field)[\(index)]", "names a header tasq sets itself")
            }
            guard header.value.utf8.count <= 4096, isPrintable(header.value) else {
                throw InvalidInput(
                    field: "\(field)[\(index)]",
                    "must have a printable value of at most 4096 bytes")
            }
            checked.append(Payload.Header(name: name, value: header.value))
        }
        return checked
    }

    /// Headers that frame the message, say who we are or prove it; how the body is encoded only
    /// the sender of a job knows.
    private static func isOurs(_ name: String) -> Bool {
        (isOfOneMessage(name) && name != "content-encoding") || name.hasPrefix("tasq-")
            || name.hasPrefix("webhook-")
    }
}

/// Shows where, never what is sent along: headers, path and query may hold secrets.
extension HTTPTarget: CustomStringConvertible, CustomReflectable {
    /// The origin.
    public var description: String { origin }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension HTTPRequest {
    /// A `POST` to a target: what is judged here is what is connected to later.
    fileprivate init(toTarget text: String, field: String) throws(InvalidInput) {
        guard text.utf8.count <= HTTPTarget.urlByteLimit,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }),
            let url = URLComponents(string: text), let scheme = url.scheme?.lowercased(),
            url.host != nil
        else {
            throw InvalidInput(
                field: field,
                "must be an absolute http or https URL in ASCII of at most "
                    + "\(HTTPTarget.urlByteLimit) bytes")
        }
        guard scheme == "http" || scheme == "https" else {
            throw InvalidInput(field: field, "must be http or https")
        }
        guard url.user == nil, url.password == nil else {
            throw InvalidInput(
                field: field, "must not hold a user or password; send them as a header")
        }
        self = try HTTPRequest(url: text, field: field)
        method = .POST
        guard IPAddress(origin.host) != nil || isHostName(origin.host) else {
            throw InvalidInput(
                field: field,
                "must have a host name in ASCII, a dotted quad or an IPv6 address in brackets")
        }
        // Just what is written there: nothing decoded, nothing left out.
        let written = text.dropFirst(scheme.count + "://".count)
            .prefix { !"/?#".contains($0) }.lowercased()
        let shown = origin.shownHost.lowercased()
        guard written == shown || written == "\(shown):\(origin.port)" else {
            throw InvalidInput(
                field: field, "must have a plain host, and a port between 1 and 65535 if any")
        }
    }
}
