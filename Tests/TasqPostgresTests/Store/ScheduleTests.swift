import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// Schedules in their table, and what they put in.
@Suite(.medium) struct ScheduleTests {
    @Test func `A schedule stands as it was put in, and its ticks have jobs that say when`()
        async throws
    {
        try await withStore { store, database in
            let entry = try schedule {
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
            let stored = try await store.schedule()
            #expect(stored.entry == entry)
            #expect(!stored.isPaused && !stored.isConfigured && !stored.isPlanned)
            // As if it had been put in then.
            try await database.execute("UPDATE tasq.schedule SET next_at = '2024-03-29'")
            #expect(try await store.fireDue().isEmpty, "only planned")
            #expect(try await store.fireDue().count == 3)
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
            let after = try await store.schedule()
            #expect(after.nextAt == nil && after.isPlanned, "its end has passed")
            #expect(after.lastTick == Timestamp(rfc3339: "2024-04-01T00:00:00Z"))
            #expect(try await store.dueSchedules(upTo: 50).records.isEmpty)
        }
    }

    @Test func `A schedule that is put in again as it stands keeps its next tick`()
        async throws
    {
        try await withStore { store, database in
            try await store.put([schedule()], isConfiguration: false)
            _ = try await store.fireDue()
            let first = try await store.schedule()
            #expect(first.isPlanned)
            try await store.put([schedule()], isConfiguration: false)
            #expect(try await store.schedule() == first)
            try await store.put(
                [schedule { $0.priority = try Priority(0) }], isConfiguration: false)
            let second = try await store.schedule()
            #expect(second.nextAt == first.nextAt && second.isPlanned)
            #expect(second.version > first.version)
            try await store.put([schedule(cron: "0 3 * * *")], isConfiguration: false)
            #expect(try await store.schedule().isPlanned == false)
            try await database.execute(
                "UPDATE tasq.schedule SET problem = 'p', next_at = 'infinity'")
            try await store.put([schedule(cron: "0 4 * * *")], isConfiguration: false)
            let mended = try await store.schedule()
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
            try await store.put([schedule("own")], isConfiguration: false)
            try await store.put([schedule("a"), schedule("b")], isConfiguration: true)
            #expect(try await names() == ["a", "b", "own"])
            try await store.put([schedule("b")], isConfiguration: true)
            #expect(try await names() == ["b", "own"])
            _ = try await store.setPaused(true, schedule: Name("b"))
            try await store.put([schedule("b", cron: "@hourly")], isConfiguration: true)
            #expect(try await store.schedule("b").isPaused, "a pause outlives a change")
            try await store.put([], isConfiguration: true)
            #expect(try await names() == ["own"])
        }
    }

    @Test func `Configurations that take each other's schedules away never deadlock`()
        async throws
    {
        try await withStore { store, database in
            let sets = try [["a", "b", "c"], ["c", "d"], ["d", "a"], []].map { names in
                try names.map { try schedule($0) }
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

    /// As where its zone has been installed since.
    @Test func `A schedule that does not tick is planned anew when it is put in again or resumed`()
        async throws
    {
        try await withStore { store, database in
            let name = try Name("nightly")
            let ways: [@Sendable (Bool) async throws -> Void] = [
                { isConfiguration in
                    try await store.put([schedule()], isConfiguration: isConfiguration)
                },
                { _ in _ = try await store.setPaused(false, schedule: name) },
            ]
            for isConfiguration in [false, true] {
                for way in ways {
                    try await store.put([schedule()], isConfiguration: isConfiguration)
                    _ = try await store.fireDue()
                    try await database.execute(
                        "UPDATE tasq.schedule SET problem = 'p', next_at = 'infinity'")
                    #expect(try await store.schedule().nextAt == nil)
                    try await way(isConfiguration)
                    #expect(try await store.schedule().problem == nil)
                    #expect(try await store.fireDue().isEmpty, "it is planned from now on")
                    let mended = try await store.schedule()
                    #expect(mended.isPlanned && (mended.nextAt ?? .now) > .now)
                }
            }
            // To pause it says nothing of what is wrong.
            try await database.execute("UPDATE tasq.schedule SET problem = 'p'")
            _ = try await store.setPaused(true, schedule: name)
            #expect(try await store.schedule().problem == "p")
        }
    }

    @Test func `Ticks of a pause are not missed`() async throws {
        try await withStore { store, database in
            try await store.put([schedule { $0.missed = .all }], isConfiguration: false)
            try await database.execute(
                "UPDATE tasq.schedule SET planned = true, next_at = '2026-01-01T02:00:00Z'")
            let name = try Name("nightly")
            #expect(try await store.setPaused(true, schedule: name))
            #expect(try await store.dueSchedules(upTo: 50).records.isEmpty)
            #expect(try await store.setPaused(false, schedule: name))
            #expect(try await store.fireDue().isEmpty)
            let resumed = try await store.schedule()
            #expect(resumed.isPlanned && (resumed.nextAt ?? .now) > .now)
            #expect(try await store.setPaused(true, schedule: Name("none")) == false)
            #expect(try await store.delete(schedule: name))
            #expect(try await store.delete(schedule: name) == false)
        }
    }

    @Test func `A run by hand has a job beside the ticks, also while it is paused`() async throws {
        try await withStore { store, _ in
            let queue = Queue(store: store)
            try await queue.schedule([schedule { $0.jitter = .seconds(3600) }])
            _ = try await store.setPaused(true, schedule: Name("nightly"))
            let before = try await store.schedule()
            let id = try #require(try await queue.run(schedule: Name("nightly")))
            #expect(try await store.job(id)?.status == .queued, "jitter is for ticks")
            #expect(try await store.schedule() == before)
            let explained = Explanation(try #require(try await store.circumstances(of: id)))
            #expect(explained.sentence.contains("put in by the schedule `nightly` for "))
            #expect(explained.facts.contains { $0.name == "schedule" && $0.value == "nightly" })
            #expect(try await queue.run(schedule: Name("none")) == nil)
        }
    }

    @Test func `Jitter puts a job off by less than itself`() async throws {
        try await withStore { store, database in
            try await store.put(
                [schedule(cron: "@every 1s") { $0.jitter = .seconds(86_400) }],
                isConfiguration: false)
            try await database.execute(
                "UPDATE tasq.schedule SET planned = true, next_at = date_trunc('second', now())")
            #expect(try await !store.fireDue().isEmpty)
            #expect(
                try await database.execute(
                    """
                    SELECT bool_and(j.status = 'scheduled'),
                        bool_and(j.run_at BETWEEN t.tick AND t.tick + interval '1 day')
                    FROM tasq.job j JOIN tasq.schedule_tick t ON t.job_id = j.id
                    """) == "t|t")
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
            try await store.put([schedule()], isConfiguration: false)
            try await eventually("they are gone") {
                try await database.execute(
                    "UPDATE tasq.schedule SET planned = true, next_at = now()")
                _ = try await store.fireDue()
                let old = "SELECT count(*) FROM tasq.schedule_tick WHERE schedule = 'old'"
                return try await database.execute(old) == "0"
            }
        }
    }
}
