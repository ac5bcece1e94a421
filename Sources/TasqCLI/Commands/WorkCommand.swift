import ArgumentParser
import FoundationEssentials
import Logging
import ServiceLifecycle
import Tasq
import TasqHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `tasq work`: a worker process with the handlers of the configuration.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Run jobs with the handlers of the configuration.",
        discussion: """
            SIGTERM lets running jobs finish within worker.grace and hands the rest back; a second \
            SIGTERM hands everything back at once. SIGHUP reads the configuration again and takes \
            handlers, schedules and the log level over; jobs that run keep the handler they began \
            with. With --listen, or worker.listen, it serves /metrics, /healthz and /readyz there \
            and prints the URL on standard output.

            What a handler does with a job is one of these:
            \(HandlerEntry.actions.map { "\($0.name): \($0.summary)" }.joined(separator: "\n"))
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

    @Option(
        help: ArgumentHelp(
            "Where to serve metrics and probes; port 0 takes any free one.",
            valueName: "host:port"))
    var listen: String?

    @Option(name: .customLong("metrics"), help: .hidden)
    var formerListen: String?

    func run() async throws {
        var flags: [String: String] = [:]
        flags["worker.concurrency"] = concurrency
        flags["worker.listen"] = listen ?? formerListen
        if !queues.isEmpty { flags["worker.queues"] = queues.joined(separator: ",") }
        let hangups = HangupSignals()
        var needs: Configuration.Needs = [.database, .redis, .handlers]
        var configuration = try global.load(needs, flags: flags)
        if configuration.worker.listen != nil {
            needs.insert(.admin)
            configuration = try global.load(needs, flags: flags)
        }
        let level = LogLevel(configuration.logLevel)
        let logger = configuration.logger(level)
        OpenFiles.raiseLimit(logger)
        let process = ProcessInfo.processInfo
        var settings = try configuration.worker.settings(
            host: process.hostName, processID: process.processIdentifier)
        settings.retention = configuration.retention
        configuration.tellOfRetention(logger)
        let path = process.environment["PATH"] ?? "/usr/bin:/bin"
        let guardian = CommandGuard()
        let slots = settings.concurrency
        let handlers = try HandlerSet(
            configuration.handlers, path: path, guardian: guardian, slots: slots)
        if configuration.handlers.isEmpty {
            logger.warning("the configuration names no handlers: no job is claimed")
        }
        let connections = try Connections(configuration, logger: logger)
        let worker = Worker(
            store: connections.store, announcer: connections.announcer, handlers: handlers.table,
            settings: settings, logger: logger,
            onEvent: { event in
                if case .stuck(let id) = event { Self.leave(id, logger) }
            })
        let listener = try WorkerListener(
            configuration, connections, worker, logger: logger)
        let schedules = Configured<ScheduleEntry>(
            configuration, store: connections.store, logger: logger)
        let reload = Reload(
            hangups: hangups, configuration: configuration, logLevel: level, logger: logger,
            uses: { key in
                if listener != nil, WorkerListener.uses(key) { return true }
                return !["http.", "limits.", "admin_token"].contains(where: key.hasPrefix)
            },
            load: { [global, flags, needs, configuration] in
                try global.reload(needs, flags: flags, as: configuration)
            },
            takeOver: { fresh in
                let table = try HandlerSet(
                    fresh.handlers, path: path, guardian: guardian, slots: slots
                ).table
                try listener?.takeOver(fresh)
                worker.replaceHandlers(table)
                schedules.takeOver(fresh.schedules)
            })
        var services: [any Service] = [reload]
        if let listener { services.append(listener.server) }
        services.append(Gated(gate: connections.gate, inner: worker, beside: [schedules]))
        if let listener { services.append(listener.readiness) }
        let daemon = Daemon(
            services: services, logger: logger, hurry: { worker.handBackNow() })
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

    /// Nothing here can run any more; a supervisor starts it anew. The log may be what holds everything
    /// up, as when nobody reads it: a line is written only where there is room for it.
    private static func leave(_ id: WorkerID, _ logger: Logger) -> Never {
        var log = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        if unsafe poll(&log, 1, 1000) > 0 {
            // Another thread's line may have taken the room.
            signal(SIGALRM) { _ in _exit(Failure.Code.internal.rawValue) }
            alarm(2)
            logger.critical(
                "no task has run for a whole lease: handlers block their threads",
                metadata: ["worker": "\(id)"])
        }
        _exit(Failure.Code.internal.rawValue)
    }
}
