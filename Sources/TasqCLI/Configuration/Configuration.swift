import Logging
import Tasq
import TasqHTTP

/// Everything a command may be told, after flags, environment, file and defaults have been merged.
///
/// Secrets stand here in the clear, resolved; nothing prints a whole configuration.
struct Configuration: Sendable {
    /// A libpq URI or connection string; `nil` when nobody set one.
    var databaseURL: String?
    /// `nil` or empty: no Redis, workers poll.
    var redisURL: String?
    /// What every Redis key begins with.
    var redisPrefix = "tasq"
    /// The PostgreSQL schema that holds the tables.
    var schema = "tasq"
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.text
    var http = HTTPSection()
    /// What the listeners accept at most.
    var limits = HTTPLimits()
    var worker = WorkerSection()
    /// How long finished jobs are kept.
    var retention = Retention.usual
    var sources: [SourceEntry] = []
    /// In file order: the first whose pattern matches a kind counts.
    var handlers: [HandlerEntry] = []
    /// `nil`: the file says nothing of schedules.
    var schedules: [ScheduleEntry]?
    /// `nil`: the file says nothing of limits.
    var flowLimits: [FlowLimit]?
    /// Where all this was found.
    var origins = ConfigurationOrigins()

    /// Where `tasq serve` listens and whom the admin listener believes.
    struct HTTPSection: Sendable {
        var ingest = ListenAddress(host: "0.0.0.0", port: 8080)
        var ingestTLS = TLSFiles()
        var admin = ListenAddress(host: "127.0.0.1", port: 8081)
        var adminTLS = TLSFiles()
        /// Bearer tokens that may do everything; none: the admin listener stays on loopback.
        var operateTokens: [String] = []
        /// Bearer tokens that may read.
        var readTokens: [String] = []
    }

    /// The PEM files of a listener's certificate, with its chain, and private key; both or none.
    struct TLSFiles: Sendable, Hashable {
        var certificate: String?
        var key: String?
    }

    /// How `tasq work` works.
    struct WorkerSection: Sendable {
        var queues = [WorkerSettings.QueueShare(.defaultQueue)]
        var concurrency = 64
        var heartbeat = Duration.seconds(2)
        var lease = Duration.seconds(15)
        var grace = Duration.seconds(25)
        var findWork = FindWork.pushAndSweep
        var onLeaseUnknown = LeaseUnknown.continue
        var pollInterval = Duration.seconds(1)
        var sweepEvery = 16
        /// Bytes of large bodies that running jobs hold together at most.
        var memory = 268_435_456
        /// Where the process serves its metrics and probes; `nil`: nowhere.
        var listen: ListenAddress?

        /// The settings of a worker of this process. Throws ``InvalidInput`` for one that is out
        /// of its range or does not go with another.
        func settings(host: String, processID: Int32) throws(InvalidInput) -> WorkerSettings {
            try WorkerSettings(
                queues: queues, concurrency: concurrency, heartbeat: heartbeat, lease: lease,
                grace: grace, findWork: findWork, onLeaseUnknown: onLeaseUnknown,
                pollInterval: pollInterval, sweepEvery: sweepEvery, memory: memory,
                host: host, processID: processID, version: TasqCommand.version)
        }
    }
}

extension Configuration: CustomStringConvertible, CustomReflectable {
    /// Shows nothing: almost every part may hold a secret.
    var description: String { "Configuration(hidden)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
