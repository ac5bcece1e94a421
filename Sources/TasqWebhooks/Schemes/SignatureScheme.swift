public import Tasq

/// How a provider signs its requests, as data: one verifier reads every scheme.
///
/// A scheme says which header carries the signature and how it is written, which bytes are
/// signed, where the timestamp and the provider's event id stand, and how a secret becomes a key.
/// It holds no secret.
public struct SignatureScheme: Sendable, Hashable {
    /// The hash under the HMAC.
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// SHA-256.
        case sha256
        /// SHA-512.
        case sha512
        /// SHA-1, for senders that know nothing better; under an HMAC it is still sound.
        case sha1
    }

    /// How the signature's bytes are written.
    public enum Encoding: String, Sendable, Hashable, CaseIterable {
        /// Hexadecimal digits, in either case.
        case hex
        /// Base64 with padding.
        case base64
    }

    /// How a secret becomes the HMAC's key.
    package enum KeyForm: Sendable, Hashable {
        /// Its UTF-8 bytes as they are.
        case raw
        /// Decoded from base64, after `whsec_` where that stands in front.
        case standard
    }

    /// Where the signed timestamp, in Unix seconds, stands.
    package enum TimestampPlace: Sendable, Hashable {
        /// In a header of its own, the name in lower case.
        case header(String)
        /// In an item of the signature header, after this label.
        case item(label: String)
    }

    package var algorithm: Algorithm
    /// The header with the signatures, in lower case.
    package var header: String
    package var encoding: Encoding
    /// What separates the items of that header; `nil` where it is one item.
    package var separator: Character?
    /// What stands before the signature within its item, as in `v1,`.
    package var label: String
    package var signed: SignedTemplate
    package var timestamp: TimestampPlace?
    /// How far the timestamp may lie from now, either way.
    package var tolerance: Duration
    package var keyForm: KeyForm
    /// The provider's event id: the signed `{id}`, and what duplicates are known by.
    package var id: Location?
    package var type: Location?
    /// The success status the provider is known to want.
    package var respond: Int
    /// What the provider's header names begin with where it may leave out an `x-` in front, as in
    /// `shopify-`: either form means the same.
    package var family: String?
    /// The headers that say what happened, in lower case; a final `*` matches any ending.
    package var kept: [String]
    /// The field with the JSON where the provider may send a form.
    package var form: String?

    package init(
        algorithm: Algorithm = .sha256, header: String, encoding: Encoding,
        separator: Character? = nil, label: String = "", signed: SignedTemplate = .body,
        timestamp: TimestampPlace? = nil, tolerance: Duration = Self.defaultTolerance,
        keyForm: KeyForm = .raw, id: Location? = nil, type: Location? = nil, respond: Int = 202,
        family: String? = nil, kept: [String] = [], form: String? = nil
    ) {
        self.algorithm = algorithm
        self.header = header
        self.encoding = encoding
        self.separator = separator
        self.label = label
        self.signed = signed
        self.timestamp = timestamp
        self.tolerance = tolerance
        self.keyForm = keyForm
        self.id = id
        self.type = type
        self.respond = respond
        self.family = family
        self.kept = kept
        self.form = form
    }

    /// How far a timestamp may lie from now where nobody says otherwise: five minutes.
    public static let defaultTolerance = Duration.seconds(300)
}

extension SignatureScheme {
    /// The generic scheme of a configuration: any HMAC over the body and what stands beside it.
    ///
    /// - Parameters:
    ///   - algorithm: `sha256`, `sha512` or `sha1`.
    ///   - header: the header with the signature.
    ///   - encoding: `hex` or `base64`.
    ///   - prefix: what stands before the signature in the header, as in `sha256=`.
    ///   - sign: the signed bytes, a text with `{body}`, which it must contain, `{timestamp}`,
    ///     `{id}`, `{method}` and `{path}`, the path with its query; everything else stands for
    ///     itself.
    ///   - timestamp: where the Unix seconds stand, as `header:NAME`. It must be signed, or
    ///     it would prove nothing.
    ///   - id: the provider's event id; required where `sign` contains `{id}`.
    ///   - type: the event's type.
    ///   - field: what an error names as the scheme's place in the configuration.
    /// - Throws: `InvalidInput` naming the part of `field` that breaks a rule.
    public init(
        hmac algorithm: String, header: String, encoding: String = "hex", prefix: String = "",
        sign: String = "{body}", timestamp: String? = nil, id: Location? = nil,
        type: Location? = nil, field: String = "verify"
    ) throws(InvalidInput) {
        guard let algorithm = Algorithm(rawValue: algorithm) else {
            throw InvalidInput(field: "\(field).hmac", "must be sha256, sha512 or sha1")
        }
        guard let encoding = Encoding(rawValue: encoding) else {
            throw InvalidInput(field: "\(field).encoding", "must be hex or base64")
        }
        guard prefix.utf8.count <= 100, prefix.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw InvalidInput(
                field: "\(field).prefix", "must be at most 100 printable ASCII characters")
        }
        let signed = try SignedTemplate(sign, field: "\(field).sign")
        var place: TimestampPlace?
        if let timestamp {
            let location = try Location(timestamp, field: "\(field).timestamp")
            guard let name = location.headerName else {
                throw InvalidInput(field: "\(field).timestamp", "must be header:NAME")
            }
            place = .header(name)
        }
        guard signed.contains(.timestamp) == (place != nil) else {
            throw InvalidInput(
                field: "\(field).sign",
                place == nil
                    ? "has {timestamp}, so \(field).timestamp must say where it stands"
                    : "must contain {timestamp}, since \(field).timestamp is set")
        }
        guard !signed.contains(.id) || id != nil else {
            throw InvalidInput(
                field: "\(field).sign", "has {id}, so the source's id must say where it stands")
        }
        self.init(
            algorithm: algorithm, header: try checkedHeaderName(header, field: "\(field).header"),
            encoding: encoding, label: prefix, signed: signed, timestamp: place, id: id,
            type: type)
    }
}
