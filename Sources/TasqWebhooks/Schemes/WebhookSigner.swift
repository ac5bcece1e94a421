public import Tasq

/// Signs requests as a provider would: outgoing ones to an HTTP target, and samples.
public struct WebhookSigner: Sendable {
    private let scheme: SignatureScheme
    private let key: SigningKey

    /// Throws `InvalidInput` naming `field`, never the secret, when the secret is empty, has
    /// white space around it or is not what the scheme demands.
    public init(
        scheme: SignatureScheme, secret: String, field: String = "secret"
    ) throws(InvalidInput) {
        self.scheme = scheme
        key = try SigningKey(secret, form: scheme.keyForm, field: field)
    }

    /// The headers that prove the body, names in lower case: the id and the timestamp where
    /// the scheme has headers for them, then the signature.
    ///
    /// Where a scheme signs an id that stands in the body, that one is signed and `id` is unused.
    public func headers(for body: [UInt8], id: String, at time: Timestamp) -> [Payload.Header] {
        let timestamp = String(time.microseconds / 1_000_000)
        var headers: [Payload.Header] = []
        var signedID = id
        switch scheme.id?.place {
        case .header(let name): headers.append(Payload.Header(name: name, value: id))
        case .body(let pointer): signedID = pointer.value(in: body) ?? id
        case nil: break
        }
        if case .header(let name) = scheme.timestamp {
            headers.append(Payload.Header(name: name, value: timestamp))
        }
        let code = key.authenticationCode(
            of: scheme.signed.parts.map { part in
                switch part {
                case .id: Array(signedID.utf8)
                case .timestamp: Array(timestamp.utf8)
                case .body: body
                case .text(let text): Array(text.utf8)
                }
            }, algorithm: scheme.algorithm)
        var value = scheme.label + scheme.encoding.encode(code)
        if case .item(let label) = scheme.timestamp, let separator = scheme.separator {
            value = label + timestamp + String(separator) + value
        }
        headers.append(Payload.Header(name: scheme.header, value: value))
        return headers
    }
}
