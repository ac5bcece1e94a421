import TasqTesting

/// The servers of a run and how each process reaches them, while it can still be changed.
struct Stage: Sendable {
    let plan: Plan
    let evidence: Evidence
    let postgres: PrivatePostgres
    let redis: PrivateRedis
    /// Where `tasq serve` finds PostgreSQL and Redis, and every worker that has no road of its own.
    var road: Road
    /// Where the suite itself sees the lists, where that is not the one Redis.
    var listsURL: String?
    /// Roads of single workers, by number.
    var roads: [Int: Road] = [:]
    /// Words put before the command of single workers, as in `ip netns exec NAME`.
    var wrappers: [Int: [String]] = [:]
    /// The same before the server's.
    var serverWrapper: [String] = []
    /// More variables of every process.
    var environment: [String: String] = [:]
    /// More variables of single workers.
    var workerEnvironment: [Int: [String: String]] = [:]
    /// Whatever must live as long as the run.
    var kept: [any Sendable] = []
    /// Undoes what no process's end undoes.
    var cleanups: [@Sendable () async -> Void] = []
    /// PostgreSQL's own clock, where it has one.
    var clock: FakeClock?

    /// How a process reaches the servers.
    struct Road: Sendable {
        var databaseURL: String
        var redisURL: String
    }

    /// The database of the run.
    static let database = "chaos"
    /// The role that tasq's processes use: no superuser, so that connection limits are real.
    static let role = "app"

    static func databaseURL(port: Int, host: String = "127.0.0.1") -> String {
        "postgres://\(role)@\(host):\(port)/\(database)"
    }
}
