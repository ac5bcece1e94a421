import Logging
import ServiceLifecycle
import Synchronization
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// A worker and a queue in this process over real servers: what they count is what happened.
@Suite(.system) struct MetricsTests {
    @Test func `Each number moves by just what was done`() async throws {
        try await Station.with { station in
            try await station.enqueue("ok", 40)
            for kind in ["again", "again", "later", "off", "bad", "bad", "bad"] {
                try await station.enqueue(kind, 1)
            }
            // 48: one of unique key that stands already is no job.
            let twin = try NewJob(kind: Name("later"), uniqueKey: "u", payload: Payload([]))
            let other = try NewJob(kind: Name("later"), uniqueKey: "u", payload: Payload([]))
            _ = try await station.queue.enqueue(twin)
            #expect(try await station.queue.enqueue(other) == .exists(twin.id))
            // What a claim did not get is noted a moment after what it got. An id that is taken and
            // not claimed, because another's look had the slot or the row, is announced once more.
            let sent: KeyValuePairs = ["outcome": "sent"]
            let page = try await station.page {
                let announced = $0["tasq_announcements_total", sent] ?? 0
                let again = announced - 48 - $0.sum("tasq_reannounced_total")
                let found =
                    $0.sum("tasq_taken_total") - $0.sum("tasq_claim_misses_total")
                    + $0.sum("tasq_swept_total")
                return $0.sum("tasq_settled_total") == 48 && again >= 0
                    && $0.sum("tasq_outcome_duration_seconds_count") == 48
                    && (48...48 + again).contains(found)
            }

            #expect(page["tasq_enqueued_total"] == 48)
            #expect(page["tasq_enqueue_duration_seconds_count"] == 10)
            #expect(page["tasq_enqueue_failures_total"] == 0)
            #expect(page["tasq_claimed_total"] == 48)
            for (kind, outcome, count) in [
                ("ok", "success", 40), ("again", "retry", 2), ("later", "snooze", 2),
                ("off", "cancelled", 1), ("bad", "error", 3),
            ] {
                let labels: KeyValuePairs = [
                    "queue": "default", "kind": kind, "outcome": outcome,
                ]
                #expect(page["tasq_run_duration_seconds_count", labels] == Double(count), "\(kind)")
                #expect(
                    page["tasq_settled_total", ["outcome": outcome]] == Double(count), "\(kind)")
            }
            #expect(page.sum("tasq_run_duration_seconds_count") == 48)
            let ok: KeyValuePairs = ["queue": "default", "kind": "ok"]
            for name in ["pickup", "outcome"] {
                #expect(page.sum("tasq_\(name)_duration_seconds_count") == 48)
                #expect(page["tasq_\(name)_duration_seconds_count", ok] == 40)
            }
            #expect(page["tasq_settle_batch_size_sum"] == 48)
            #expect(
                page["tasq_settle_batch_size_count"] == page["tasq_settle_duration_seconds_count"])
            #expect(page["tasq_announcements_total", ["outcome": "failed"]] == 0)
            #expect(page["tasq_slots", ["state": "free"]] == 8)
            #expect(page["tasq_slots", ["state": "busy"]] == 0)
            #expect(page["tasq_postgres_connections_max"] == 10)
            #expect(page.sum("tasq_postgres_failures_total") == 0)
            // A worker begins with a look at the table.
            #expect(page["tasq_sweep_duration_seconds_count"] ?? 0 > 0)
            // One that is being made is counted as used before it is counted as made.
            _ = try await station.page {
                let made = $0.sum("tasq_postgres_connections")
                return (1...10).contains(made) && $0.sum("tasq_postgres_connects_total") >= made
            }
        }
    }

    @Test func `Duplicates, promotions and what Redis forgot are counted`() async throws {
        try await Station.with { station in
            let forgot: KeyValuePairs = ["reason": "forgot"]
            // At its start, for there was no mark.
            var page = try await station.page { $0["tasq_reconciles_total", forgot] == 1 }
            let ids = try await station.enqueue("ok", 5)
            page = try await station.page { $0.sum("tasq_settled_total") == 5 }
            let before = page.sum("tasq_duplicate_ids_total")
            await station.announcer.announce(
                ids.map { Announcement(id: $0, queue: .defaultQueue, priority: .default) })
            // Ids that a sweep was faster than come in late, and count too. One whose row it had
            // locked was missed, and is no duplicate.
            page = try await station.page {
                let count = $0.sum("tasq_duplicate_ids_total")
                return count >= before + 5 && count <= $0.sum("tasq_claim_misses_total")
            }
            #expect(page.sum("tasq_duplicate_ids_total") <= 10)
            #expect(page["tasq_claim_duration_seconds_count"] ?? 0 > 0)
            _ = try await station.redis.command("lpush", "tasq:{default}:ready:1", "rubbish")
            _ = try await station.page { $0["tasq_malformed_ids_total"] == 1 }

            try await station.enqueue("ok", 1, start: .after(.milliseconds(300)))
            page = try await station.page { $0.sum("tasq_settled_total") == 6 }
            #expect(page["tasq_promoted_total"] == 1)

            try await station.queue.pause(.defaultQueue)
            try await station.enqueue("ok", 7)
            _ = try await station.redis.command("flushall")
            let announced = page.sum("tasq_reannounced_total")
            // A round that is cut short begins anew, and tells of what it had announced as well.
            page = try await station.page {
                $0["tasq_reconciles_total", forgot] == 2
                    && $0.sum("tasq_reannounced_total") >= announced + 7
            }
            #expect(page["tasq_reconciles_total", ["reason": "outage"]] == 0)
            let reconnects = page.sum("tasq_redis_reconnects_total")
            _ = try await station.redis.command("client", "kill", "type", "normal")
            page = try await station.page { $0.sum("tasq_redis_reconnects_total") > reconnects }
            #expect(
                page.sum("tasq_redis_connects_total") > page.sum("tasq_redis_reconnects_total"))
            try await station.queue.resume(.defaultQueue)
            page = try await station.page { $0.sum("tasq_settled_total") == 13 }
            let failures = page.sum("tasq_take_failures_total")
            await station.redis.kill()
            _ = try await station.page { $0.sum("tasq_take_failures_total") > failures }
        }
    }

    @Test func `A handler that ignores its cancellation holds a slot that is counted`()
        async throws
    {
        try await Station.with { station in
            let revoked = try await station.enqueue("deaf", 1)
            try await station.runs(1)
            #expect(
                try await station.queue.apply(.cancel, to: revoked).map(\.result)
                    == [.done(from: .executing)])
            var page = try await station.page { $0["tasq_stuck_slots"] == 1 }
            #expect(page["tasq_revoked_total"] == 1)
            #expect(page["tasq_slots", ["state": "busy"]] == 1)
            // Its time is up, and it does not care either.
            try await station.enqueue("slow", 1)
            page = try await station.page { $0["tasq_stuck_slots"] == 2 }
            station.gate.raise()
            page = try await station.page {
                $0["tasq_stuck_slots"] == 0 && $0["tasq_slots", ["state": "busy"]] == 0
                    && $0.sum("tasq_settled_total") > 0
            }
            let labels: KeyValuePairs = [
                "queue": "default", "kind": "deaf", "outcome": "revoked",
            ]
            #expect(page["tasq_run_duration_seconds_count", labels] == 1)
            // It did what it had to do, if late.
            #expect(page["tasq_settled_total", ["outcome": "success"]] == 1)
            #expect(page.sum("tasq_settled_total") == 1)
        }
    }

    @Test func `Reaping, burying, lost claims and hand-backs are counted`() async throws {
        try await Station.with { station in
            // A worker that never beats, with a claim.
            let dead = WorkerRecord(
                host: "test", processID: 1, queues: [try Name("elsewhere")], concurrency: 1,
                version: "test", heartbeat: .milliseconds(100), lease: .milliseconds(500))
            try await station.store.register(dead)
            let orphan = try NewJob(
                kind: Name("ok"), queue: Name("elsewhere"), payload: Payload([]))
            _ = try await station.store.enqueue([orphan])
            #expect(
                try await station.store.claim([orphan.id], for: dead.id, from: dead.queues).count
                    == 1)
            var page = try await station.page { $0["tasq_reaped_total"] == 1 }
            #expect(page["tasq_buried_total"] == 1)

            // The worker itself is taken for dead while a handler runs.
            try await station.enqueue("deaf", 1)
            try await station.runs(1)
            _ = try await station.sql("DELETE FROM tasq.worker")
            page = try await station.page { $0["tasq_stuck_slots"] == 1 }
            station.gate.raise()
            // A heartbeat tells it that its row is gone, and one that was under way meanwhile that its
            // claim is.
            @Sendable func runs(_ outcome: String, in page: Exposition) -> Double? {
                page[
                    "tasq_run_duration_seconds_count",
                    ["queue": "default", "kind": "deaf", "outcome": outcome]]
            }
            page = try await station.page {
                (runs("lost", in: $0) ?? 0) + (runs("revoked", in: $0) ?? 0) == 1
            }
            #expect(page["tasq_lost_total"] == runs("lost", in: page) ?? 0)
            #expect(page["tasq_revoked_total"] == runs("revoked", in: page) ?? 0)
            page = try await station.page { $0["tasq_settled_total", ["outcome": "success"]] == 1 }
            #expect(page["tasq_reaped_total"] == 2)

            try await station.enqueue("nap", 2)
            try await station.runs(4)
            await station.end()
            page = try station.page()
            #expect(page["tasq_handed_back_total"] == 2)
            #expect(page["tasq_settled_total", ["outcome": "handed_back"]] == 2)
        }
    }

    @Test func `Failures of PostgreSQL are counted, and waiting callers`() async throws {
        try await Station.withServer { station, postgres in
            try await expectCallersToWait(station, postgres)
            try await station.enqueue("deaf", 1)
            try await station.runs(1)
            await postgres.stop(.immediate)
            station.gate.raise()
            await #expect(throws: StoreError.self) { try await station.enqueue("ok", 1) }
            let page = try await station.page {
                $0["tasq_postgres_connect_failures_total"] ?? 0 > 0
                    && $0["tasq_settle_failures_total"] ?? 0 > 0
            }
            #expect(page["tasq_enqueue_failures_total"] == 1)
            #expect(page["tasq_enqueued_total"] == 1)
            #expect(page.sum("tasq_postgres_failures_total") > 0)
            // The outcome waits for as long as it takes.
            try await postgres.restart()
            _ = try await station.page {
                $0.sum("tasq_settled_total") + $0.sum("tasq_lost_total") >= 1
            }
        }
    }

    /// More callers than the pool has connections, while the table is locked.
    private func expectCallersToWait(
        _ station: Station, _ postgres: PrivatePostgres
    ) async throws {
        let locker = Session(
            settings: try PostgresSettings(url: postgres.url(database: "postgres")).patient,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await locker.script("BEGIN; LOCK TABLE tasq.job IN ACCESS EXCLUSIVE MODE")
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Who waits for too long is told so, and is not what this is about.
            for _ in 0..<14 { group.addTask { _ = try? await station.store.job(JobID()) } }
            _ = try await station.page { $0["tasq_postgres_pending_requests"] ?? 0 > 0 }
            try await locker.script("COMMIT")
            try await group.waitForAll()
        }
        await locker.close()
        _ = try await station.page { $0["tasq_postgres_pending_requests"] == 0 }
    }

    @Test func `The tables' own numbers tell depth, age, pauses and drift`() async throws {
        try await Station.with { station in
            await station.end()
            try await station.enqueue("ok", 3)
            try await station.enqueue("ok", 2, start: .after(.seconds(3600)))
            await station.queue.flush()
            let facts = StoreMetrics(catalog: station.store, announcer: station.announcer)
            func page(
                until condition: @Sendable (Exposition) -> Bool
            ) async throws -> Exposition {
                try await Station.page(until: condition) { await facts.metrics() }
            }
            let lost: KeyValuePairs = ["queue": "default"]
            var found = try await page { $0["tasq_queue_announced_ids", lost] == 3 }
            #expect(found["tasq_queue_unannounced_jobs", lost] == 0)
            _ = try await station.redis.command("lpop", "tasq:{default}:ready:1", "2")
            found = try await page { $0["tasq_queue_announced_ids", lost] == 1 }
            #expect(found["tasq_queue_unannounced_jobs", lost] == 2)
            #expect(found["tasq_queue_paused", ["queue": "default"]] == 0)
            // Nobody announces what is paused.
            try await station.queue.pause(.defaultQueue)
            found = try await page { $0["tasq_queue_paused", ["queue": "default"]] == 1 }
            #expect(found["tasq_queue_unannounced_jobs", lost] == 0)
            #expect(found["tasq_queue_jobs", ["queue": "default", "status": "queued"]] == 3)
            #expect(found["tasq_queue_jobs", ["queue": "default", "status": "scheduled"]] == 2)
            #expect(found["tasq_queue_jobs", ["queue": "default", "status": "executing"]] == 0)
            #expect(found["tasq_workers"] == 0)
            #expect(found["tasq_worker_slots"] == 0)
            let oldest: KeyValuePairs = ["queue": "default", "status": "queued"]
            #expect(found["tasq_queue_oldest_seconds", oldest] ?? 0 > 0)
            #expect(
                found["tasq_queue_oldest_seconds", ["queue": "default", "status": "scheduled"]] == 0
            )
            // The worker that is there knows other kinds.
            #expect(found.sum("tasq_queue_unknown_kind_jobs") == 0)
            let record = WorkerRecord(
                host: "test", processID: 1, queues: [.defaultQueue], concurrency: 1,
                version: "test", heartbeat: .seconds(2), lease: .seconds(60), kinds: ["mail"])
            try await station.store.register(record)
            found = try await page { $0["tasq_workers"] == 1 }
            #expect(
                found["tasq_queue_unknown_kind_jobs", ["queue": "default", "kind": "ok"]] == 3)
            try await station.store.deregister(record.id)
            // Queues beyond the limit are told together.
            _ = try await station.sql(
                """
                SELECT tasq.enqueue('ok', queue => 'q' || n, run_at => now() + interval '1 hour')
                FROM generate_series(100, 199) AS n
                """)
            found = try await page { $0["tasq_queues"] == 101 }
            let other: KeyValuePairs = ["queue": "other", "status": "scheduled"]
            #expect(found["tasq_queue_jobs", other] == 37)
            #expect(found.sum("tasq_queue_jobs") == 105)
            #expect(found["tasq_table_bytes", ["table": "job"]] ?? 0 > 0)
            // A queue that was told of is told of, however empty it is.
            _ = try await station.sql("DELETE FROM tasq.job; DELETE FROM tasq.queue_setting")
            found = try await page { $0["tasq_queues"] == 0 }
            for status in ["scheduled", "queued", "executing"] {
                let labels: KeyValuePairs = ["queue": "default", "status": status]
                #expect(found["tasq_queue_jobs", labels] == 0)
                #expect(found["tasq_queue_oldest_seconds", labels] == 0)
            }
            #expect(found["tasq_queue_paused", ["queue": "default"]] == 0)
            #expect(found["tasq_queue_announced_ids", lost] == 1)
        }
    }
}
