import Tasq
import TasqWebhooks

/// A webhook source as the configuration describes it.
struct SourceEntry: Sendable {
    var name: Name
    var scheme: SignatureScheme
    /// Any one of them may have signed; empty where a command does not need them.
    var secrets: [String]
    /// The kind of the jobs made of its events; the source's own name unless told.
    var kind: KindTemplate
    /// What is special about the jobs of some of them.
    var routes: [WebhookRoute]
    /// Which routes an event takes.
    var match: WebhookRouting.Match
    /// Where the provider's event id stands; `nil`: where the scheme has it.
    var id: Location?
    var type: Location?
    /// How far a signed timestamp may lie from now, either way.
    var tolerance: Duration?
    /// The success status; `nil`: the scheme's own.
    var respond: Int?
    /// Headers handlers are to see beside the scheme's own; a final `*` matches any ending.
    var keep: [String]
    /// The field with the JSON where a form comes; `nil`: the scheme's own.
    var form: String?
    /// What a repetition of an event does.
    var redeliver: WebhookSource.Redelivery
    /// How a packed body is unpacked; `nil`: none is taken.
    var decode: WebhookSource.Decoding?
    /// Over which bytes of a packed body the signature is.
    var signed: WebhookSource.SignedForm
    /// Bytes a body may have; `nil`: as `limits.body` says.
    var body: Int?

    /// The source ready to verify requests, its jobs shaped by the handlers of their kinds.
    func source(for handlers: [HandlerEntry]) throws(InvalidInput) -> WebhookSource {
        try WebhookSource(
            name: name, scheme: scheme, secrets: secrets, tolerance: tolerance, id: id,
            type: type, routing: routing(for: handlers), respond: respond, keep: keep,
            form: form, redeliver: redeliver, decode: decode, signed: signed, body: body)
    }

    /// Where its routes contradict themselves or each other.
    var objections: [InvalidInput] {
        routing(for: []).objections(of: "sources.\(name)", hasType: (type ?? scheme.type) != nil)
    }

    private func routing(for handlers: [HandlerEntry]) -> WebhookRouting {
        WebhookRouting(kind: kind, routes: routes, match: match) { handlers.template(for: $0) }
    }
}

extension SourceEntry {
    /// Reads one entry of `sources`; reports what is wrong and gives `nil` when it is unusable.
    init?(name text: String, in sources: ConfigurationMapping, _ resolve: SecretResolver) {
        guard let entry = sources.mapping(text) else {
            sources.report(text, "needs at least verify and secrets")
            return nil
        }
        defer { entry.finish() }
        var name: Name?
        do {
            name = try Name(text)
        } catch {
            sources.report(text, "is not a source name: \(error.rule)")
        }
        id = entry.value("id") { text throws(InvalidInput) in try Location(text, field: "id") }
        type = entry.value("type") { text throws(InvalidInput) in
            try Location(text, field: "type")
        }
        let scheme = Self.scheme(of: entry, id: id)
        let listed = entry.list("secrets") ?? []
        if listed.isEmpty { entry.report("\(entry.path).secrets must name at least one secret") }
        secrets = listed.compactMap { resolve($0.text, at: $0.line) }
        let kind =
            entry.value("kind") { text throws(InvalidInput) in try KindTemplate(text) }
            ?? name.map { KindTemplate($0) }
        let routes = Self.routes(of: entry)
        match =
            entry.value("match") { text throws(InvalidInput) in try choice(text) } ?? .first
        tolerance = entry.value("tolerance") { text throws(InvalidInput) in try duration(text) }
        respond = entry.value("respond") { text throws(InvalidInput) in
            try number(text, in: 200...299)
        }
        keep = (entry.list("keep") ?? []).map(\.text)
        form = entry.text("form")
        redeliver =
            entry.value("redeliver") { text throws(InvalidInput) in try choice(text) } ?? .failed
        decode = entry.value("decode") { text throws(InvalidInput) in try choice(text) }
        signed = entry.value("signed") { text throws(InvalidInput) in try choice(text) } ?? .sent
        body = entry.value("body") { text throws(InvalidInput) in
            try byteCount(text, in: 1...JobLimits.eventBytes)
        }
        guard let name, let kind, let scheme, let routes else { return nil }
        (self.name, self.kind, self.scheme) = (name, kind, scheme)
        self.routes = routes
    }

    private static func scheme(of entry: ConfigurationMapping, id: Location?) -> SignatureScheme? {
        let presets = SignatureScheme.presets.keys.sorted().joined(separator: ", ")
        guard entry.isMapping("verify") else {
            guard entry.has("verify") else {
                entry.report("\(entry.path).verify is missing: \(presets) or a mapping with hmac")
                return nil
            }
            let scheme = entry.text("verify").flatMap(SignatureScheme.named)
            if scheme == nil {
                entry.report("verify", "must be one of \(presets), or a mapping with hmac")
            }
            return scheme
        }
        guard let map = entry.mapping("verify") else { return nil }
        let algorithm = map.text("hmac")
        let header = map.text("header")
        let encoding = map.text("encoding") ?? "hex"
        let prefix = map.text("prefix") ?? ""
        let sign = map.text("sign") ?? "{body}"
        let timestamp = map.text("timestamp")
        map.finish()
        guard let algorithm, let header else {
            map.report("\(map.path) needs hmac and header")
            return nil
        }
        do {
            return try SignatureScheme(
                hmac: algorithm, header: header, encoding: encoding, prefix: prefix, sign: sign,
                timestamp: timestamp, id: id, field: map.path)
        } catch {
            map.report(error.description)
            return nil
        }
    }
}
