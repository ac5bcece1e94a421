public import Tasq

/// A sender of webhooks: how its requests are verified and what job they become.
public struct WebhookSource: Sendable {
    /// Secrets a source may have at once.
    public static let secretLimit = 8
    /// Bytes of a provider's event id and type; a longer id is stored as its hash.
    public static let idByteLimit = 200
    /// How far the timestamp's tolerance may be opened: a day.
    public static let toleranceLimit = Duration.seconds(86_400)

    /// The path's last part, as in `/in/github`.
    public let name: Name
    /// How its requests are signed.
    public let scheme: SignatureScheme
    /// The success status, 200 to 299: some providers take nothing but 200 for success.
    public let respond: Int
    /// What each event becomes.
    public let job: JobTemplate

    private let keys: [SigningKey]
    private let tolerance: Duration
    private let id: Location?
    private let type: Location?

    /// - Parameters:
    ///   - name: the path's last part.
    ///   - scheme: how its requests are signed.
    ///   - secrets: tried in turn, so that one may be replaced without a gap. The order is free.
    ///   - tolerance: how far a timestamp may lie from now; `nil` means the scheme's own.
    ///   - id: where the provider's event id stands; `nil` means the scheme's own place. Events
    ///     without an id are never duplicates.
    ///   - type: where the event's type stands; `nil` means the scheme's own place.
    ///   - job: what each event becomes.
    ///   - respond: the success status; `nil` means the scheme's own, mostly 202.
    /// - Throws: `InvalidInput` naming the source and the rule, never a secret: none, more than
    ///   ``secretLimit``, an empty one or one with white space around it, a tolerance for
    ///   a scheme without timestamps, a status that is no success.
    public init(
        name: Name, scheme: SignatureScheme, secrets: [String], tolerance: Duration? = nil,
        id: Location? = nil, type: Location? = nil, job: JobTemplate, respond: Int? = nil
    ) throws(InvalidInput) {
        let field = "sources.\(name)"
        guard (1...Self.secretLimit).contains(secrets.count) else {
            throw InvalidInput(
                field: "\(field).secrets", "must be 1 to \(Self.secretLimit) secrets")
        }
        var keys: [SigningKey] = []
        for (index, secret) in secrets.enumerated() {
            keys.append(
                try SigningKey(
                    secret, form: scheme.keyForm, field: "\(field).secrets[\(index)]"))
        }
        if let tolerance {
            guard scheme.timestamp != nil else {
                throw InvalidInput(
                    field: "\(field).tolerance",
                    "has no meaning: the scheme signs no timestamp; remove it")
            }
            guard tolerance >= .seconds(1), tolerance <= Self.toleranceLimit else {
                throw InvalidInput(field: "\(field).tolerance", "must be between 1s and 1d")
            }
        }
        let respond = respond ?? scheme.respond
        guard (200...299).contains(respond) else {
            throw InvalidInput(field: "\(field).respond", "must be between 200 and 299")
        }
        self.name = name
        self.scheme = scheme
        self.keys = keys
        self.tolerance = tolerance ?? scheme.tolerance
        self.id = id ?? scheme.id
        self.type = type ?? scheme.type
        self.job = job
        self.respond = respond
    }

    /// Says whether the request was signed with one of the source's secrets, over just these
    /// bytes and, where the scheme has timestamps, just now.
    ///
    /// A signature proves who sent the bytes, not that they come for the first time: that is
    /// ``VerifiedEvent/providerID``'s part. Never traps, whatever the request holds.
    public func verify(
        _ request: WebhookRequest, now: Timestamp = .now
    ) -> Result<VerifiedEvent, Refusal> {
        let providerID: String?
        do throws(Refusal) {
            try scheme.verify(request, keys: keys, tolerance: tolerance, now: now)
            providerID = try eventID(in: request)
        } catch {
            return .failure(error)
        }
        return .success(
            VerifiedEvent(
                source: name, job: job, request: request, providerID: providerID,
                type: type?.value(in: request).flatMap {
                    $0.utf8.count <= Self.idByteLimit && isPrintable($0) ? $0 : nil
                },
                keptHeaders: keptHeaders(
                    of: request, scheme: scheme, also: [id, type].compactMap { $0?.headerName })))
    }

    /// The provider's event id, made storable; `nil` where there is none.
    ///
    /// The HTTP decoder reads every byte that is not UTF-8 as U+FFFD, so two ids would become the
    /// same, and an event that nobody has seen be dropped as a duplicate.
    private func eventID(in request: WebhookRequest) throws(Refusal) -> String? {
        guard let header = id?.headerName else {
            return id?.value(in: request).flatMap { storableText($0, byteLimit: Self.idByteLimit) }
        }
        var text: Substring?
        for candidate in request.headers where candidate.name == header {
            let value = candidate.value[...].trimmingBlanks()
            guard !value.unicodeScalars.contains("\u{FFFD}") else {
                throw .ambiguousID(header, "names the event and must be UTF-8 without U+FFFD")
            }
            // By bytes: strings of different bytes may be equal.
            guard text?.utf8.elementsEqual(value.utf8) != false else {
                throw .ambiguousID(
                    header, "names the event and must not be there twice with different values")
            }
            text = value
        }
        return text.flatMap { storableText(String($0), byteLimit: Self.idByteLimit) }
    }
}
