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
    /// The last worker's way to the servers, where it can be cut.
    var way: Way?
    /// PostgreSQL's own clock, where it has one.
    var clock: FakeClock?

    /// How a process reaches the servers.
    struct Road: Sendable {
        var databaseURL: String
        var redisURL: String
    }

    /// Roads to both servers that have the same weather.
    struct Way: Sendable {
        let postgres: Proxy
        let redis: Proxy

        func set(_ weather: Weather) { (postgres.weather, redis.weather) = (weather, weather) }
    }

    /// Gives the last worker a way of its own.
    mutating func openWay() async throws {
        let opened = Way(
            postgres: try await Proxy.open(to: postgres.port),
            redis: try await Proxy.open(to: redis.port))
        way = opened
        roads[plan.workers - 1] = Road(
            databaseURL: Self.databaseURL(port: opened.postgres.port),
            redisURL: "redis://127.0.0.1:\(opened.redis.port)")
    }

    /// The database of the run.
    static let database = "chaos"
    /// The role that tasq's processes use: no superuser, so that connection limits are real.
    static let role = "app"

    static func databaseURL(port: Int, host: String = "127.0.0.1") -> String {
        "postgres://\(role)@\(host):\(port)/\(database)"
    }
}
