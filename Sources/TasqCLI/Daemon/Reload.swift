import FoundationEssentials
import Logging
import ServiceLifecycle
import Tasq

/// Reads the configuration again at each SIGHUP and takes over what can change while running.
///
/// The log level always can; the rest is `takeOver`'s. A configuration with mistakes changes
/// nothing: they are logged and the old one stays in force. What needs a new start is logged too.
struct Reload: Service {
    let hangups: HangupSignals
    /// What was in force at the start.
    let configuration: Configuration
    let logLevel: LogLevel
    let logger: Logger
    /// Whether this process uses a key at all.
    let uses: @Sendable (String) -> Bool
    let load: @Sendable () throws -> Configuration
    /// Takes a configuration without mistakes over; throws where a part cannot be used after all,
    /// and has then changed nothing.
    let takeOver: @Sendable (Configuration) throws -> Void

    func run() async throws {
        for await _ in hangups.stream.cancelOnGracefulShutdown() { reload() }
    }

    private func reload() {
        let fresh: Configuration
        do {
            fresh = try load()
            try takeOver(fresh)
        } catch {
            for line in Failure(error).text.split(whereSeparator: \.isNewline) {
                logger.error("the configuration has a mistake", metadata: ["mistake": "\(line)"])
            }
            logger.error("not reloaded: the configuration in force stays")
            return
        }
        logLevel.current = fresh.logLevel
        for key in configuration.fixedKeys(changedIn: fresh) where uses(key) {
            logger.warning("\(key) has changed: it takes effect at the next start")
        }
        logger.info(
            "configuration reloaded",
            metadata: [
                "file": "\(fresh.origins.file ?? "none")", "sources": "\(fresh.sources.count)",
                "handlers": "\(fresh.handlers.count)",
            ])
    }
}

extension Configuration {
    /// The keys that count at the start only and have another value in `fresh`.
    fileprivate func fixedKeys(changedIn fresh: Configuration) -> [String] {
        var keys = Setting.all.filter { setting in
            let (old, new) = (setting.value(in: self), setting.value(in: fresh))
            // Another certificate is taken over; having one at all is settled at the start.
            let isTaken = setting.isOfCertificate ? (old == nil) == (new == nil) : old == new
            return setting.key != "log_level" && !isTaken
        }.map(\.key)
        if retention != fresh.retention, !keys.contains(where: { $0.hasPrefix("retention.") }) {
            keys.append("retention.queues")
        }
        let tokens = (Set(http.operateTokens), Set(http.readTokens))
        if !keys.contains("admin_token"),
            tokens != (Set(fresh.http.operateTokens), Set(fresh.http.readTokens))
        {
            keys.append("admin_tokens")
        }
        return keys
    }
}

extension Setting {
    fileprivate var isOfCertificate: Bool {
        key.hasPrefix("http.") && (key.hasSuffix("_certificate") || key.hasSuffix("_key"))
    }
}

extension GlobalOptions {
    /// Reads the configuration as at the start, and the same file: one that was removed since is a
    /// mistake, not an empty configuration.
    func reload(
        _ needs: Configuration.Needs, flags more: [String: String] = [:],
        as first: Configuration
    ) throws -> Configuration {
        var flags = flags(and: more)
        if let file = first.origins.file { flags["config"] = file }
        return try Configuration.load(
            flags: flags, environment: ProcessInfo.processInfo.environment, needs: needs)
    }
}
