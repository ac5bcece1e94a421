import Tasq

/// The limits on the headers an event keeps.
package enum KeptHeaders {
    package static let countLimit = 32
    package static let valueByteLimit = 1024
}

/// The headers worth keeping with an event, in order.
///
/// A list of what may stay, not of what must go: `Authorization`, `Cookie`, whatever a proxy adds
/// and the signature itself are never stored. Kept are `user-agent`, the places of
/// the scheme's timestamp, id and type, and GitHub's, Standard Webhooks' and Svix's own names.
func keptHeaders(
    of request: WebhookRequest, scheme: SignatureScheme, also names: [String]
) -> [Payload.Header] {
    var names = Set(names + ["user-agent"])
    if case .header(let name) = scheme.timestamp { names.insert(name) }
    if let name = scheme.id?.headerName { names.insert(name) }
    var kept: [Payload.Header] = []
    for header in request.headers where kept.count < KeptHeaders.countLimit {
        guard names.contains(header.name) || hasKeptPrefix(header.name),
            header.name != scheme.header, !isCredentialHeader(header.name),
            header.value.utf8.count <= KeptHeaders.valueByteLimit, isPrintable(header.value)
        else { continue }
        kept.append(header)
    }
    return kept
}

private func hasKeptPrefix(_ name: String) -> Bool {
    name.utf8.count <= 100
        && ["x-github-", "webhook-", "svix-"].contains(where: name.hasPrefix)
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

private let credentialWords = ["signature", "authorization", "cookie", "token", "secret"].map {
    Array($0.utf8)
}

/// The media type as the sender wrote it, or that of bytes nobody described.
func contentType(of request: WebhookRequest) -> String {
    guard let value = try? request.soleValue(of: "content-type"), value.utf8.count <= 200,
        isPrintable(value)
    else { return "application/octet-stream" }
    return String(value)
}
