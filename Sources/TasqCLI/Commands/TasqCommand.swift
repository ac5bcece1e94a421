import ArgumentParser
import FoundationEssentials
import Logging

/// The program.
struct TasqCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasq",
        abstract: "A job queue in which PostgreSQL is the truth and Redis is the doorbell.",
        version: version,
        subcommands: [
            MigrateCommand.self, ServeCommand.self, WorkCommand.self, EnqueueCommand.self,
            JobsCommand.self, EventsCommand.self, ReplayCommand.self,
            QueuesCommand.self, LimitsCommand.self, WorkersCommand.self, SchedulesCommand.self,
            TopCommand.self,
            ExplainCommand.self, PruneCommand.self, VerifyCommand.self, RepairCommand.self,
            DoctorCommand.self, ConfigCommand.self, WebhookCommand.self,
            DevCommand.self, BenchCommand.self,
        ])

    /// The version that workers enter beside their names.
    static let version = "0.1.0"
}

/// The options every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "The configuration file (TASQ_CONFIG; config/tasq.yaml if it is there).",
            valueName: "file"))
    var file: String?

    @Option(
        name: .customLong("database-url"),
        help: ArgumentHelp("PostgreSQL, as a URI or conninfo (DATABASE_URL).", valueName: "url"))
    var databaseURL: String?

    @Option(
        name: .customLong("redis-url"),
        help: ArgumentHelp("Redis; empty for none (REDIS_URL).", valueName: "url"))
    var redisURL: String?

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (TASQ_LOG_LEVEL).",
            valueName: "level"))
    var logLevel: String?

    @Option(
        name: .customLong("log-format"),
        help: ArgumentHelp("text, logfmt or json (TASQ_LOG_FORMAT).", valueName: "format"))
    var logFormat: String?

    /// Merges these flags, and the command's own, with environment, file and defaults.
    /// With `source` the secrets of that source alone are looked up.
    func load(
        _ needs: Configuration.Needs, flags more: [String: String] = [:], source: String? = nil
    ) throws -> Configuration {
        try Configuration.load(
            flags: flags(and: more), environment: ProcessInfo.processInfo.environment,
            needs: needs, source: source)
    }

    /// These flags by key, and more of the command's own.
    func flags(and more: [String: String] = [:]) -> [String: String] {
        var flags = more
        flags["config"] = file
        flags["database_url"] = databaseURL
        flags["redis_url"] = redisURL
        flags["log_level"] = logLevel
        flags["log_format"] = logFormat
        return flags
    }
}

extension Configuration {
    /// A logger that writes lines on standard error; `level` may be changed while it runs.
    func logger(_ level: LogLevel? = nil) -> Logger {
        let level = level ?? LogLevel(logLevel)
        return Logger(label: "tasq") { [logFormat] _ in LineLog(level: level, format: logFormat) }
    }
}
