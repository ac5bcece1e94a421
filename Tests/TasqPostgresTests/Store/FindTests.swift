import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What narrows a list beyond what an index knows, and looks before something is done.
@Suite(.medium) struct FindTests {
    private func ids(
        of filter: JobFilter, in store: PostgresStore
    ) async throws -> Set<JobID> {
        var found: Set<JobID> = []
        var next: JobCursor?
        repeat {
            let page = try await store.jobs(matching: filter, after: next, limit: 1000)
            found.formUnion(page.jobs.map(\.id))
            next = page.next
        } while next != nil
        return found
    }

    /// Claims a job and ends the claim.
    private func run(
        _ id: JobID, _ verdict: Verdict, by worker: WorkerID, in store: PostgresStore
    ) async throws {
        let claimed = try await store.claim([id], for: worker, from: defaultQueues)
        _ = try await store.settle(try #require(claimed.first), verdict)
    }

    @Test func `Jobs that have run for longer are found, however many there are`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            var jobs: [JobID] = []
            for _ in 0..<3 { jobs.append(try await store.job()) }
            _ = try await store.job()
            _ = try await store.claim(jobs, for: worker, from: defaultQueues)
            try await database.execute(
                """
                UPDATE tasq.executing_job SET claimed_at = now() - interval '2 hours'
                WHERE job_id = '\(jobs[1])';
                UPDATE tasq.job SET claimed_at = now() - interval '2 hours' WHERE id = '\(jobs[1])'
                """)
            var filter = JobFilter(runningLongerThan: .seconds(3600))
            #expect(try await ids(of: filter, in: store) == [jobs[1]])
            filter.runningLongerThan = .zero
            #expect(try await ids(of: filter, in: store) == Set(jobs))
            filter.queue = try Name("other")
            #expect(try await ids(of: filter, in: store).isEmpty)
            let queued = JobFilter(status: .queued, runningLongerThan: .zero)
            #expect(try await ids(of: queued, in: store).isEmpty)
            // More of them than are looked at all.
            let many = PostgresStore.fewLimit + 20
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at,
                    claimed_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'executing', 1, 3, 1,
                    now(), now() - interval '2 hours'
                FROM generate_series(1, \(many));
                INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                SELECT j.id, gen_random_uuid(), '\(worker)', 1, j.claimed_at
                FROM tasq.job AS j
                WHERE j.status = 'executing' AND NOT EXISTS (
                    SELECT FROM tasq.executing_job AS e WHERE e.job_id = j.id)
                """)
            let longer = JobFilter(runningLongerThan: .seconds(3600))
            #expect(try await ids(of: longer, in: store).count == many + 1)
        }
    }

    @Test func `A reason is looked for in what a job failed with last, and in no success`()
        async throws
    {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let (waits, failed) = (try await store.job(), try await store.job())
            let (again, well) = (try await store.job(), try await store.job())
            let later = Duration.seconds(3600)
            try await run(
                waits, .retry(after: later, reason: "call\nConnection refused (é)"), by: worker,
                in: store)
            try await run(failed, .error(reason: "connection REFUSED"), by: worker, in: store)
            let first = Verdict.retry(after: .zero, reason: "connection refused")
            try await run(again, first, by: worker, in: store)
            try await run(again, .retry(after: later, reason: "timeout"), by: worker, in: store)
            try await run(well, first, by: worker, in: store)
            try await run(well, .success, by: worker, in: store)

            var filter = JobFilter(reason: "Connection Refused")
            #expect(try await ids(of: filter, in: store) == [waits, failed])
            filter.status = .error
            #expect(try await ids(of: filter, in: store) == [failed])
            #expect(try await ids(of: JobFilter(reason: "timeout"), in: store) == [again])
            #expect(try await ids(of: JobFilter(reason: "(é)"), in: store) == [waits])
            // Neither a pattern nor a quote.
            for text in ["%", "_", "'", "\\", "call.Connection"] {
                #expect(try await ids(of: JobFilter(reason: text), in: store).isEmpty, "\(text)")
            }
            let shown = try #require(try await store.job(waits))
            #expect(shown.reason == "call\nConnection refused (é)")
            #expect(shown.lastReason == "Connection refused (é)")
            // What a success failed with before is told of its attempts alone.
            #expect(try await store.job(well)?.reason == nil)
            let attempts = try await store.attempts(of: well)
            #expect(attempts.map(\.outcome) == [.retry, .success])
            #expect(attempts.map(\.reason) == ["connection refused", nil])
            let success = try await store.jobs(
                matching: JobFilter(status: .success), after: nil, limit: 10)
            #expect(success.jobs.map(\.id) == [well] && success.jobs.map(\.reason) == [nil])
            let explained = try #require(try await store.circumstances(of: well))
            #expect(explained.job.reason == nil)
        }
    }

    @Test func `Bodies that cannot have a text are not sent, nor looked into beyond a bound`()
        async throws
    {
        try await withStore { store, database in
            var bodies: [PayloadID] = []
            for body in [#"{"a":"x1"}"#, #"{"b":1}"#, #"{"a":"\u0078\u0031"}"#, "x1 is no JSON"] {
                let id = try await store.job(body: body)
                bodies.append(try #require(try await store.job(id)).payloadID)
            }
            bodies.append(PayloadID())
            let likely = try await store.bodies(
                bodies, mayHold: "x1", bytes: JobLimits.payloadBytes)
            #expect(likely.looked == 5)
            #expect(Set(likely.found.keys) == [0, 2, 3])
            #expect(likely.found[0]?.body == Array(#"{"a":"x1"}"#.utf8))

            try await database.execute(
                """
                INSERT INTO tasq.payload (id, source, content_type, headers, body)
                SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 's', 'text/plain', '',
                    convert_to('x1' || repeat('y', CASE n WHEN 2 THEN 1048576 ELSE 600000 END), 'UTF8')
                FROM generate_series(1, 4) AS n
                """)
            let large = try (1...4).map { number in
                try #require(PayloadID("00000000-0000-7000-8000-00000000000\(number)"))
            }
            let bounded = try await store.bodies(
                large, mayHold: "x1", bytes: JobLimits.payloadBytes)
            // The second is longer than any that is looked into; the third would be too much.
            #expect(bounded.looked == 2 && Set(bounded.found.keys) == [0])
            let none = try await store.bodies([], mayHold: "x1", bytes: 1)
            #expect(none.looked == 0)
        }
    }

    @Test func `Times that leave out no job are told from those that do`() async throws {
        try await withStore { store, database in
            let old = Timestamp(microseconds: 0)
            #expect(try await !store.takesAll(JobFilter(since: old)))
            for _ in 0..<2 { _ = try await store.job() }
            try await database.execute(
                """
                UPDATE tasq.job SET enqueued_at = now() - interval '10 seconds'
                WHERE id = (SELECT id FROM tasq.job ORDER BY id LIMIT 1)
                """)
            let now = Timestamp.now.microseconds
            let between = Timestamp(microseconds: now - 5_000_000)
            let far = Timestamp(microseconds: now + 3_600_000_000)
            for filter in [
                JobFilter(since: old), JobFilter(until: far), JobFilter(since: old, until: far),
            ] {
                #expect(try await store.takesAll(filter), "\(filter)")
            }
            for filter in [
                JobFilter(since: between), JobFilter(until: between),
                JobFilter(since: old, until: between), JobFilter(status: .queued, since: old),
                JobFilter(kind: try Name("noop"), since: old), JobFilter(key: "k", since: old),
                JobFilter(queue: .defaultQueue, until: far), JobFilter(since: old, reason: "x"),
            ] {
                #expect(try await !store.takesAll(filter), "\(filter)")
            }
        }
    }

    @Test func `A queue is known by its jobs and its workers, not by a pause`() async throws {
        try await withStore { store, database in
            let name = try Name("ci")
            #expect(try await !store.knows(name, orPaused: true))
            try await store.setPaused(true, name)
            #expect(try await !store.knows(name, orPaused: false))
            #expect(try await store.knows(name, orPaused: true))
            try await store.setPaused(false, name)
            #expect(try await !store.knows(name, orPaused: true))
            // One that served it, and a history.
            _ = try await store.registeredWorker()
            #expect(try await store.knows(.defaultQueue, orPaused: false))
            #expect(try await !store.knows(name, orPaused: false))
            _ = try await store.job()
            try await database.execute(
                "UPDATE tasq.job SET queue = 'ci', status = 'success', finished_at = now()")
            #expect(try await store.knows(name, orPaused: false))
        }
    }

    @Test func `Events are found by what became of their jobs, over short pages`() async throws {
        try await withStore { store, database in
            let many = PostgresStore.outcomeLimit + 500
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, source, content_type, body)
                SELECT tasq.uuid_v7(), 's', 'text/plain', '' FROM generate_series(1, \(many));
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
                SELECT tasq.uuid_v7(), p.id, 'default', 'noop', 'success', 1, 3, now(), now()
                FROM tasq.payload AS p;
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
                SELECT tasq.uuid_v7(), p.id, 'default', 'noop', 'error', 1, 3, now(), now()
                FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM tasq.payload) AS p
                WHERE p.n <= 3
                """)
            for limit in [2, 50] {
                var pages: [EventPage] = []
                repeat {
                    pages.append(
                        try await store.events(
                            matching: EventFilter(status: .error), after: pages.last?.next,
                            limit: limit))
                } while pages.last?.next != nil && pages.count < 100
                let found = pages.flatMap { $0.events.map(\.id.description) }
                let expected = try await database.execute(
                    "SELECT id FROM tasq.payload ORDER BY id LIMIT 3")
                #expect(found.reversed().joined(separator: "\n") == expected, "\(limit)")
                #expect(pages.contains { $0.events.isEmpty && $0.next != nil })
            }
            let none = EventFilter(status: .executing)
            let last = try await store.events(matching: none, after: nil, limit: 10)
            #expect(last.events.isEmpty && last.next != nil)
            let sourced = EventFilter(source: try Name("other"), status: .error)
            #expect(try await store.events(matching: sourced, after: nil, limit: 10).next == nil)
            #expect(try await store.takesAll(EventFilter(since: Timestamp(microseconds: 0))))
            #expect(try await !store.takesAll(EventFilter(status: .error)))
        }
    }
}
