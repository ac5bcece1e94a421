import Logging
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// Ticks that are fired by several at once, some of whom die.
@Suite(.medium) struct SchedulerTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func `A tick that many fire at once has one job`() async throws {
        try await withStore { store, database in
            try await store.put(
                (0..<5).map { try schedule("s\($0)", cron: "@every 1s") { $0.missed = .all } },
                isConfiguration: false)
            try await database.execute(
                """
                UPDATE tasq.schedule
                SET planned = true, next_at = date_trunc('second', now()) - interval '300 s'
                """)
            let due = try await store.dueSchedules(upTo: 50)
            try #require(due.records.count == 5)
            // All have read the same, and each has jobs of its own.
            let stored = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    let firings = due.records.map { Firing(of: $0, now: due.asOf, limit: 20) }
                    group.addTask { try await store.fire(firings, isByHand: false).count }
                }
                return try await group.reduce(0, +)
            }
            #expect(stored == 100)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "100")
            #expect(
                try await database.execute(
                    "SELECT count(*), count(DISTINCT (schedule, tick)) FROM tasq.schedule_tick")
                    == "100|100")
        }
    }

    /// Were the version ever wrong, as where somebody set it by hand.
    @Test func `A tick that was fired before is passed over, and its job with it`() async throws {
        try await withStore { store, database in
            try await store.put([schedule()], isConfiguration: false)
            let due = "UPDATE tasq.schedule SET planned = true, next_at = '2026-01-01T02:00:00Z'"
            try await database.execute(due)
            #expect(try await store.fireDue().count == 1)
            let ticks = try await database.execute("SELECT tick FROM tasq.schedule_tick")
            try await database.execute(due)
            #expect(try await store.fireDue().isEmpty)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "1")
            #expect(try await database.execute("SELECT count(*) FROM tasq.payload") == "1")
            #expect(try await database.execute("SELECT tick FROM tasq.schedule_tick") == ticks)
        }
    }

    private static let zones = [
        "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Adelaide",
        "Australia/Lord_Howe", "Pacific/Chatham",
    ]

    /// Nine months with both changes of clocks, caught up by three of whom one dies again and again.
    @Test(arguments: ClockChange.allCases)
    func `Three schedulers fire each tick once over changes of clocks, while they die`(
        change: ClockChange
    ) async throws {
        try await withStore { store, database in
            var wanted: [String: [Timestamp]] = [:]
            for (index, zone) in Self.zones.enumerated() {
                let entry = try schedule("s\(index)", cron: "15,45 1,2 * * *") {
                    $0.zone = zone
                    $0.clockChange = change
                    // Told by the jobs, for ticks of so long ago are forgotten meanwhile.
                    $0.payload = Array(#""{schedule} {tick_unix}""#.utf8)
                    $0.missed = .all
                    $0.start = Timestamp(rfc3339: "2024-03-01T00:00:00Z")
                    $0.end = Timestamp(rfc3339: "2024-12-01T00:00:00Z")
                }
                try await store.put([entry], isConfiguration: false)
                wanted[entry.name.description] = try entry.timing().ticks(
                    after: Timestamp(microseconds: 0), count: 10_000)
            }
            try await database.execute("UPDATE tasq.schedule SET next_at = '2024-02-01'")
            let all = wanted.values.reduce(0) { $0 + $1.count }
            try #require(all > 6000)
            try await untilStored(all, by: 3, store, database)
            let rows = try await database.execute(
                """
                SELECT convert_from(p.body, 'UTF8')
                FROM tasq.job j JOIN tasq.payload p ON p.id = j.payload_id
                ORDER BY 1
                """)
            var found: [String: [Timestamp]] = [:]
            for row in rows.split(separator: "\n") {
                let words = row.dropFirst().dropLast().split(separator: " ")
                try #require(words.count == 2, "\(row)")
                let second = try #require(Int64(words[1]))
                found[String(words[0]), default: []].append(
                    Timestamp(microseconds: second * 1_000_000))
            }
            #expect(found == wanted)
        }
    }

    /// Lets so many schedulers work, one of which is cut off and replaced after every other look.
    private func untilStored(
        _ count: Int, by schedulers: Int, _ store: PostgresStore, _ database: TestDatabase
    ) async throws {
        let alarms = (0..<schedulers).map { _ in Alarm() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for alarm in alarms.dropFirst() {
                let scheduler = scheduler(of: store, alarm: alarm)
                alarm.set(after: .zero)
                group.addTask { await scheduler.run() }
            }
            let doomed = scheduler(of: store, alarm: alarms[0])
            group.addTask {
                while !Task.isCancelled {
                    await withTaskGroup(of: Void.self) { life in
                        doomed.alarm.set(after: .zero)
                        life.addTask { await doomed.run() }
                        await sleep(for: .milliseconds(20))
                        life.cancelAll()
                    }
                }
            }
            defer { group.cancelAll() }
            try await eventually(within: .seconds(60).onThisMachine, "every tick is fired") {
                try await database.execute("SELECT count(*) FROM tasq.job") == "\(count)"
            }
            try await eventually("nothing is due") {
                try await store.dueSchedules(upTo: 1).records.isEmpty
            }
        }
    }

    @Test func `The holder of the term plans what SQL put in, fires it, and says what is wrong`()
        async throws
    {
        try await withStore { store, database in
            try await database.execute(
                """
                SELECT tasq.put_schedule('each', '* * * * * *', 'noop', '{"at": "{tick}"}');
                SELECT tasq.put_schedule('bad', '61 * * * *', 'noop');
                SELECT tasq.put_schedule('lost', '@daily', 'noop', zone => 'Nowhere/Atlantis')
                """)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    let maintenance = maintenance(of: store)
                    group.addTask { await maintenance.run() }
                }
                await #expect(throws: Never.self) {
                    try await eventually(within: .seconds(30).onThisMachine, "five ticks") {
                        let count = try await database.execute(
                            "SELECT count(*) >= 5 FROM tasq.job WHERE status = 'queued'")
                        return count == "t"
                    }
                }
                group.cancelAll()
            }
            // None between the first and the last is missing, and each has one job.
            #expect(
                try await database.execute(
                    """
                    SELECT extract(epoch FROM max(tick) - min(tick))::int + 1 = count(*),
                        count(*) = (SELECT count(*) FROM tasq.job)
                    FROM tasq.schedule_tick
                    """) == "t|t")
            let (bad, lost) = (
                try await store.schedule("bad"), try await store.schedule("lost")
            )
            #expect(bad.problem?.contains("minute") == true && bad.ticks().isEmpty)
            #expect(lost.problem?.contains("zone") == true && lost.ticks().isEmpty)
            #expect(try await store.schedule("each").problem == nil)
        }
    }

    /// As where its zone is installed while it waits, or another host has it.
    @Test func `A schedule that could not tick is tried again, and goes on alone`() async throws {
        try await withStore { store, database in
            try await database.execute(
                "SELECT tasq.put_schedule('nightly', '@daily', 'k', zone => 'Nowhere/Atlantis')")
            let soon =
                "SELECT next_at > now() AND next_at <= now() + interval '5 min' FROM tasq.schedule"
            for _ in 0..<2 {
                #expect(try await store.fireDue().isEmpty)
                let stuck = try await store.schedule()
                #expect(stuck.problem?.contains("zone") == true && stuck.ticks().isEmpty)
                #expect(try await database.execute(soon) == "t")
                #expect(try await store.dueSchedules(upTo: 50).records.isEmpty, "not at once")
                try await database.execute("UPDATE tasq.schedule SET next_at = now()")
            }
            try await database.execute("UPDATE tasq.schedule SET zone = 'UTC'")
            #expect(try await store.fireDue().isEmpty, "what passed meanwhile is not fired")
            let mended = try await store.schedule()
            #expect(mended.problem == nil && mended.isPlanned)
            #expect(mended.nextAt == mended.ticks().first)
        }
    }

    private func maintenance(of store: PostgresStore) -> Maintenance {
        let meters = Meters()
        let doorbell = Doorbell(NoAnnouncer(), meters: meters)
        let id = WorkerID()
        return Maintenance(
            store: store, doorbell: doorbell,
            promoter: Promoter(store: store, doorbell: doorbell, meters: meters, logger: quiet),
            meters: meters, logger: quiet, holder: { id })
    }

    private func scheduler(of store: PostgresStore, alarm: Alarm) -> Scheduler {
        let meters = Meters()
        return Scheduler(
            store: store, doorbell: Doorbell(NoAnnouncer(), meters: meters), meters: meters,
            logger: quiet, alarm: alarm, isWanted: { true })
    }
}
