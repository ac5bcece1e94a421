public import Tasq

/// A sender of webhooks: how its requests are verified and what jobs they become.
public struct WebhookSource: Sendable {
    /// Secrets a source may have at once.
    public static let secretLimit = 8
    /// Bytes of a provider's event id and type; a longer id is stored as its hash.
    public static let idByteLimit = 200
    /// How far the timestamp's tolerance may be opened: a day.
    public static let toleranceLimit = Duration.seconds(86_400)
    /// How many times as long as it was sent a body may be when it is unpacked, beyond
    /// ``freeUnpackedBytes``; it is never longer than ``body`` or `JobLimits.payloadBytes` either.
    public static let unpackedRatio = 100
    /// Bytes that any body may be unpacked to.
    public static let freeUnpackedBytes = 65_536
    /// Bytes of the name of a form's field.
    public static let fieldByteLimit = 100

    /// The path's last part, as in `/in/github`.
    public let name: Name
    /// How its requests are signed.
    public let scheme: SignatureScheme
    /// The success status, 200 to 299: some providers take nothing but 200 for success.
    public let respond: Int
    /// Which jobs each event becomes.
    public let routing: WebhookRouting
    /// What a repetition of an event does.
    public let redeliver: Redelivery

    private let keys: [SigningKey]
    private let tolerance: Duration
    let id: Location?
    private let type: Location?
    /// Headers that are kept, in lower case; a final `*` matches any ending.
    private let kept: [String]
    private let form: String?
    /// How a packed body is unpacked; `nil`: none is taken.
    public let decode: Decoding?
    /// Over which bytes of a packed body the signature is.
    public let signed: SignedForm
    /// Bytes a body may have, packed or not; `nil`: as many as the listener says.
    public let body: Int?

    /// A content coding (RFC 9110, section 8.4.1) that a source takes.
    public enum Decoding: String, Sendable, CaseIterable {
        /// RFC 1952.
        case gzip

        /// What `Content-Encoding` calls it, in lower case.
        package var names: [String] { ["gzip", "x-gzip"] }
    }

    /// Over which bytes a packed body's signature is.
    public enum SignedForm: String, Sendable, CaseIterable {
        /// Those that were sent.
        case sent
        /// Those that were packed.
        case decoded
    }

    /// What happens when a source sends an event that it sent before.
    public enum Redelivery: String, Sendable, CaseIterable {
        /// Jobs of it that ended in `error` are queued again.
        case failed
        /// The same, and an event whose jobs have all ended otherwise gets new ones.
        case run
    }

    /// - Parameters:
    ///   - name: the path's last part.
    ///   - scheme: how its requests are signed.
    ///   - secrets: tried in turn, so that one may be replaced without a gap. The order is free.
    ///   - tolerance: how far a timestamp may lie from now; `nil` means the scheme's own.
    ///   - id: where the provider's event id stands; `nil` means the scheme's own place. Events
    ///     without an id are never duplicates.
    ///   - type: where the event's type stands; `nil` means the scheme's own place.
    ///   - routing: which jobs each event becomes.
    ///   - respond: the success status; `nil` means the scheme's own, mostly 202.
    ///   - keep: names of headers that handlers are to see beside the scheme's own; a final `*`
    ///     matches any ending.
    ///   - form: the field of a form that holds the JSON; `nil` means the scheme's own.
    ///   - redeliver: what a repetition of an event does.
    ///   - decode: how a packed body is unpacked; `nil`: none is taken.
    ///   - signed: over which bytes of a packed body the signature is.
    ///   - body: bytes a body may have, up to `JobLimits.eventBytes`; `nil`: as many as the listener
    ///     says.
    /// - Throws: `InvalidInput` naming the source and the rule, never a secret: none, more than
    ///   ``secretLimit``, an empty one or one with white space around it, a tolerance for
    ///   a scheme without timestamps, a status that is no success, a header that is never kept,
    ///   routes that contradict each other.
    public init(
        name: Name, scheme: SignatureScheme, secrets: [String], tolerance: Duration? = nil,
        id: Location? = nil, type: Location? = nil, routing: WebhookRouting, respond: Int? = nil,
        keep: [String] = [], form: String? = nil, redeliver: Redelivery = .failed,
        decode: Decoding? = nil, signed: SignedForm = .sent, body: Int? = nil
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
        guard
            form.map({ (1...Self.fieldByteLimit).contains($0.utf8.count) && isPrintable($0) })
                != false
        else {
            throw InvalidInput(
                field: "\(field).form",
                "must name a field in 1 to \(Self.fieldByteLimit) printable bytes")
        }
        guard body.map({ (1...JobLimits.eventBytes).contains($0) }) != false else {
            throw InvalidInput(
                field: "\(field).body", "must be between 1 and \(JobLimits.eventBytes) bytes")
        }
        let hasType = (type ?? scheme.type) != nil
        if let objection = routing.objections(of: field, hasType: hasType).first {
            throw objection
        }
        self.body = body
        kept = scheme.kept + (try keptPatterns(keep, field: "\(field).keep"))
        self.form = form ?? scheme.form
        self.redeliver = redeliver
        self.decode = decode
        self.signed = signed
        self.name = name
        self.scheme = scheme
        self.keys = keys
        self.tolerance = tolerance ?? scheme.tolerance
        self.id = id ?? scheme.id
        self.type = type ?? scheme.type
        self.routing = routing
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
        var request = request
        request.family = scheme.family
        let providerID: String?
        let formField: String?
        do throws(Refusal) {
            // A stranger's bytes are not unpacked where they can be judged as they are.
            if signed == .decoded { try unpack(&request) }
            var field = readForm(&request)
            try scheme.verify(request, keys: keys, tolerance: tolerance, now: now)
            if signed == .sent, try unpack(&request) { field = readForm(&request) }
            formField = field
            providerID = try eventID(in: request)
        } catch {
            return .failure(error)
        }
        let type = self.type?.value(in: request).flatMap {
            $0.utf8.count <= Self.idByteLimit && isPrintable($0) ? $0 : nil
        }
        return .success(
            VerifiedEvent(
                source: name, jobs: routing.jobs(of: request, type: type), request: request,
                byteLimit: body ?? JobLimits.payloadBytes, providerID: providerID, type: type,
                keptHeaders: keptHeaders(
                    of: request, scheme: scheme,
                    matching: kept + [id, self.type].compactMap { $0?.headerName }),
                formField: formField))
    }

    /// Unpacks a body that says it is packed, where the source takes such; `false`: it is not.
    @discardableResult
    private func unpack(_ request: inout WebhookRequest) throws(Refusal) -> Bool {
        guard decode == .gzip, request.isGzip else { return false }
        let limit = unpackedBytes(of: request.body.count)
        do throws(GzipFault) {
            request.body = try unpacked(gzip: request.body, upTo: limit)
        } catch {
            switch error {
            case .malformed: throw .malformedBody
            case .tooLarge: throw .largeBody(limit: limit)
            }
        }
        request.content = request.body
        return true
    }

    /// Bytes that a body is unpacked to at most.
    private func unpackedBytes(of packed: Int) -> Int {
        let (most, overflow) = packed.multipliedReportingOverflow(by: Self.unpackedRatio)
        return min(
            body ?? JobLimits.payloadBytes, overflow ? .max : max(Self.freeUnpackedBytes, most))
    }

    /// Bytes that a request with a body of this length may hold until its event is stored: the body
    /// as it came and unpacked, the JSON of a form, and the signed bytes where they are more than
    /// the body.
    package func bytesHeld(by length: Int, isPacked: Bool, isForm: Bool) -> Int {
        let unpacked = isPacked && decode != nil ? unpackedBytes(of: length) : 0
        let body = unpacked > 0 ? unpacked : length
        return length + unpacked + (isForm && form != nil ? body : 0)
            + (scheme.signed == .body ? 0 : signed == .sent ? length : body)
    }

    /// The most that ``bytesHeld(by:isPacked:isForm:)`` says.
    package var mostBytesHeld: Int? {
        body.map { bytesHeld(by: $0, isPacked: true, isForm: true) }
    }

    /// Puts the JSON of a form in the pointers' sight; returns the field it stands in.
    private func readForm(_ request: inout WebhookRequest) -> String? {
        guard let form, request.isForm, let json = formValue(of: form, in: request.body) else {
            return nil
        }
        request.content = json
        return form
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
        for candidate in request.headers where request.isSame(candidate.name, header) {
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
