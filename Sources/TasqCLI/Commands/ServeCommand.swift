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
            Two listeners: http.ingest for webhooks, http.admin for operators. Each prints its \
            address on standard output when it takes connections.
            """)

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let configuration = try global.load([.database, .redis, .sources, .admin])
        let logger = configuration.logger()
        let connections = try Connections(configuration, logger: logger)
        do {
            let server = try Server(configuration, connections, logger: logger) { name, address in
                do { try StandardOutput.line("\(name) http://\(address)") } catch {}
            }
            try await Daemon(services: server.services, logger: logger).run()
        } catch {
            await connections.close()
            throw error
        }
        await connections.close()
        logger.info("server stopped")
    }
}
