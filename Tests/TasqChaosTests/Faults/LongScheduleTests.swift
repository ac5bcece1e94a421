import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Schedules across changes of clocks that there were: PostgreSQL is shown the time of each, and goes
/// on from there, and three workers fire what is due, of whom one is killed every three seconds.
/// Takes eight minutes: it runs when `TASQ_TEST_LONG` is set, as by `compose/test --long`, where
/// Debian's package faketime is.
@Suite(
    .enabled(if: FaultTests.areAskedFor && FakeClock.installed != nil),
    .system(limit: .seconds(1800)))
struct LongScheduleTests {
    private struct Change: Sendable {
        let zone: String
        /// The first second after it.
        let time: String
        /// Ticks each second before it, would tick each second of what is left out or shown twice,
        /// and does not in the seconds after what is left out.
        let cron: String
        let isForward: Bool

        static func forward(
            _ zone: String, _ time: String, _ cron: String = "0-59 0-59 0-2 * * *"
        ) -> Change {
            Change(zone: zone, time: time, cron: cron, isForward: true)
        }

        static func back(_ zone: String, _ time: String) -> Change {
            Change(zone: zone, time: time, cron: "0-59 0-59 1-3 * * *", isForward: false)
        }
    }

    /// Both of six zones, in order. Lord Howe's are by half an hour, and St John's, Adelaide and
    /// Chatham are off the hour.
    private static let changes: [Change] = [
        .forward("America/St_Johns", "2025-03-09T05:30:00Z"),
        .forward("America/New_York", "2025-03-09T07:00:00Z"),
        .forward("Europe/Berlin", "2025-03-30T01:00:00Z"),
        .back("Pacific/Chatham", "2025-04-05T14:00:00Z"),
        .back("Australia/Lord_Howe", "2025-04-05T15:00:00Z"),
        .back("Australia/Adelaide", "2025-04-05T16:30:00Z"),
        // From 02:45 to 03:45.
        .forward("Pacific/Chatham", "2025-09-27T14:00:00Z", "0-59 0-44 2,3 * * *"),
        // From 02:00 to 02:30.
        .forward("Australia/Lord_Howe", "2025-10-04T15:30:00Z", "0-59 0-29,45-59 1,2 * * *"),
        .forward("Australia/Adelaide", "2025-10-04T16:30:00Z"),
        .back("Europe/Berlin", "2025-10-26T01:00:00Z"),
        .back("America/St_Johns", "2025-11-02T04:30:00Z"),
        .back("America/New_York", "2025-11-02T06:00:00Z"),
    ]
    private static let policies = ["skip", "once", "twice"]
    /// For so many seconds before and after a change there may be ticks.
    private static let reach = 10
    private static let killsAtEach = 8

    /// The ticks of a schedule, by the policy alone.
    private func ticks(at change: Int, isForward: Bool, _ policy: String) -> [Int] {
        let before = Array((change - Self.reach)..<change)
        switch (policy, isForward) {
        case ("skip", true): return before
        case (_, true): return before + [change]
        case ("twice", false): return before + Array(change..<(change + Self.reach))
        default: return before
        }
    }

    @Test func `Each tick is fired once, by the policy, while clocks change and schedulers die`()
        async throws
    {
        let clock = try #require(try await FakeClock.make())
        defer { clock.remove() }
        let first = try #require(Self.changes.first)
        try show(clock, secondsBefore: 60, first)
        let postgres = try await PrivatePostgres.start(
            durable: false, environment: clock.environment)
        try await postgres.createDatabase(Self.database)
        let file = NSTemporaryDirectory() + "tasq-clocks-\(UUID().uuidString).yaml"
        try Data("handlers:\n  noop: { noop: {} }\n".utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        var crew = try await Crew(on: postgres, configuration: file)
        var fired = 0
        for (number, change) in Self.changes.enumerated() {
            try show(clock, secondsBefore: Self.reach + 3, change)
            let second = try Self.second(of: change)
            var wanted: [String: [Int]] = [:]
            for policy in Self.policies {
                let name = "\(number)-\(policy)"
                wanted[name] = ticks(at: second, isForward: change.isForward, policy)
                try await postgres.execute(
                    """
                    SELECT tasq.put_schedule(
                        name => '\(name)', cron => '\(change.cron)', kind => 'noop',
                        payload => '"{schedule} {tick_unix}"', zone => '\(change.zone)',
                        clock_change => '\(policy)', missed => 'all',
                        starts_at => to_timestamp(\(second - Self.reach)),
                        ends_at => to_timestamp(\(second + Self.reach)))
                    """, in: Self.database)
            }
            for _ in 0..<Self.killsAtEach {
                try await Task.sleep(for: .seconds(3))
                try await crew.killOne()
            }
            fired += wanted.values.reduce(0) { $0 + $1.count }
            let all = fired
            do {
                try await eventually(
                    within: .seconds(120).onThisMachine, "\(change): every job has run"
                ) {
                    try await postgres.execute(Self.counts, in: Self.database) == "\(all)|\(all)"
                }
            } catch {
                Issue.record("\(error)")
            }
            #expect(try await jobs(of: number, on: postgres) == wanted, "\(change)")
        }
        #expect(crew.killed == Self.changes.count * Self.killsAtEach)
        let terms = try await postgres.execute("SELECT term FROM tasq.leader", in: Self.database)
        #expect(Int(terms) ?? 0 > Self.changes.count, "whoever fires was killed, too")
        try await crew.end()
        #expect(try await postgres.execute(Self.counts, in: Self.database) == "\(fired)|\(fired)")
        await postgres.stop(.immediate)
    }

    private static let database = "clocks"
    private static let counts =
        "SELECT count(*), count(*) FILTER (WHERE status = 'success') FROM tasq.job"

    private static func second(of change: Change) throws -> Int {
        let time = try #require(Timestamp(rfc3339: change.time))
        return Int(time.microseconds / 1_000_000)
    }

    /// Has the clock stand so long before a change; from there it goes on.
    private func show(_ clock: FakeClock, secondsBefore seconds: Int, _ change: Change) throws {
        let ahead = try Self.second(of: change) - seconds - Int(Date().timeIntervalSince1970)
        clock.shift(ahead < 0 ? "\(ahead)" : "+\(ahead)")
    }

    /// The ticks of a change's schedules that have jobs, in order, by the names.
    private func jobs(
        of change: Int, on postgres: PrivatePostgres
    ) async throws -> [String: [Int]] {
        let rows = try await postgres.execute(
            """
            SELECT b.body FROM tasq.job AS j
            JOIN tasq.payload AS p ON p.id = j.payload_id
            CROSS JOIN convert_from(p.body, 'UTF8') AS b (body)
            WHERE b.body LIKE '"\(change)-%'
            ORDER BY b.body
            """, in: Self.database)
        var jobs: [String: [Int]] = [:]
        for row in rows.split(separator: "\n") {
            let words = row.dropFirst().dropLast().split(separator: " ")
            try #require(words.count == 2, "\(row)")
            let second = try #require(Int(words[1]))
            jobs[String(words[0]), default: []].append(second)
        }
        return jobs
    }

    /// Three workers.
    private struct Crew {
        private let postgres: PrivatePostgres
        private let configuration: String
        private var workers: [ChildProcess] = []
        private(set) var killed = 0

        init(on postgres: PrivatePostgres, configuration: String) async throws {
            self.postgres = postgres
            self.configuration = configuration
            let migration = try await start("migrate")
            let exit = try await migration.wait()
            try #require(exit == .code(0), "\(migration.standardError)")
            for _ in 0..<3 {
                let worker = try await work()
                workers.append(worker)
            }
        }

        /// Kills whoever holds the maintenance term, if that can be told, and starts another.
        mutating func killOne() async throws {
            let holder = try await postgres.execute(
                "SELECT w.pid FROM tasq.worker AS w JOIN tasq.leader AS l ON l.holder = w.id",
                in: LongScheduleTests.database)
            let index = workers.firstIndex { "\($0.pid)" == holder } ?? killed % workers.count
            workers[index].signal(SIGKILL)
            let exit = try await workers[index].wait()
            try #require(exit == .signal(SIGKILL), "\(workers[index].standardError)")
            killed += 1
            workers[index] = try await work()
        }

        func end() async throws {
            for worker in workers { worker.signal(SIGTERM) }
            for worker in workers {
                let exit = try await worker.wait()
                #expect(exit == .code(0), "\(worker.standardError)")
            }
        }

        private func work() async throws -> ChildProcess {
            try await start("work", "--config", configuration)
        }

        private func start(_ words: String...) async throws -> ChildProcess {
            let url = postgres.url(database: LongScheduleTests.database)
            return try await ChildProcess.start(
                ChildProcess.built("tasq"), words, environment: ["DATABASE_URL": url],
                directory: "/")
        }
    }
}
