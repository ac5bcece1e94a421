import FoundationEssentials
import TasqTesting

/// Whether a fault came about at all, as the server or the process that it struck tells. A fault
/// that nobody felt shows nothing.
extension Rig {
    /// How often PostgreSQL refused tasq something with this SQLSTATE, by its own log.
    func refusals(_ state: String) -> Int {
        Self.refusals(state, in: text(loggedBy: postgres))
    }

    /// The same of a log whose lines begin as ``logPrefix`` says.
    static func refusals(_ state: String, in log: String) -> Int {
        let marks = ["ERROR:", "FATAL:"].map { ",\(Stage.role),\(state),\($0)" }
        return log.split(separator: "\n").filter { line in
            marks.contains { line.contains($0) }
        }.count
    }

    /// What a PostgreSQL has logged so far.
    func text(loggedBy postgres: PrivatePostgres) -> String {
        let log = FileManager.default.contents(atPath: postgres.directory + "/log") ?? Data()
        return String(decoding: log, as: UTF8.self)
    }

    /// How often tasq connected to a PostgreSQL that logs connections.
    static func visits(in log: String) -> Int {
        log.split(separator: "\n").filter {
            $0.contains("connection authorized: user=\(Stage.role)")
        }.count
    }

    /// What Redis counts of itself under this name in a section of `INFO`, as in `evicted_keys:3`
    /// or `errorstat_OOM:count=3`; 0 where it has nothing to count.
    func redisCount(_ name: String, of section: String) async throws -> Int {
        Self.count(name, in: try await redis.command("INFO", section))
    }

    /// The same in an answer to `INFO`.
    static func count(_ name: String, in info: String) -> Int {
        for line in info.split(whereSeparator: { $0.isNewline }) where line.hasPrefix(name + ":") {
            let number = line.dropFirst(name.count + 1).drop { !$0.isNumber }
            return Int(number.prefix { $0.isNumber }) ?? 0
        }
        return 0
    }

    /// Rows of jobs that nobody sees any more, by PostgreSQL's own count, and those there are.
    func deadRows() async throws -> Int { try await rows("n_dead_tup") }
    func liveRows() async throws -> Int { try await rows("n_live_tup") }

    private func rows(_ count: String) async throws -> Int {
        try await number(
            """
            SELECT \(count) FROM pg_stat_user_tables
            WHERE schemaname = 'tasq' AND relname = 'job'
            """)
    }

    /// Jobs that wait to be claimed.
    func queued() async throws -> Int {
        try await number("SELECT count(*) FROM tasq.job WHERE status = 'queued'")
    }

    /// Those of them that PostgreSQL's clock does not show to be due.
    func ahead() async throws -> Int {
        try await number(
            """
            SELECT count(*) FROM tasq.job
            WHERE status = 'queued' AND run_at > now() + interval '2 seconds'
            """)
    }

    /// PostgreSQL's `log_line_prefix`: when, in which process, by whom and with what.
    static let logPrefix = "%m,%p,%u,%e,"

    /// How many seconds PostgreSQL's clock is ahead of this machine's.
    func secondsAhead() async throws -> Int {
        let theirs = try await number("SELECT extract(epoch FROM clock_timestamp())::bigint")
        return theirs - Int(Date().timeIntervalSince1970)
    }

    /// Sleepers whose transaction keeps dead rows from being removed.
    func heldSnapshots() async throws -> Int {
        try await number(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE application_name = '\(Sleepers.name)' AND backend_xmin IS NOT NULL
            """)
    }

    /// Jobs whose newest version a sleeper has written and not committed.
    func lockedJobs() async throws -> Int {
        try await number(
            """
            SELECT count(*) FROM tasq.job AS j
            JOIN pg_stat_activity AS a ON a.backend_xid = j.xmax
            WHERE a.application_name = '\(Sleepers.name)'
            """)
    }

    /// Sleepers that nobody may look at the jobs beside.
    func lockedTables() async throws -> Int {
        try await number(
            """
            SELECT count(*) FROM pg_locks AS l
            JOIN pg_stat_activity AS a ON a.pid = l.pid
            WHERE a.application_name = '\(Sleepers.name)' AND l.granted
                AND l.mode = 'AccessExclusiveLock' AND l.relation = 'tasq.job'::regclass
            """)
    }
}

extension Figure {
    /// How often a fault was seen where it struck.
    static func struck(_ count: Int) -> Figure { Figure(name: "struck", value: Double(count)) }
}

extension Limit {
    /// A fault that nobody felt is no fault.
    static func struck(_ least: Double = 1) -> Limit { .atLeast(least, "struck") }
}
