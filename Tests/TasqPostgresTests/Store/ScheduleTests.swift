import Logging
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// Schedules in their table, and ticks that are fired by several at once.
@Suite(.medium) struct ScheduleTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func entry(
        _ name: String = "nightly", cron: String = "0 2 * * *",
        _ edit: (inout ScheduleEntry) throws -> Void = { _ in }
    ) throws -> ScheduleEntry {
        var entry = ScheduleEntry(
            name: try Name(name), cron: cron, kind: try Name("report"),
            payload: Array(#"{"at":"{tick}"}"#.utf8))
        try edit(&entry)
        return entry
    }

    private func record(
        _ name: String = "nightly", in store: PostgresStore
    ) async throws -> ScheduleRecord {
        try #require(try await store.schedules(named: Name(name)).first)
    }

    /// What one look by a scheduler does.
    private func look(_ store: PostgresStore, limit: Int = 100) async throws -> [Fired] {
        let due = try await store.dueSchedules(upTo: 50)
        return try await store.fire(
            due.records.map { Firing(of: $0, now: due.asOf, limit: limit) }, isByHand: false)
    }

    private func scheduler(of store: PostgresStore, alarm: Alarm) -> Scheduler {
        let meters = Meters()
        return Scheduler(
            store: store, doorbell: Doorbell(NoAnnouncer(), meters: meters), meters: meters,
            logger: quiet, alarm: alarm, isWanted: { true })
    }

    @Test func `A schedule stands as it was put in, and its ticks have jobs that say when`()
        async throws
    {
        try await withStore { store, database in
            let entry = try entry {
                $0.zone = "Europe/Berlin"
                $0.clockChange = .twice
                $0.missed = .all
                $0.jitter = .seconds(5)
                $0.start = Timestamp(rfc3339: "2024-03-30T00:00:00Z")
                $0.end = Timestamp(rfc3339: "2024-04-02T00:00:00Z")
                $0.queue = try Name("reports")
                $0.priority = try Priority(2)
                $0.maxAttempts = 7
                $0.key = "k"
            }
            try await store.put([entry], isConfiguration: false)
            let stored = try await record(in: store)
            #expect(stored.entry == entry)
            #expect(!stored.isPaused && !stored.isConfigured && !stored.isPlanned)
            // As if it had been put in then.
            try await database.execute("UPDATE tasq.schedule SET next_at = '2024-03-29'")
            #expect(try await look(store).isEmpty, "only planned")
            #expect(try await look(store).count == 3)
            #expect(
                try await database.execute(
                    """
                    SELECT convert_from(p.body, 'UTF8'), j.kind, j.queue, j.priority,
                        j.max_attempts, j.key, j.status, t.schedule
                    FROM tasq.job j JOIN tasq.payload p ON p.id = j.payload_id
                    JOIN tasq.schedule_tick t ON t.job_id = j.id ORDER BY t.tick
                    """) == """
                    {"at":"2024-03-30T01:00:00Z"}|report|reports|2|7|k|queued|nightly
                    {"at":"2024-03-31T01:00:00Z"}|report|reports|2|7|k|queued|nightly
                    {"at":"2024-04-01T00:00:00Z"}|report|reports|2|7|k|queued|nightly
                    """)
            let after = try await record(in: store)
            #expect(after.nextAt == nil && after.isPlanned, "its end has passed")
            #expect(after.lastTick == Timestamp(rfc3339: "2024-04-01T00:00:00Z"))
            #expect(try await store.dueSchedules(upTo: 50).records.isEmpty)
        }
    }

    @Test func `A tick that many fire at once has one job`() async throws {
        try await withStore { store, database in
            try await store.put(
                (0..<5).map { try entry("s\($0)", cron: "@every 1s") { $0.missed = .all } },
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
            try await store.put([entry()], isConfiguration: false)
            let due = "UPDATE tasq.schedule SET planned = true, next_at = '2026-01-01T02:00:00Z'"
            try await database.execute(due)
            #expect(try await look(store).count == 1)
            let ticks = try await database.execute("SELECT tick FROM tasq.schedule_tick")
            try await database.execute(due)
            #expect(try await look(store).isEmpty)
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
                let entry = try entry("s\(index)", cron: "15,45 1,2 * * *") {
                    $0.zone = zone
                    $0.clockChange = change
                    $0.missed = .all
                    $0.start = Timestamp(rfc3339: "2024-03-01T00:00:00Z")
                    $0.end = Timestamp(rfc3339: "2024-12-01T00:00:00Z")
                }
                try await store.put([entry], isConfiguration: false)
                wanted[entry.name.description] = try entry.timing().ticks(
                    after: Timestamp(microseconds: 0), count: 10_000)
            }
            try await database.execute("UPDATE tasq.schedule SET next_at = '2024-03-01'")
            let all = wanted.values.reduce(0) { $0 + $1.count }
            try #require(all > 6000)
            try await untilStored(all, by: 3, store, database)
            let rows = try await database.execute(
                """
                SELECT t.schedule, extract(epoch FROM t.tick)::bigint, j.id IS NOT NULL
                FROM tasq.schedule_tick t FULL JOIN tasq.job j ON j.id = t.job_id
                ORDER BY t.schedule, t.tick
                """)
            var found: [String: [Timestamp]] = [:]
            for row in rows.split(separator: "\n") {
                let cells = row.split(separator: "|")
                let second = try #require(Int64(cells[1]))
                #expect(cells[2] == "t")
                found[String(cells[0]), default: []].append(
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
                try await record("bad", in: store), try await record("lost", in: store)
            )
            #expect(bad.problem?.contains("minute") == true && bad.ticks().isEmpty)
            #expect(lost.problem?.contains("zone") == true && lost.ticks().isEmpty)
            #expect(try await record("each", in: store).problem == nil)
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

    @Test func `A schedule that is put in again as it stands keeps its next tick`()
        async throws
    {
        try await withStore { store, database in
            try await store.put([entry()], isConfiguration: false)
            _ = try await look(store)
            let first = try await record(in: store)
            #expect(first.isPlanned)
            try await store.put([entry()], isConfiguration: false)
            #expect(try await record(in: store) == first)
            try await store.put([entry { $0.priority = try Priority(0) }], isConfiguration: false)
            let second = try await record(in: store)
            #expect(second.nextAt == first.nextAt && second.isPlanned)
            #expect(second.version > first.version)
            try await store.put([entry(cron: "0 3 * * *")], isConfiguration: false)
            #expect(try await record(in: store).isPlanned == false)
            try await database.execute(
                "UPDATE tasq.schedule SET problem = 'p', next_at = 'infinity'")
            try await store.put([entry(cron: "0 4 * * *")], isConfiguration: false)
            let mended = try await record(in: store)
            #expect(mended.problem == nil && mended.nextAt != nil)
        }
    }

    @Test func `A configuration takes away what it does not name any more, and nothing else`()
        async throws
    {
        try await withStore { store, _ in
            func names() async throws -> [String] {
                try await store.schedules(named: nil).map(\.entry.name.description)
            }
            try await store.put([entry("own")], isConfiguration: false)
            try await store.put([entry("a"), entry("b")], isConfiguration: true)
            #expect(try await names() == ["a", "b", "own"])
            try await store.put([entry("b")], isConfiguration: true)
            #expect(try await names() == ["b", "own"])
            _ = try await store.setPaused(true, schedule: Name("b"))
            try await store.put([entry("b", cron: "@hourly")], isConfiguration: true)
            #expect(try await record("b", in: store).isPaused, "a pause outlives a change")
            try await store.put([], isConfiguration: true)
            #expect(try await names() == ["own"])
        }
    }

    @Test func `Configurations that take each other's schedules away never deadlock`()
        async throws
    {
        try await withStore { store, database in
            let sets = try [["a", "b", "c"], ["c", "d"], ["d", "a"], []].map { names in
                try names.map { try entry($0) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for set in sets {
                    group.addTask {
                        for _ in 0..<30 { try await store.put(set, isConfiguration: true) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(
                try await database.execute(
                    """
                    SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()
                    """) == "0")
        }
    }

    @Test func `Ticks of a pause are not missed`() async throws {
        try await withStore { store, database in
            try await store.put([entry { $0.missed = .all }], isConfiguration: false)
            try await database.execute(
                "UPDATE tasq.schedule SET planned = true, next_at = '2026-01-01T02:00:00Z'")
            let name = try Name("nightly")
            #expect(try await store.setPaused(true, schedule: name))
            #expect(try await store.dueSchedules(upTo: 50).records.isEmpty)
            #expect(try await store.setPaused(false, schedule: name))
            #expect(try await look(store).isEmpty)
            let resumed = try await record(in: store)
            #expect(resumed.isPlanned && (resumed.nextAt ?? .now) > .now)
            #expect(try await store.setPaused(true, schedule: Name("none")) == false)
            #expect(try await store.delete(schedule: name))
            #expect(try await store.delete(schedule: name) == false)
        }
    }

    @Test func `A run by hand has a job beside the ticks, also while it is paused`() async throws {
        try await withStore { store, _ in
            let queue = Queue(store: store)
            try await queue.schedule([entry { $0.jitter = .seconds(3600) }])
            _ = try await store.setPaused(true, schedule: Name("nightly"))
            let before = try await record(in: store)
            let id = try #require(try await queue.run(schedule: Name("nightly")))
            #expect(try await store.job(id)?.status == .queued, "jitter is for ticks")
            #expect(try await record(in: store) == before)
            let explained = Explanation(try #require(try await store.circumstances(of: id)))
            #expect(explained.sentence.contains("put in by the schedule `nightly` for "))
            #expect(explained.facts.contains { $0.name == "schedule" && $0.value == "nightly" })
            #expect(try await queue.run(schedule: Name("none")) == nil)
        }
    }

    @Test func `Jitter puts a job off by less than itself`() async throws {
        try await withStore { store, database in
            try await store.put(
                [entry(cron: "@every 1s") { $0.jitter = .seconds(86_400) }],
                isConfiguration: false)
            try await database.execute(
                "UPDATE tasq.schedule SET planned = true, next_at = date_trunc('second', now())")
            #expect(try await look(store).count == 1)
            #expect(
                try await database.execute(
                    """
                    SELECT status, run_at >= t.tick, run_at <= t.tick + interval '1 day'
                    FROM tasq.job j JOIN tasq.schedule_tick t ON t.job_id = j.id
                    """) == "scheduled|t|t")
        }
    }

    @Test func `Ticks of more than a week ago are forgotten as others are fired`() async throws {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.schedule_tick (tick, schedule, job_id)
                SELECT now() - interval '8 days' - n * interval '1 s', 'old', gen_random_uuid()
                FROM generate_series(1, 300) n
                """)
            try await store.put([entry()], isConfiguration: false)
            try await eventually("they are gone") {
                try await database.execute(
                    "UPDATE tasq.schedule SET planned = true, next_at = now()")
                _ = try await look(store)
                let old = "SELECT count(*) FROM tasq.schedule_tick WHERE schedule = 'old'"
                return try await database.execute(old) == "0"
            }
        }
    }
}
