import Logging
import ServiceLifecycle
import Tasq

/// Puts the configuration's schedules into the table, at the start and after each reload.
///
/// A configuration without them says nothing of schedules. One with them names all: those that came
/// from a configuration and are not in this one are taken away.
struct ConfiguredSchedules: Service {
    private let store: any ScheduleStore
    private let logger: Logger
    private let wanted = AsyncStream<[ScheduleEntry]>.makeStream(
        bufferingPolicy: .bufferingNewest(1))

    init(_ configuration: Configuration, store: any ScheduleStore, logger: Logger) {
        self.store = store
        self.logger = logger
        takeOver(configuration)
    }

    /// Has a configuration's schedules stored in the background.
    func takeOver(_ configuration: Configuration) {
        if let schedules = configuration.schedules { wanted.continuation.yield(schedules) }
    }

    func run() async throws {
        for await schedules in wanted.stream.cancelOnGracefulShutdown() {
            await cancelWhenGracefulShutdown { await put(schedules) }
        }
    }

    /// Waits out an outage. What PostgreSQL refuses is told, and left until the next reload.
    private func put(_ schedules: [ScheduleEntry]) async {
        var outage = Backoff(from: .milliseconds(200), to: .seconds(5))
        while !Task.isCancelled {
            do throws(StoreError) {
                try await store.put(schedules, isConfiguration: true)
                logger.debug("schedules stored", metadata: ["schedules": "\(schedules.count)"])
                return
            } catch {
                guard error.isTransient else {
                    logger.error("cannot store the schedules", metadata: ["error": "\(error)"])
                    return
                }
            }
            await outage.pause()
        }
    }
}
