import Logging
import ServiceLifecycle
import Tasq
import TasqHTTP
import TasqWebhooks

/// The services of `tasq serve`.
struct Server: Sendable {
    /// In order of dependency: readiness, last, turns red first.
    let services: [any Service]
    private let ingest: IngestServer
    private let entries: HandlerEntries
    private let schedules: Configured<ScheduleEntry>
    private let limits: Configured<FlowLimit>
    private let ingestTLS: ListenerTLS?
    private let adminTLS: ListenerTLS?

    /// `onListening` is told `ingest` or `admin` and the real URL. Throws ``InvalidInput``.
    init(
        _ configuration: Configuration, _ connections: Connections, logger: Logger,
        onListening: @escaping @Sendable (String, String) -> Void
    ) throws {
        let queue = connections.queue
        let httpMeters = HTTPMeters()
        let readiness = Readiness()
        let entries = HandlerEntries(configuration.handlers)
        let (ingestTLS, adminTLS) = try configuration.http.tls()
        ingest = IngestServer(
            address: configuration.http.ingest, limits: configuration.limits, tls: ingestTLS,
            sources: try configuration.webhookSources(),
            queue: queue, meters: httpMeters, logger: logger,
            onListening: { onListening("ingest", $0.url(isSecure: ingestTLS != nil)) })
        let store = connections.store
        let announcer = connections.announcer
        var adminLimits = AdminServer.defaultLimits
        adminLimits.idle = configuration.limits.idle
        adminLimits.bufferedBytes = configuration.limits.bufferedBytes
        let admin = try AdminServer(
            address: configuration.http.admin, limits: adminLimits, tls: adminTLS,
            tokens: configuration.http.tokens(), queue: queue, catalog: store, announcer: announcer,
            retention: configuration.retention, readiness: readiness,
            redis: { await announcer.state() },
            defaults: { kind, payload in entries.defaults(for: kind, payload: payload) },
            meters: httpMeters, metrics: { [.version] }, logger: logger,
            onListening: { onListening("admin", $0.url(isSecure: adminTLS != nil)) })
        self.entries = entries
        self.ingestTLS = ingestTLS
        self.adminTLS = adminTLS
        schedules = Configured<ScheduleEntry>(configuration, store: store, logger: logger)
        limits = Configured<FlowLimit>(configuration, store: store, logger: logger)
        let tables = Gated(gate: connections.gate, inner: schedules, beside: [limits])
        services = [tables, ingest, admin, readiness]
    }

    /// Takes over sources, the handlers' defaults, schedules, limits and certificates while it serves.
    ///
    /// Throws ``InvalidInput``, and has then changed nothing.
    func takeOver(_ configuration: Configuration) throws {
        let sources = try configuration.webhookSources()
        let (ingestTLS, adminTLS) = try configuration.http.tls()
        ingest.replaceSources(sources)
        entries.replace(with: configuration.handlers)
        schedules.takeOver(configuration.schedules)
        limits.takeOver(configuration.flowLimits)
        if let ingestTLS { self.ingestTLS?.replace(with: ingestTLS) }
        if let adminTLS { self.adminTLS?.replace(with: adminTLS) }
    }
}

extension Configuration {
    /// The sources ready to verify requests.
    func webhookSources() throws(InvalidInput) -> [WebhookSource] {
        var ready: [WebhookSource] = []
        for source in sources { ready.append(try source.source(for: handlers)) }
        return ready
    }
}

extension Configuration.HTTPSection {
    /// The certificates of both listeners, read from their files; `nil` for plain http.
    func tls() throws(InvalidInput) -> (ingest: ListenerTLS?, admin: ListenerTLS?) {
        (try ingestTLS.read(for: "http.ingest"), try adminTLS.read(for: "http.admin"))
    }
}

extension Configuration.TLSFiles {
    /// Throws ``InvalidInput`` naming the key, below `field`, that is missing or cannot be used.
    func read(for field: String) throws(InvalidInput) -> ListenerTLS? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            return try ListenerTLS(certificate: certificate, key: key, field: field)
        case (_?, nil):
            throw InvalidInput(field: "\(field)_certificate", "needs \(field)_key beside it")
        case (nil, _?):
            throw InvalidInput(field: "\(field)_key", "needs \(field)_certificate beside it")
        }
    }
}

extension ListenAddress {
    func url(isSecure: Bool) -> String { "\(isSecure ? "https" : "http")://\(self)" }
}

extension Announcer {
    /// Whether the doorbell answers, for probes.
    func state() async -> DependencyState {
        guard rings else { return .none }
        do {
            _ = try await depths(of: [.defaultQueue])
            return .up
        } catch {
            return .down
        }
    }
}

extension Metric {
    /// Which program this is.
    static let version = Metric(
        "tasq_build_info", .gauge, help: "The version of the program, as a label.",
        samples: [.init(1, labels: [.init("version", TasqCommand.version)])])
}

extension [HandlerEntry] {
    /// What a job of a kind gets where its enqueue does not say; from the first entry about it.
    func defaults(for kind: Name, payload: [UInt8]) -> JobOptions {
        let template = template(for: kind)
        var options = template.options
        options.key = template.key(in: WebhookRequest(headers: [], body: payload))
        return options
    }
}
