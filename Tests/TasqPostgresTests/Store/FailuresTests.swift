import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What has failed, counted by queue and kind, and the jobs that are tried again.
@Suite(.medium) struct FailuresTests {
    @Test func `Failures are counted by queue and kind, and those of the last hour and day apart`()
        async throws
    {
        try await withStore { store, database in
            try await database.execute(
                insert(3, "mail", "error", finished: "now() - interval '59 minutes'")
                    + insert(4, "mail", "error", finished: "now() - interval '23 hours'")
                    + insert(5, "mail", "error", finished: "now() - interval '3 days'")
                    + insert(2, "mail", "scheduled", attempt: 1)
                    + insert(9, "mail", "scheduled")
                    + insert(1, "post", "scheduled", attempt: 3)
                    + insert(6, "post", "success", finished: "now()")
                    + insert(7, "post", "cancelled", attempt: 1, finished: "now()")
                    + insert(1, "mail", "error", queue: "alone", finished: "now()"))
            let (mail, post) = (try Name("mail"), try Name("post"))
            let queues = try await store.queues()
            #expect(queues.map(\.name.description) == ["alone", "default"])
            #expect(
                queues.first?.failures == [
                    KindFailures(
                        kind: mail, errors: 1, errorsOfHour: 1, errorsOfDay: 1,
                        retrying: 0)
                ])
            let failures = try #require(queues.last).failures
            #expect(
                failures == [
                    KindFailures(
                        kind: mail, errors: 12, errorsOfHour: 3, errorsOfDay: 7, retrying: 2),
                    KindFailures(
                        kind: post, errors: 0, errorsOfHour: 0, errorsOfDay: 0, retrying: 1),
                ])
            #expect(queues.last?.scheduled == 12)
            #expect(failures.errors == 12 && failures.retrying == 3)
        }
    }

    @Test func `A job counts while it is tried again, and once it is in error, and then no more`()
        async throws
    {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let id = try await store.job(maxAttempts: 2)
            func failures() async throws -> KindFailures? {
                try await store.queues().first?.failures.first
            }
            #expect(try await failures() == nil)
            let first = try await store.claim([id], for: worker, from: defaultQueues)
            _ = try await store.settle(first[0], .snooze(for: .seconds(3600)))
            #expect(try await failures() == nil)
            _ = try await store.apply(.retry, to: [id])
            let second = try await store.claim([id], for: worker, from: defaultQueues)
            _ = try await store.settle(
                second[0], .retry(after: .seconds(3600), reason: "no luck"))
            #expect(try await failures()?.retrying == 1)
            #expect(try await failures()?.errors == 0)
            _ = try await store.apply(.retry, to: [id])
            #expect(try await failures() == nil)
            let third = try await store.claim([id], for: worker, from: defaultQueues)
            _ = try await store.settle(third[0], .error(reason: "no luck"))
            #expect(try await failures()?.errors == 1)
            #expect(try await failures()?.errorsOfHour == 1)
            #expect(try await failures()?.retrying == 0)
            _ = try await store.apply(.delete, to: [id])
            #expect(try await failures() == nil)
        }
    }

    @Test func `Many failures are counted to a bound, and say so; few beside them are exact`()
        async throws
    {
        try await withStore { store, database in
            let many = KindFailures.countLimit / 2 + 5
            try await database.execute(
                insert(many, "many", "error", finished: "now()")
                    + insert(many, "many", "scheduled", attempt: 1)
                    + insert(20, "few", "error", finished: "now() - interval '2 hours'")
                    + insert(20, "few", "scheduled", attempt: 1))
            let failures = try #require(try await store.queues().first).failures
            #expect(failures.map(\.errorsText) == ["20", "\(many - 5)+"])
            #expect(failures.map(\.errorsOfHourText) == ["0", "\(many - 5)+"])
            #expect(failures.map(\.errorsOfDayText) == ["20", "\(many - 5)+"])
            #expect(failures.map(\.retryingText) == ["20", "\(many - 5)+"])
            #expect(failures.errorsText == "\(many + 15)+")
        }
    }

    @Test func `More kinds than are looked at are told by a sign behind the count`() async throws {
        try await withStore { store, database in
            let limit = KindFailures.kindLimit
            try await database.execute(
                insert(limit - 1, "many", "error", finished: "now()")
                    + insert(1, "retried", "scheduled", attempt: 1)
                    + "UPDATE tasq.job SET kind = 'k' || lpad(right(id::text, 8), 8, '0') "
                    + "WHERE kind = 'many'")
            let few = try #require(try await store.queues().first).failures
            #expect(few.errorsText == "\(limit - 1)" && few.retryingText == "1")
            try await database.execute(
                insert(1, "l", "error", finished: "now()")
                    + insert(1, "m", "error", finished: "now()"))
            let many = try #require(try await store.queues().first).failures
            #expect(many.errorsText == "\(limit)+" && many.retryingText == "1")
        }
    }

    @Test(arguments: [PostgresStore.fewLimit / 100, PostgresStore.fewLimit + 50])
    func `The list of what is tried again has these jobs and no others that are scheduled`(
        count: Int
    ) async throws {
        try await withStore { store, database in
            try await database.execute(
                insert(count, "mail", "scheduled", attempt: 1)
                    + insert(PostgresStore.fewLimit + 50, "mail", "scheduled")
                    + insert(3, "mail", "error", attempt: 1, finished: "now()")
                    + insert(3, "mail", "queued", attempt: 1))
            for filter in [
                JobFilter(isRetrying: true), JobFilter(status: .scheduled, isRetrying: true),
            ] {
                var found: [JobRecord] = []
                var next: JobCursor?
                repeat {
                    let page = try await store.jobs(matching: filter, after: next, limit: 1000)
                    found += page.jobs
                    next = page.next
                } while next != nil
                #expect(found.count == count && Set(found.map(\.id)).count == count)
                #expect(found.allSatisfy { $0.status == .scheduled && $0.attempt == 1 })
            }
            let none = JobFilter(status: .error, isRetrying: true)
            #expect(try await store.jobs(matching: none, after: nil, limit: 10).jobs.isEmpty)
        }
    }

    private func insert(
        _ count: Int, _ kind: String, _ status: String, queue: String = "default",
        attempt: Int = 0, finished: String = "NULL"
    ) -> String {
        """
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at,
            finished_at)
        SELECT tasq.uuid_v7(), gen_random_uuid(), '\(queue)', '\(kind)', '\(status)', 1, 3,
            \(attempt), now() + interval '1 hour', \(finished)
        FROM generate_series(1, \(count));

        """
    }
}
