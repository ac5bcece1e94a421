import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// What is pruned, and what is not.
@Suite(.medium) struct RetentionTests {
    private static let day = Duration.seconds(86_400)
    /// Every finished job goes.
    private let nothing = Retention(.init(success: .zero, error: .zero, cancelled: .zero))

    @Test func `What was kept long enough goes with its attempts and body, what is younger stays`()
        async throws
    {
        try await withStore { store, database in
            let retention = Retention(
                .init(success: Self.day * 7, error: Self.day * 90, cancelled: Self.day * 30))
            var (old, young): (Set<String>, Set<String>) = ([], [])
            for (status, before, after) in [
                (JobStatus.success, "6 days", "8 days"),
                (JobStatus.error, "89 days", "91 days"),
                (JobStatus.cancelled, "29 days", "31 days"),
            ] {
                young.insert(try await job(status, ended: before, in: store, database))
                old.insert(try await job(status, ended: after, in: store, database))
            }
            let dry = try await round(retention, in: store, dryRun: true)
            #expect(dry.total == 3 && dry.examined == 6)
            #expect(try await rows(of: "job", in: database) == old.union(young))

            let walk = try await round(retention, in: store)
            #expect(walk.counts == dry.counts && walk.passedOver == 0)
            for status in JobStatus.finished { #expect(walk.count(of: status) == 1) }
            #expect(try await rows(of: "job", in: database) == young)
            #expect(try await rows(of: "payload", in: database) == young)
            #expect(try await rows(of: "attempt", "job_id", in: database) == young)
        }
    }

    @Test func `What waits or runs is never touched, though its row said that it ended long ago`()
        async throws
    {
        try await withStore { store, database in
            // No row can say so but where somebody took the constraint away.
            try await database.execute(
                "ALTER TABLE tasq.job DROP CONSTRAINT finished_iff_final")
            let end = try #require(Timestamp(rfc3339: "2020-01-01T00:00:00Z"))
            var ids: Set<String> = []
            for status in JobStatus.allCases where !status.isFinal {
                let id = try await store.job()
                try await database.execute(
                    """
                    UPDATE tasq.job
                    SET status = '\(status.rawValue)', finished_at = '2020-01-01T00:00:00Z'
                    WHERE id = '\(id)'
                    """)
                ids.insert(id.description)
                let seen = ExpiredJob(
                    id: id, queue: .defaultQueue, status: status, finishedAt: end)
                #expect(try await store.prune([seen]).isEmpty)
            }
            let walk = try await round(nothing, in: store)
            #expect(walk.total == 0 && walk.passedOver == 0 && walk.examined == 3)
            #expect(try await rows(of: "job", in: database) == ids)
        }
    }

    @Test func `A queue with ages of its own goes by them, and the others by those of all`()
        async throws
    {
        try await withStore { store, database in
            let hour = Retention.Ages(success: .seconds(3600))
            let retention = Retention(
                .init(success: Self.day * 7, error: Self.day * 7), queues: [try Name("ci"): hour])
            var kept: Set<String> = []
            let (success, error) = (JobStatus.success, JobStatus.error)
            for (queue, status, age, stays) in [
                ("ci", success, "2 hours", false), ("default", success, "2 hours", true),
                ("ci", success, "1 minute", true), ("default", success, "8 days", false),
                ("ci", error, "8 days", true), ("default", error, "8 days", false),
                ("ci", JobStatus.cancelled, "8 days", true),
                ("default", JobStatus.cancelled, "8 days", true),
            ] {
                let id = try await job(status, ended: age, on: queue, in: store, database)
                if stays { kept.insert(id) }
            }
            let walk = try await round(retention, in: store)
            #expect(walk.count(of: .success) == 2 && walk.count(of: .error) == 1)
            #expect(walk.count(of: .cancelled) == 0)
            #expect(try await rows(of: "job", in: database) == kept)
        }
    }

    @Test func `A body goes with the last job that uses it`() async throws {
        try await withStore { store, database in
            let ids = [JobID(), JobID()]
            let event = NewEvent(
                source: try Name("github"), providerID: "1", payload: Payload([1, 2, 3]),
                jobs: try ids.map {
                    try NewJob(id: $0, kind: Name("hook"), payload: Payload([]))
                })
            _ = try await store.accept([event])
            let retention = Retention(.init(success: Self.day))
            for (id, bodies) in zip(ids, [1, 0]) {
                try await end(id.description, .success, "2 days", in: database)
                #expect(try await round(retention, in: store).total == 1)
                #expect(try await rows(of: "payload", in: database).count == bodies)
            }
        }
    }

    @Test func `A row that somebody has locked is left for the next round, and nothing waits`()
        async throws
    {
        try await withStore { store, database in
            let locked = try await job(.success, ended: "8 days", in: store, database)
            _ = try await job(.success, ended: "8 days", in: store, database)
            let locker = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            _ = try await locker.script(
                "BEGIN; SELECT FROM tasq.job WHERE id = '\(locked)' FOR UPDATE")
            let first = try await round(nothing, in: store)
            #expect(first.total == 1 && first.passedOver == 1)
            #expect(try await rows(of: "job", in: database) == [locked])
            _ = try await locker.script("ROLLBACK")
            await locker.close()
            #expect(try await round(nothing, in: store).total == 1)
            #expect(try await rows(of: "job", in: database).isEmpty)
        }
    }

    /// Between the look and the deletion anybody may do anything with a job.
    @Test func `A job that was retried since it was seen is not deleted`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            var ids: [JobID] = []
            for _ in 0..<4 {
                let id = try await job(.error, ended: "8 days", in: store, database)
                ids.append(try #require(JobID(id)))
            }
            let page = try await store.expired(by: nothing, after: nil, limit: 10)
            #expect(page.jobs.map(\.id).sorted() == ids)
            #expect(page.examined == 4 && page.last == ids[3])
            // Three are retried, one of them runs, and one has failed once more by then.
            _ = try await store.apply(.retry, to: Array(ids[0..<3]))
            let claimed = try await store.claim(
                Array(ids[1..<3]), for: worker, from: defaultQueues)
            let failed = try #require(claimed.first { $0.id == ids[2] })
            _ = try await store.settle(failed, .error(reason: "again"))

            #expect(try await store.prune(page.jobs).map(\.id) == [ids[3]])
            let states = try await database.execute(
                "SELECT string_agg(status::text, ' ' ORDER BY id) FROM tasq.job")
            #expect(states == "queued executing error")
            #expect(try await rows(of: "payload", in: database).count == 3)
            #expect(try await store.claim([ids[0]], for: worker, from: defaultQueues).count == 1)
        }
    }

    @Test func `Of jobs retried while they are pruned each is gone, or queued with its body`()
        async throws
    {
        try await withStore { store, database in
            let new = try (0..<300).map { _ in
                try NewJob(kind: Name("noop"), payload: Payload([1]))
            }
            let ids = try await store.enqueue(new).map(\.id)
            try await database.execute(
                "UPDATE tasq.job SET status = 'error', finished_at = now(), attempt = 1")
            async let retrying = retry(ids, in: store)
            async let pruning = pruneAll(in: store)
            let (retried, pruned) = try await (retrying, pruning)
            // What both let alone, as the other held it, goes now.
            let rest = try await pruneAll(in: store)
            #expect(retried.isDisjoint(with: pruned) && retried.isDisjoint(with: rest))
            #expect(retried.count + pruned.count + rest.count == 300)
            let left = Set(retried.map(\.description))
            #expect(try await rows(of: "job", in: database) == left)
            #expect(try await rows(of: "payload", in: database) == left)
            for table in VerifiedTable.allCases {
                let page = try await store.findings(in: table, after: "", limit: 1000)
                #expect(page.findings.isEmpty, "\(page.findings)")
            }
        }
    }

    /// A few at a time, from the last to the first; returns those that it queued.
    private func retry(_ ids: [JobID], in store: PostgresStore) async throws -> Set<JobID> {
        var queued: Set<JobID> = []
        for start in stride(from: 0, to: ids.count, by: 5).reversed() {
            for answer in try await store.apply(.retry, to: Array(ids[start..<start + 5])) {
                if case .done = answer.result { queued.insert(answer.id) }
            }
        }
        return queued
    }

    /// A few at a time, from the first to the last; returns those that it deleted.
    private func pruneAll(in store: PostgresStore) async throws -> Set<JobID> {
        var gone: Set<JobID> = []
        var place: JobID?
        repeat {
            let page = try await store.expired(by: nothing, after: place, limit: 5)
            gone.formUnion(try await store.prune(page.jobs).map(\.id))
            place = page.last
        } while place != nil
        return gone
    }

    @Test func `The walk goes through the whole table, page by page, whatever the ids`()
        async throws
    {
        try await withStore { store, database in
            // An id that grows with time, and some that do not.
            for id in [JobID(), JobID(high: 7, low: 1), JobID(high: 1, low: 7)] {
                let new = try NewJob(id: id, kind: Name("noop"), payload: Payload([]))
                _ = try await store.enqueue([new])
                try await end(id.description, .cancelled, "8 days", in: database)
            }
            var found: [JobID] = []
            var place: JobID?
            for examined in [2, 1, 0] {
                let page = try await store.expired(by: nothing, after: place, limit: 2)
                #expect(page.examined == examined && page.jobs.count == examined)
                let ids = page.jobs.map(\.id).sorted()
                #expect(page.last == ids.last)
                found += ids
                place = page.last ?? place
            }
            #expect(found == found.sorted() && found.count == 3)
            // What nobody could have waited for is asked for all the same.
            for age in [Self.day * -1, .seconds(Int64.max / 2)] {
                let retention = Retention(.init(cancelled: age))
                let page = try await store.expired(by: retention, after: nil, limit: 10)
                #expect(page.jobs.count == (age < .zero ? 3 : 0))
            }
        }
    }

    /// One round to its end.
    private func round(
        _ retention: Retention, in store: PostgresStore, dryRun: Bool = false
    ) async throws -> PruneWalk {
        var walk = PruneWalk(retention, dryRun: dryRun)
        while true {
            if case .end = try await walk.step(in: store) { return walk }
        }
    }

    /// A finished job with an attempt.
    private func job(
        _ status: JobStatus, ended age: String, on queue: String = "default",
        in store: PostgresStore, _ database: TestDatabase
    ) async throws -> String {
        let new = try NewJob(kind: Name("noop"), queue: Name(queue), payload: Payload([1]))
        let id = try await store.enqueue([new])[0].id.description
        try await end(id, status, age, in: database)
        try await database.execute(
            """
            INSERT INTO tasq.attempt (job_id, claim, attempt, outcome, started_at)
            VALUES ('\(id)', gen_random_uuid(), 1, 'retry', now())
            """)
        return id
    }

    private func end(
        _ id: String, _ status: JobStatus, _ age: String, in database: TestDatabase
    ) async throws {
        try await database.execute(
            """
            UPDATE tasq.job SET status = '\(status.rawValue)', attempt = 1,
                finished_at = now() - interval '\(age)'
            WHERE id = '\(id)'
            """)
    }

    private func rows(
        of table: String, _ column: String = "id", in database: TestDatabase
    ) async throws -> Set<String> {
        let ids = try await database.execute("SELECT \(column) FROM tasq.\(table)")
        return Set(ids.split(separator: "\n").map(String.init))
    }
}
