import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct ExplainTests {
    private func explanation(
        of id: JobID, in store: PostgresStore
    ) async throws -> Explanation {
        Explanation(try #require(try await store.circumstances(of: id)))
    }

    @Test func `Every reason why a job does not run is named`() async throws {
        try await withStore { store, database in
            func expect(
                _ id: JobID, _ reason: Explanation.Reason, _ text: String,
                at location: SourceLocation = #_sourceLocation
            ) async throws {
                let found = try await explanation(of: id, in: store)
                #expect(found.reason == reason, "\(found.sentence)", sourceLocation: location)
                #expect(
                    found.sentence.contains(text), "\(found.sentence)", sourceLocation: location)
            }
            let id = try await store.job()
            try await expect(id, .noWorker, "No worker is alive")
            let worker = try await store.registeredWorker(concurrency: 1)
            try await database.execute("UPDATE tasq.worker SET queues = '{other}'")
            try await expect(id, .noWorker, "No live worker serves its queue `default`")
            try await database.execute("UPDATE tasq.worker SET queues = '{default}'")
            try await expect(id, .aboutToStart, "Nothing stands in its way")
            try await store.setPaused(true, .defaultQueue)
            try await expect(id, .paused, "Its queue `default` is paused")
            try await store.setPaused(false, .defaultQueue)
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            try await expect(id, .suspect, "when 2 workers died")
            try await database.execute("UPDATE tasq.job SET crashes = 0, attempt = 3")
            try await expect(id, .attemptsUsedUp, "no attempt left")
            try await database.execute("UPDATE tasq.job SET attempt = 0")

            for (ahead, reason) in [
                ("23 hours", Explanation.Reason.aboutToStart), ("25 hours", .notDue),
            ] {
                try await database.execute(
                    "UPDATE tasq.job SET run_at = now() + interval '\(ahead)'")
                try await expect(
                    id, reason, reason == .notDue ? "not due before" : "clock showed")
            }
            try await database.execute("UPDATE tasq.job SET run_at = now()")

            let later = try await store.job(start: .after(.seconds(3600)))
            try await expect(later, .notDue, "not due before")
            let first = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            try await expect(id, .executing, "Attempt 1 of 3 runs in process 1 on test since")
            let waiting = try await store.job()
            try await expect(waiting, .waitingForSlot, "All 1 slots")
            try await database.execute(
                "UPDATE tasq.worker SET seen_at = now() - interval '1 day'")
            try await expect(id, .workerSilent, "silent since")
            try await database.execute("UPDATE tasq.worker SET seen_at = now()")

            _ = try await store.settle(first, .retry(after: .seconds(60), reason: "no\nluck"))
            try await expect(
                id, .waitingForRetry, "Attempt 1 of 3 failed: luck; the next is due at")
            let facts = try await explanation(of: id, in: store).facts
            #expect(facts.first { $0.name == "last_reason" }?.value == "no\nluck")
            let second = try #require(
                try await store.claim([waiting], for: worker, from: defaultQueues).first)
            _ = try await store.settle(
                second,
                .retry(after: .seconds(60), reason: "no handler for kind `noop` in this worker"))
            try await expect(waiting, .unknownKind, "no handler for its kind `noop`")
            for (verdict, reason) in [
                (Verdict.success, Explanation.Reason.success),
                (.error(reason: "bad"), .error), (.cancelled(reason: "no"), .cancelled),
            ] {
                let job = try await store.job()
                let claimed = try #require(
                    try await store.claim([job], for: worker, from: defaultQueues).first)
                _ = try await store.settle(claimed, verdict)
                try await expect(job, reason, verdict.reason ?? "ended well")
            }
            let nothing = try await store.circumstances(of: JobID())
            #expect(nothing == nil)
        }
    }

    @Test func `What a target said before the last line of a reason is not taken for ours`()
        async throws
    {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            let claimed = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            let reason = "no handler for kind `x`\nhttp://t:80 answered 404"
            _ = try await store.settle(claimed, .retry(after: .seconds(60), reason: reason))
            let explanation = try await explanation(of: id, in: store)
            #expect(explanation.reason == .waitingForRetry)
            #expect(
                explanation.sentence.contains("failed: http://t:80 answered 404; the next"),
                "\(explanation.sentence)")
        }
    }

    @Test func `A webhook that nobody would know again is warned of`() async throws {
        try await withStore { store, _ in
            for (id, warns) in [("d-1", false), (nil, true)] as [(String?, Bool)] {
                let job = try NewJob(kind: Name("hook"), payload: Payload([]))
                let event = NewEvent(
                    source: try Name("github"), providerID: id, payload: Payload([]), jobs: [job])
                #expect(try await store.accept([event]) == [.stored])
                let facts = try await explanation(of: job.id, in: store).facts
                func fact(_ name: String) -> String? {
                    facts.first { $0.name == name }?.value
                }
                #expect(fact("source") == "github" && fact("event_id") == id)
                #expect(fact("warning")?.hasPrefix("no event id was found") == (warns ? true : nil))
            }
            let plain = try await explanation(of: store.job(), in: store)
            #expect(!plain.facts.contains { ["source", "event_id", "warning"].contains($0.name) })
        }
    }

    @Test func `What a worker has claimed ahead takes no slot of another`() async throws {
        try await withStore { store, _ in
            let ahead = try await store.registeredWorker(concurrency: 2)
            _ = try await store.registeredWorker(concurrency: 3)
            var ids: [JobID] = []
            for _ in 0..<20 { ids.append(try await store.job()) }
            let claimed = try await store.claim(ids, for: ahead, from: defaultQueues)
            try #require(claimed.count == 20)
            let found = try #require(try await store.circumstances(of: try await store.job()))
            #expect(found.servingSlots == 5 && found.servingExecuting == 2)
        }
    }

    @Test func `The rows of one remote worker are one worker with its slots`() async throws {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.worker
                    (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us)
                SELECT id::uuid, 'h', 0, '{default}', 2, 'claims/1', 1000000, 3600000000
                FROM unnest('{019ab3c4-5d6e-7f80-9123-456789abcdef,
                    019ab3c4-5d6e-8f80-9123-0123456789ab,
                    019ab3c4-5d6e-8f80-9123-ba9876543210}'::text[]) AS id
                """)
            let worker = try await store.registeredWorker(concurrency: 3)
            let id = try await store.job()
            let found = try #require(try await store.circumstances(of: id))
            #expect(found.liveWorkers == 2 && found.servingWorkers == 2)
            #expect(found.servingSlots == 5 && found.servingExecuting == 0)
            try await database.execute("DELETE FROM tasq.worker WHERE id = '\(worker)'")
            // It did not say how much it runs: then it has slots for what it runs.
            try await database.execute(
                """
                INSERT INTO tasq.executing_job
                SELECT gen_random_uuid(), gen_random_uuid(), id, 1, now()
                FROM tasq.worker
                """)
            let busy = try #require(try await store.circumstances(of: id))
            #expect(busy.servingWorkers == 1 && busy.servingSlots == 3)
            #expect(busy.servingExecuting == 3)
            // Ids that somebody wrote by hand begin alike, and are of as many workers.
            try await database.execute(
                """
                DELETE FROM tasq.worker;
                INSERT INTO tasq.worker
                    (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us)
                SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'h', 0, '{default}', 2,
                    'claims/1', 1000000, 3600000000
                FROM generate_series(1, 3) AS n
                """)
            let alike = try #require(try await store.circumstances(of: id))
            #expect(alike.liveWorkers == 3 && alike.servingWorkers == 3)
            #expect(alike.servingSlots == 6)
        }
    }
}
