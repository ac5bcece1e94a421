import FoundationEssentials
public import Logging

extension Worker {
    /// Makes a worker that runs the jobs of these types, found where `queue` puts them.
    ///
    /// Without `settings` it serves the queue `default` as ``WorkerSettings`` says, under this
    /// machine's name.
    ///
    /// - Throws: ``InvalidInput`` for a kind that is no ``Name``.
    public convenience init(
        of queue: Queue, running jobs: [any Job.Type], settings: WorkerSettings? = nil,
        logger: Logger = Logger(label: "tasq")
    ) throws(InvalidInput) {
        let process = ProcessInfo.processInfo
        let usual = try WorkerSettings(
            host: process.hostName, processID: process.processIdentifier)
        self.init(
            of: queue, handlers: try HandlerTable(jobs), settings: settings ?? usual,
            logger: logger)
    }

    /// Makes a worker with these handlers, which finds its jobs where `queue` puts them and counts
    /// together with it.
    public convenience init(
        of queue: Queue, handlers: HandlerTable, settings: WorkerSettings,
        logger: Logger = Logger(label: "tasq")
    ) {
        self.init(
            store: queue.store, announcer: queue.doorbell.announcer, handlers: handlers,
            settings: settings, logger: logger, meters: queue.meters)
    }
}
