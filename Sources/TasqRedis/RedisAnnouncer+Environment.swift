import FoundationEssentials
public import Logging
public import Tasq

extension RedisAnnouncer {
    /// An announcer where `REDIS_URL` says, with keys under `TASQ_REDIS_PREFIX` or `tasq`.
    ///
    /// - Throws: `InvalidInput` when the variable is missing or no such URL.
    public static func fromEnvironment(
        logger: Logger = Logger(label: "tasq")
    ) throws(InvalidInput) -> RedisAnnouncer {
        let environment = ProcessInfo.processInfo.environment
        let settings = try RedisSettings(
            url: environment["REDIS_URL"] ?? "", prefix: environment["TASQ_REDIS_PREFIX"] ?? "tasq")
        return RedisAnnouncer(settings, logger: logger)
    }
}
