import Tasq
import TasqWebhooks

/// `http: { url: … }`: posts the body to a target.
struct HTTPAction: HandlerAction {
    static let name = "http"
    static let summary = "posts the body to a URL; 2xx is success."

    let url: String
    /// Of one delivery; `nil`: ten seconds.
    let timeout: Duration?
    /// For how long the target may say "later" without an attempt counted; `nil`: a day.
    let putOff: Duration?
    /// Failures in a row after which deliveries to the target are held back; `nil`: never.
    let breaker: Int?
    /// Sign the deliveries the Standard Webhooks way, all of them each.
    let secrets: [String]
    /// Private addresses that may be reached all the same, as in `10.20.0.0/16`.
    let allow: [String]
    /// Sent with each delivery.
    let headers: [Payload.Header]

    init?(reading entry: ConfigurationMapping, _ resolve: SecretResolver) {
        guard let map = entry.mapping(Self.name) else {
            entry.report("\(entry.path).http.url is missing")
            return nil
        }
        defer { map.finish() }
        let url = map.text("url")
        if url == nil { map.report("\(map.path).url is missing") }
        timeout = map.value("timeout") { text throws(InvalidInput) in try duration(text) }
        putOff = map.value("put_off") { text throws(InvalidInput) in try duration(text) }
        let failures = map.value("breaker") { text throws(InvalidInput) in
            try failuresInARow(text)
        }
        breaker = failures == 0 ? nil : failures ?? TargetClient.breakerFailures
        let signs = map.list("sign")
        if signs?.isEmpty == true { map.report("\(map.path).sign must name at least one secret") }
        secrets = (signs ?? []).compactMap { resolve($0.text, at: $0.line) }
        allow = (map.list("allow") ?? []).map(\.text)
        let headers = map.mapping("headers").map(resolve.variables) ?? [:]
        self.headers = headers.sorted { $0.key < $1.key }.map {
            Payload.Header(name: $0.key, value: $0.value)
        }
        guard let url else { return nil }
        self.url = url
        // A secret that is not looked up now cannot be judged now.
        guard resolve.looksUp else { return }
        do {
            _ = try target(field: entry.path)
        } catch {
            map.report(error.description)
        }
    }

    func handler(at field: String, in set: inout HandlerSet) throws(InvalidInput) -> Handler {
        let client = TargetClient(
            try target(field: field), version: TasqCommand.version, breaker: breaker,
            slots: set.slots)
        set.targets.append(client)
        var handler = client.handler()
        if let putOff { handler.putOff = putOff }
        return handler
    }

    private func target(field: String) throws(InvalidInput) -> HTTPTarget {
        try HTTPTarget(
            url: url, timeout: timeout ?? .seconds(10), allow: allow, signingSecrets: secrets,
            headers: headers, field: "\(field).http")
    }
}

/// Reads a number of failures; 0 for `off`.
private func failuresInARow(_ text: String) throws(InvalidInput) -> Int {
    guard text != "off" else { return 0 }
    do {
        return try number(text, in: 1...1000)
    } catch {
        throw InvalidInput(field: error.field, error.rule + ", or off")
    }
}
