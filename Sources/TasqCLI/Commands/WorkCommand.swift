import ArgumentParser
import FoundationEssentials
import Logging
import Tasq

/// `tasq work`: a worker process with the handlers of the configuration.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Run jobs with the handlers of the configuration.",
        discussion: """
            SIGTERM lets running jobs finish within worker.grace and hands the rest back; a second \
            SIGTERM hands everything back at once.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("queue"),
        help: ArgumentHelp(
            "A queue, and how often it is looked at first; may be repeated.",
            valueName: "name[:weight]"))
    var queues: [String] = []

    @Option(help: ArgumentHelp("Jobs run at once.", valueName: "n"))
    var concurrency: String?

    func run() async throws {
        var flags: [String: String] = [:]
        flags["worker.concurrency"] = concurrency
        if !queues.isEmpty { flags["worker.queues"] = queues.joined(separator: ",") }
        let configuration = try global.load([.database, .redis, .handlers], flags: flags)
        let logger = configuration.logger()
        let process = ProcessInfo.processInfo
        let settings = try configuration.worker.settings(
            host: process.hostName, processID: process.processIdentifier)
        let handlers = try HandlerSet(
            configuration.handlers, path: process.environment["PATH"] ?? "/usr/bin:/bin")
        if configuration.handlers.isEmpty {
            logger.warning("the configuration names no handlers: every job will fail")
        }
        let connections = try Connections(configuration, logger: logger)
        let worker = Worker(
            store: connections.store, announcer: connections.announcer, handlers: handlers.table,
            settings: settings, logger: logger)
        let daemon = Daemon(
            services: [Gated(gate: connections.gate, inner: worker)], logger: logger,
            hurry: { worker.handBackNow() })
        do {
            try await daemon.run()
        } catch {
            await connections.close()
            await handlers.shutdown()
            throw error
        }
        await connections.close()
        await handlers.shutdown()
        logger.info("worker stopped")
    }
}
