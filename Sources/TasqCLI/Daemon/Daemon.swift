import ArgumentParser
import Logging
import ServiceLifecycle

/// Runs services until they end or a signal ends them: the first gracefully, the second at once.
struct Daemon {
    /// In order of dependency; shut down in reverse.
    let services: [any Service]
    let logger: Logger
    /// What a second signal does, so that the services end soon after it; without it a second
    /// signal ends the process on the spot.
    var hurry: (@Sendable () -> Void)?

    /// Returns after a graceful shutdown. Throws what a service threw, or the exit code
    /// `128 + signal` when it took a second signal. A third ends the process on the spot.
    func run() async throws {
        let signals = TerminationSignals(patience: hurry == nil ? 1 : 2)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map(Self.member), logger: quiet(logger)))
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                var isFirst = true
                for await _ in signals.stream {
                    if isFirst {
                        logger.info("shutting down; another signal does it at once")
                        await group.triggerGracefulShutdown()
                    } else {
                        hurry?()
                    }
                    isFirst = false
                }
                return false
            }
            tasks.addTask {
                try await group.run()
                return true
            }
            while let isOver = try await tasks.next(), !isOver {}
            tasks.cancelAll()
        }
        if let second = signals.received.dropFirst().first { throw ExitCode(128 + second) }
    }

    /// A service whose failure shuts the others down in order: a listener that is cancelled instead
    /// logs that as an error, beside the real one.
    private static func member(
        _ service: any Service
    ) -> ServiceGroupConfiguration.ServiceConfiguration {
        ServiceGroupConfiguration.ServiceConfiguration(
            service: service, failureTerminationBehavior: .gracefullyShutdownGroup)
    }

    /// The group's own chatter is for debugging.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        if logger.logLevel > .debug { logger.logLevel = .critical }
        return logger
    }
}
