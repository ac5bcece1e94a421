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
            SIGTERM hands everything back at once. SIGHUP reads the configuration again and takes \
            handlers and the log level over; jobs that run keep the handler they began with.
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
        let hangups = HangupSignals()
        let needs: Configuration.Needs = [.database, .redis, .handlers]
        let configuration = try global.load(needs, flags: flags)
        let level = LogLevel(configuration.logLevel)
        let logger = configuration.logger(level)
        OpenFiles.raiseLimit(logger)
        let process = ProcessInfo.processInfo
        let settings = try configuration.worker.settings(
            host: process.hostName, processID: process.processIdentifier)
        let path = process.environment["PATH"] ?? "/usr/bin:/bin"
        let handlers = try HandlerSet(configuration.handlers, path: path)
        if configuration.handlers.isEmpty {
            logger.warning("the configuration names no handlers: every job will fail")
        }
        let connections = try Connections(configuration, logger: logger)
        let worker = Worker(
            store: connections.store, announcer: connections.announcer, handlers: handlers.table,
            settings: settings, logger: logger)
        let reload = Reload(
            hangups: hangups, configuration: configuration, logLevel: level, logger: logger,
            uses: { key in
                !["http.", "limits.", "admin_token"].contains(where: key.hasPrefix)
            },
            load: { [global, flags] in
                try global.reload(needs, flags: flags, as: configuration)
            },
            takeOver: { fresh in
                worker.replaceHandlers(try HandlerSet(fresh.handlers, path: path).table)
            })
        let daemon = Daemon(
            services: [reload, Gated(gate: connections.gate, inner: worker)], logger: logger,
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
