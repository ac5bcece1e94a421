import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What the row of a bulk action remembers, and who takes it up.
@Suite(.medium) struct BulkTests {
    private static let hour = Duration.seconds(3600)

    /// Claims a job and ends the claim.
    private func run(
        _ id: JobID, _ verdict: Verdict, by worker: WorkerID, in store: PostgresStore
    ) async throws {
        let claimed = try await store.claim([id], for: worker, from: defaultQueues)
        _ = try await store.settle(try #require(claimed.first), verdict)
    }

    private func matched(
        _ action: JobAction, _ filter: JobFilter, in store: PostgresStore
    ) async throws -> [JobID] {
        let request = try BulkRequest(action, filter)
        var found: [JobID] = []
        var page = try await store.matching(request, after: nil, until: nil, limit: 2)
        while let last = page.last {
            found += page.ids
            page = try await store.matching(request, after: last, until: page.until, limit: 2)
        }
        return found
    }

    @Test func `A walk takes what is tried again, and what failed last with a text`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let (waits, failed) = (try await store.job(), try await store.job())
            let (other, well) = (try await store.job(), try await store.job())
            let delayed = try await store.job(start: .after(Self.hour))
            let text = "connection refused (é)"
            try await run(waits, .retry(after: Self.hour, reason: text), by: worker, in: store)
            try await run(failed, .error(reason: "Connection REFUSED"), by: worker, in: store)
            try await run(other, .error(reason: "timeout"), by: worker, in: store)
            try await run(well, .retry(after: .zero, reason: text), by: worker, in: store)
            try await run(well, .success, by: worker, in: store)

            let again = JobFilter(isRetrying: true)
            for action in JobAction.allCases {
                #expect(try await matched(action, again, in: store) == [waits], "\(action)")
            }
            let scheduled = try await matched(.cancel, JobFilter(status: .scheduled), in: store)
            #expect(scheduled == [waits, delayed])
            let reason = JobFilter(reason: "Connection Refused")
            // A retry that names no status means what failed.
            #expect(try await matched(.retry, reason, in: store) == [failed])
            #expect(try await matched(.cancel, reason, in: store) == [waits])
            #expect(try await matched(.delete, reason, in: store) == [waits, failed])
            let both = JobFilter(isRetrying: true, reason: "(é)")
            #expect(try await matched(.retry, both, in: store) == [waits])
            // Neither a pattern nor a quote, nor what a success failed with before.
            for reason in ["%", "_", "'", "\\"] {
                #expect(try await matched(.delete, JobFilter(reason: reason), in: store).isEmpty)
            }
            let success = JobFilter(status: .success, reason: "refused")
            #expect(try await matched(.delete, success, in: store).isEmpty)
        }
    }

    @Test func `A step that takes long ends before its page does, and the next goes on there`()
        async throws
    {
        try await withStore { store, database in
            let (part, rest) = (Queue.actionLimit, 7)
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'q', 'noop', 'queued', 1, 3, now()
                FROM generate_series(1, \(part + rest))
                """)
            let request = try BulkRequest(.cancel, JobFilter(), everything: true)
            let queue = Queue(store: store)
            var walk = BulkWalk(request, dryRun: false, stepTime: .zero)
            var isMore = try await walk.step(queue)
            #expect(isMore)
            #expect(
                walk.counts
                    == BulkCounts(examined: part, matched: part, changed: part, passedOver: 0))
            // As another holder does.
            walk = BulkWalk(
                request, dryRun: false, cursor: walk.cursor, until: walk.until,
                counts: walk.counts, stepTime: .zero)
            isMore = try await walk.step(queue)
            #expect(isMore)
            let all = part + rest
            #expect(
                walk.counts == BulkCounts(examined: all, matched: all, changed: all, passedOver: 0))
            isMore = try await walk.step(queue)
            #expect(!isMore)
            let cancelled = "SELECT count(*) FROM tasq.job WHERE status = 'cancelled'"
            #expect(try await database.execute(cancelled) == "\(all)")
        }
    }

    @Test(arguments: [
        JobFilter(isRetrying: true), JobFilter(reason: "it's \"so\" %_\\ é"),
        JobFilter(kind: Name(unchecked: "a"), isRetrying: true, reason: "x"),
    ])
    func `A row remembers all of its filter, and the next holder goes on with it`(
        filter: JobFilter
    ) async throws {
        try await withStore { store, database in
            let id = BulkID()
            let task = BulkTask.jobs(try BulkRequest(.cancel, filter))
            #expect(try await store.startBulk(id, task, dryRun: false))
            // Entered twice it is one and the same.
            #expect(try await store.startBulk(id, task, dryRun: false))
            let (first, second) = (WorkerID(), WorkerID())
            var held = try #require(
                try await store.holdBulk(
                    as: first, for: Self.hour, takingOver: [:], replays: false))
            #expect(held.task == task && held.state == .running && held.isHeld)
            held.cursor = BulkCursor()
            held.counts = BulkCounts(examined: 5, matched: 4, changed: 3, passedOver: 1)
            #expect(try await store.advanceBulk(held, by: first, for: .seconds(1)))
            #expect(try await store.bulk(id)?.state == .running)
            let holds = try await store.bulkHolds()
            #expect(Array(holds.keys) == [id])
            let next = try await store.holdBulk(
                as: second, for: Self.hour, takingOver: holds, replays: false)
            var taken = try #require(next)
            #expect(taken.task == task && taken.cursor == held.cursor)
            #expect(taken.counts == held.counts)
            // Whoever was late has lost it.
            let isLate = try await !store.advanceBulk(held, by: first, for: .seconds(1))
            #expect(isLate)
            taken.state = .done
            #expect(try await store.advanceBulk(taken, by: second, for: .seconds(1)))
            let over = try #require(try await store.bulk(id))
            #expect(over.state == .done && over.finishedAt != nil && !over.isHeld)
            #expect(over.task == task)
            // So it is when one is called off.
            let other = BulkID()
            #expect(try await store.startBulk(other, task, dryRun: true))
            try await store.stopBulk(other)
            #expect(try await store.bulk(other)?.state == .cancelled)
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "2")
        }
    }

    /// As programs before schema 16 ask; they know no column of it.
    private static let oldHold = """
        UPDATE tasq.bulk AS b SET holder = gen_random_uuid(), held_until = now()
        WHERE b.id = (
            SELECT r.id FROM tasq.bulk AS r
            WHERE r.state = 'running' AND r.holder IS NULL
            ORDER BY r.created_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
        """
    private static let held = "SELECT id FROM tasq.bulk WHERE holder IS NOT NULL"

    @Test func `A program that cannot read all of a filter does not take the action up`()
        async throws
    {
        try await withStore { store, database in
            let plain = BulkID()
            let source = EventFilter(source: try Name("s"))
            for task in [
                BulkTask.jobs(try BulkRequest(.delete, JobFilter(isRetrying: true))),
                .jobs(try BulkRequest(.delete, JobFilter(reason: "x"))),
                .replay(try ReplayRequest(source)),
            ] {
                #expect(try await store.startBulk(BulkID(), task, dryRun: false))
            }
            let kind = JobFilter(kind: try Name("a"))
            _ = try await store.startBulk(plain, .jobs(BulkRequest(.delete, kind)), dryRun: false)
            for _ in 0..<2 { try await database.execute(Self.oldHold) }
            #expect(try await database.execute(Self.held) == plain.description)
            // Nor can anything make one of them look plain.
            await #expect(throws: TestingError.self) {
                try await database.execute("UPDATE tasq.bulk SET state = 'running'")
            }
            // And theirs is taken up here.
            try await database.execute(
                """
                DELETE FROM tasq.bulk;
                INSERT INTO tasq.bulk AS b
                    (id, action, status, queue, kind, key, since, until, dry_run)
                VALUES ('\(plain)', 'cancel', NULL, 'q', NULL, NULL, NULL, NULL, false)
                """)
            let held = try await store.holdBulk(
                as: WorkerID(), for: Self.hour, takingOver: [:], replays: false)
            let theirs = BulkTask.jobs(try BulkRequest(.cancel, JobFilter(queue: Name("q"))))
            #expect(held?.id == plain)
            #expect(held?.task == theirs)
        }
    }

    @Test func `A replay is held by itself, and its row remembers all of it`() async throws {
        try await withStore { store, _ in
            let filter = EventFilter(
                source: try Name("s"), since: Timestamp(microseconds: 1_700_000_000_000_001),
                until: Timestamp(microseconds: 1_800_000_000_000_001), status: .error)
            let id = BulkID()
            let task = BulkTask.replay(try ReplayRequest(filter, rate: 7))
            #expect(try await store.startBulk(id, task, dryRun: true))
            func held(replays: Bool) async throws -> BulkRecord? {
                try await store.holdBulk(
                    as: WorkerID(), for: Self.hour, takingOver: [:], replays: replays)
            }
            let none = try await held(replays: false)
            #expect(none == nil)
            let record = try #require(try await held(replays: true))
            #expect(record.id == id && record.task == task && record.isDryRun)
            let other = try await held(replays: true)
            #expect(other == nil, "another one holds it")
            #expect(try await store.bulk(id)?.task == task)
        }
    }

    @Test func `Those with more in their filter count among those that may run`() async throws {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.bulk (id, action, dry_run, retrying, state)
                SELECT gen_random_uuid(), 'cancel', false, true, 'going'
                FROM generate_series(1, 100)
                """)
            let task = BulkTask.jobs(try BulkRequest(.cancel, JobFilter(queue: Name("q"))))
            let isEntered = try await store.startBulk(BulkID(), task, dryRun: false)
            #expect(!isEntered)
        }
    }

    @Test func `What no job can have is refused before it is entered`() throws {
        for (filter, field) in [
            (JobFilter(runningLongerThan: .seconds(1)), "running_longer_than"),
            (JobFilter(reason: ""), "reason"), (JobFilter(reason: "a\0"), "reason"),
            (JobFilter(reason: String(repeating: "r", count: 2001)), "reason"),
            (JobFilter(status: .error, isRetrying: true), "retrying"),
        ] {
            let error = #expect(throws: InvalidInput.self) { try BulkRequest(.delete, filter) }
            #expect(error?.field == field, "\(filter)")
        }
    }
}
