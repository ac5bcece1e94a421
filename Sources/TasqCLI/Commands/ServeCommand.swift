import ArgumentParser
import Logging
import Tasq
import TasqHTTP
import TasqWebhooks

/// `tasq serve`: the ingest and the admin listener.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Take webhooks and serve the API.",
        discussion: """
            Two listeners: http.ingest for webhooks, http.admin for operators. Each prints its URL \
            on standard output when it takes connections. SIGHUP reads the configuration again \
            and takes sources, handlers' defaults, schedules, certificates and the log level over.
            """)

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let hangups = HangupSignals()
        let needs: Configuration.Needs = [.database, .redis, .sources, .admin]
        let configuration = try global.load(needs)
        let level = LogLevel(configuration.logLevel)
        let logger = configuration.logger(level)
        OpenFiles.raiseLimit(logger)
        configuration.tellOfRetention(logger)
        let connections = try Connections(configuration, logger: logger)
        do {
            // Before anything listens; an outage is waited out while it does.
            try await connections.gate.look()
            let server = try Server(configuration, connections, logger: logger) { name, url in
                do { try StandardOutput.line("\(name) \(url)") } catch {}
            }
            let reload = Reload(
                hangups: hangups, configuration: configuration, logLevel: level, logger: logger,
                uses: { !$0.hasPrefix("worker.") },
                load: { [global] in try global.reload(needs, as: configuration) },
                takeOver: server.takeOver)
            try await Daemon(services: [reload] + server.services, logger: logger).run()
        } catch {
            await connections.close()
            throw error
        }
        await connections.close()
        logger.info("server stopped")
    }
}
