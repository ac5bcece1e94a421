import Logging
import ServiceLifecycle
import Tasq
import TasqHTTP
import TasqWebhooks

/// Where `tasq work` tells its numbers, if anywhere. It has the admin listener's tokens and
/// certificate.
struct WorkerListener: Sendable {
    let server: WorkerServer
    private let tls: ListenerTLS?
    /// Turns red first: it belongs last in the group.
    let readiness = Readiness()

    /// `nil` where the configuration names no address. Throws ``InvalidInput``.
    init?(
        _ configuration: Configuration, _ connections: Connections, _ worker: Worker,
        logger: Logger
    ) throws {
        guard let address = configuration.worker.listen else { return nil }
        let tls = try configuration.http.adminTLS.read(for: "http.admin")
        let announcer = connections.announcer
        self.tls = tls
        var limits = WorkerServer.defaultLimits
        limits.idle = configuration.limits.idle
        server = try WorkerServer(
            address: address, limits: limits, tls: tls, tokens: configuration.http.tokens(),
            catalog: connections.store, readiness: readiness,
            redis: { await announcer.state() },
            metrics: { worker.metrics + TargetClient.metrics + [.version] },
            logger: logger,
            onListening: { address in
                do {
                    try StandardOutput.line("metrics \(address.url(isSecure: tls != nil))")
                } catch {}
            })
    }

    /// Whether a key counts for the listener.
    static func uses(_ key: String) -> Bool {
        [
            "http.admin_certificate", "http.admin_key", "admin_token", "admin_tokens",
            "limits.idle_timeout",
        ].contains(key)
    }

    /// Takes another certificate over while it serves.
    func takeOver(_ configuration: Configuration) throws {
        if let fresh = try configuration.http.adminTLS.read(for: "http.admin") {
            tls?.replace(with: fresh)
        }
    }
}
