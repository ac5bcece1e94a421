public import Tasq

/// Signs requests as a provider would: outgoing ones to an HTTP target, and samples.
public struct WebhookSigner: Sendable {
    private let scheme: SignatureScheme
    private let keys: [SigningKey]

    /// Throws `InvalidInput` naming `field`, never the secret, when the secret is empty, has
    /// white space around it or is not what the scheme demands.
    public init(
        scheme: SignatureScheme, secret: String, field: String = "secret"
    ) throws(InvalidInput) {
        try self.init(scheme: scheme, secrets: [secret], field: field)
    }

    /// Signs with each of the secrets, for a receiver that is about to go from one to the other.
    ///
    /// The signatures stand in one header, in this order, with the scheme's separator between them.
    /// Throws `InvalidInput` as for one secret, and for several where the scheme has no separator.
    public init(
        scheme: SignatureScheme, secrets: [String], field: String = "secrets"
    ) throws(InvalidInput) {
        self.scheme = scheme
        let limit = scheme.separator == nil ? 1 : Self.secretLimit
        guard (1...limit).contains(secrets.count) else {
            throw InvalidInput(field: field, "must be 1 to \(limit) secrets")
        }
        var keys: [SigningKey] = []
        for secret in secrets {
            keys.append(try SigningKey(secret, form: scheme.keyForm, field: field))
        }
        self.keys = keys
    }

    /// Secrets one signer may have.
    public static let secretLimit = 4

    /// The headers that prove the body, names in lower case: the id and the timestamp where
    /// the scheme has headers for them, then the signature.
    ///
    /// Where a scheme signs an id that stands in the body, that one is signed and `id` is unused.
    /// The method and the path with its query are signed where the scheme says so.
    public func headers(
        for body: [UInt8], id: String, at time: Timestamp, method: String = "POST",
        path: String = "/"
    ) -> [Payload.Header] {
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
        let signed = scheme.signed.parts.map { part in
            switch part {
            case .id: Array(signedID.utf8)
            case .timestamp: Array(timestamp.utf8)
            case .body: body
            case .method: Array(method.utf8)
            case .path: Array(path.utf8)
            case .text(let text): Array(text.utf8)
            }
        }
        var items = keys.map { key in
            scheme.label
                + scheme.encoding.encode(
                    key.authenticationCode(of: signed, algorithm: scheme.algorithm))
        }
        if case .item(let label) = scheme.timestamp { items.insert(label + timestamp, at: 0) }
        // One separator between two, and none at an end: some verifiers fail on an empty item.
        let separator = scheme.separator.map { String($0) } ?? ""
        headers.append(
            Payload.Header(name: scheme.header, value: items.joined(separator: separator)))
        return headers
    }
}
