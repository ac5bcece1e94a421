import Logging
import ServiceLifecycle
import Tasq

/// Puts what a configuration says of a table into it, at the start and after each reload: schedules, or
/// limits of queues.
///
/// A configuration without them says nothing of them. One with them names all: those that came from a
/// configuration and are not in this one are taken away.
struct Configured<Entry: Sendable>: Service {
    typealias Put = @Sendable ([Entry]) async throws(StoreError) -> Void

    /// What they are called, as in `schedules`.
    private let noun: String
    private let logger: Logger
    private let put: Put
    private let wanted = AsyncStream<[Entry]>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(_ noun: String, _ entries: [Entry]?, logger: Logger, put: @escaping Put) {
        self.noun = noun
        self.logger = logger
        self.put = put
        takeOver(entries)
    }

    /// Has them stored in the background.
    func takeOver(_ entries: [Entry]?) {
        if let entries { wanted.continuation.yield(entries) }
    }

    func run() async throws {
        for await entries in wanted.stream.cancelOnGracefulShutdown() {
            await cancelWhenGracefulShutdown { await store(entries) }
        }
    }

    /// Waits out an outage. What PostgreSQL refuses is told, and left until the next reload.
    private func store(_ entries: [Entry]) async {
        var outage = Backoff(from: .milliseconds(200), to: .seconds(5))
        while !Task.isCancelled {
            do throws(StoreError) {
                try await put(entries)
                logger.debug("\(noun) stored", metadata: ["count": "\(entries.count)"])
                return
            } catch {
                guard error.isTransient else {
                    logger.error("cannot store the \(noun)", metadata: ["error": "\(error)"])
                    return
                }
            }
            await outage.pause()
        }
    }
}

extension Configured<ScheduleEntry> {
    /// The schedules of a configuration.
    init(_ configuration: Configuration, store: any ScheduleStore, logger: Logger) {
        self.init("schedules", configuration.schedules, logger: logger) {
            entries throws(StoreError) in
            try await store.put(entries, isConfiguration: true)
        }
    }
}

extension Configured<FlowLimit> {
    /// The limits of a configuration.
    init(_ configuration: Configuration, store: any LimitStore, logger: Logger) {
        self.init("limits", configuration.flowLimits, logger: logger) {
            limits throws(StoreError) in
            try await store.put(limits: limits, isConfiguration: true)
        }
    }
}
