package import Tasq

/// The limits on the headers an event keeps.
package enum KeptHeaders {
    package static let countLimit = 32
    package static let valueByteLimit = 1024
    /// Names and patterns a source may add.
    package static let patternLimit = 32
}

/// The headers worth keeping with an event, in order.
///
/// A list of what may stay, not of what must go: `Authorization`, `Cookie`, whatever a proxy adds
/// and the signature itself are never stored. Kept are `user-agent`, the place of the scheme's
/// timestamp and what the patterns match: names in lower case, of which a final `*` matches any ending.
func keptHeaders(
    of request: WebhookRequest, scheme: SignatureScheme, matching patterns: [String]
) -> [Payload.Header] {
    var patterns = (patterns + ["user-agent"]).map(request.fullName)
    if case .header(let name) = scheme.timestamp { patterns.append(name) }
    // What a proxy was asked to take off was not meant for us.
    let connection = Set(
        request.headers.filter { $0.name == "connection" }
            .flatMap { $0.value.lowercased().split(separator: ",") }
            .map { String($0.trimmingBlanks()) })
    var kept: [Payload.Header] = []
    for header in request.headers where kept.count < KeptHeaders.countLimit {
        let name = request.fullName(header.name)
        guard patterns.contains(where: { isMatch(name, $0) }), name != scheme.header,
            header.name == "user-agent" || mayBePassedOn(header.name),
            !connection.contains(header.name),
            header.value.utf8.count <= KeptHeaders.valueByteLimit, isPrintable(header.value)
        else { continue }
        kept.append(header)
    }
    return kept
}

/// Whether a text is what a pattern says, of which a final `*` matches any ending. By bytes: strings
/// of different bytes may be equal.
func isMatch(_ text: String, _ pattern: String) -> Bool {
    guard pattern.utf8.last == UInt8(ascii: "*") else {
        return text.utf8.elementsEqual(pattern.utf8)
    }
    return text.utf8.starts(with: pattern.utf8.dropLast())
}

/// Names of headers to keep, in lower case, once they are known to be such.
func keptPatterns(_ names: [String], field: String) throws(InvalidInput) -> [String] {
    guard names.count <= KeptHeaders.patternLimit else {
        throw InvalidInput(field: field, "must be at most \(KeptHeaders.patternLimit) names")
    }
    var patterns: [String] = []
    for name in names {
        let isPattern = name.hasSuffix("*")
        let pattern = try checkedHeaderName(name, field: field)
        guard isPattern || pattern == "user-agent" || mayBePassedOn(pattern) else {
            throw InvalidInput(
                field: field,
                "must not name \(pattern): it frames the request, is tasq's own or may prove who "
                    + "sent it")
        }
        patterns.append(pattern)
    }
    return patterns
}

/// Whether a header that came with a webhook may go on to whoever runs its job: it neither frames
/// one message, nor is one that tasq sets, nor speaks of credentials.
package func mayBePassedOn(_ name: String) -> Bool {
    !isOfOneMessage(name) && !name.hasPrefix("tasq-") && !TraceContext.names.contains(name)
        && !isCredentialHeader(name)
}

/// Headers that frame a message, belong to one connection, or say who sends it.
func isOfOneMessage(_ name: String) -> Bool {
    framing.contains(name)
}

private let framing: Set = [
    "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade", "user-agent",
]

/// The headers of a webhook that go on to whoever runs its job, as they came.
package func passedOnHeaders(of job: ClaimedJob) -> [Payload.Header] {
    guard job.source != nil else { return [] }
    return job.payload.headers.prefix(KeptHeaders.countLimit).filter { header in
        mayBePassedOn(header.name) && header.value.utf8.count <= KeptHeaders.valueByteLimit
            && isPrintable(header.value)
            && (try? checkedHeaderName(header.name, field: "header")) == header.name
    }
}

/// Names that stay out even where a configuration or a prefix names them.
package func isCredentialHeader(_ name: String) -> Bool {
    // By bytes: this is asked of every request, and a search in strings took longer than HMAC.
    let name = Array(name.utf8)
    return credentialWords.contains { word in
        name.count >= word.count
            && (0...(name.count - word.count)).contains { start in
                name[start...].starts(with: word)
            }
    }
}

private let credentialWords = [
    "signature", "hmac", "authorization", "cookie", "token", "secret", "password", "passwd",
    "credential", "api-key", "apikey", "auth-key", "access-key", "jwt", "oidc", "assertion",
    "client-cert", "transmission-sig",
].map { Array($0.utf8) }

/// The media type as the sender wrote it, or that of bytes nobody described.
func contentType(of request: WebhookRequest) -> String {
    guard let value = try? request.soleValue(of: "content-type"), value.utf8.count <= 200,
        isPrintable(value)
    else { return "application/octet-stream" }
    return String(value)
}

extension WebhookRequest {
    /// Whether the body says that it is an HTML form's.
    package var isForm: Bool {
        contentType(of: self).prefix { $0 != ";" }.trimmingBlanks().lowercased()
            == "application/x-www-form-urlencoded"
    }
}
