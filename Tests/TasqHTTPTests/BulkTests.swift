import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.medium)
struct BulkTests {
    private func fill(_ stack: Stack, _ count: Int, queue: String = "q") async throws {
        let jobs = (0..<count).map { _ in #"{"kind":"noop","queue":"\#(queue)"}"# }
        let answer = try await stack.ask("POST", "/v1/jobs", "[\(jobs.joined(separator: ","))]")
        #expect(answer.status == 201)
    }

    private func finished(_ id: String, in stack: Stack) async throws -> String {
        var text = ""
        try await eventually("the bulk action ends") {
            text = try await stack.ask("GET", "/v1/bulk/\(id)").text
            return member("state", of: text) != "running"
        }
        return text
    }

    @Test func `A bulk action runs in the background and tells what it did`() async throws {
        try await Stack.with { stack, database in
            try await fill(stack, 800)
            try await fill(stack, 5, queue: "other")
            for (isDry, changed) in [(true, 0), (false, 800)] {
                let started = try await stack.ask(
                    "POST", "/v1/bulk",
                    #"{"action":"cancel","filter":{"queue":"q"},"dry_run":\#(isDry)}"#)
                #expect(started.status == 202)
                let id = try #require(member("id", of: started.text))
                #expect(started["location"] == "/v1/bulk/\(id)")
                let text = try await finished(id, in: stack)
                #expect(member("state", of: text) == "done")
                #expect(text.contains(#""matched":800,"changed":\#(changed),"passed_over":0"#))
                let cancelled = try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'cancelled'")
                #expect(cancelled == "\(changed)")
                let late = try await stack.ask("DELETE", "/v1/bulk/\(id)")
                #expect(late.status == 409 && late.text.contains("it is done"))
            }
        }
    }

    @Test func `What is tried again, and what failed with a text, is acted on as a whole`()
        async throws
    {
        try await Stack.with { stack, database in
            let again = try await stack.enqueue(#"{"kind":"a"}"#)
            try await stack.end("fail", #"{"delay":"1h","error":"Connection refused"}"#)
            let failed = try await stack.enqueue(#"{"kind":"a"}"#)
            try await stack.end("fail", #"{"retry":false,"error":"connection refused"}"#)
            _ = try await stack.enqueue(#"{"kind":"a"}"#)
            try await stack.end("fail", #"{"retry":false,"error":"timeout"}"#)
            _ = try await stack.enqueue(#"{"kind":"a","delay":"1h"}"#)
            for (filter, queued) in [
                (#"{"reason":"CONNECTION"}"#, [failed]),
                (#"{"kind":"a","retrying":true}"#, [again, failed]),
            ] {
                let started = try await stack.ask(
                    "POST", "/v1/bulk", #"{"action":"retry","filter":\#(filter)}"#)
                let id = try #require(member("id", of: started.text), "\(started.text)")
                let text = try await finished(id, in: stack)
                #expect(text.contains(#""matched":1,"changed":1,"passed_over":0"#), "\(text)")
                #expect(member("state", of: text) == "done")
                let rows = try await database.execute(
                    "SELECT id FROM tasq.job WHERE status = 'queued' ORDER BY id")
                #expect(rows == queued.joined(separator: "\n"))
            }
        }
    }

    @Test func `One whose server died is taken up where it stood, and one called off is not`()
        async throws
    {
        try await TestDatabase.with(migrate: Stack.migrate) { database in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: quiet)
            var ids: [JobID] = []
            for _ in 0..<4 {
                let job = try NewJob(kind: Name("noop"), payload: Payload([]))
                ids.append(try await store.enqueue([job])[0].id)
            }
            let task = BulkTask.jobs(try BulkRequest(.cancel, JobFilter(), everything: true))
            let (left, stopped) = (BulkID(), BulkID())
            _ = try await store.startBulk(left, task, dryRun: false)
            // A server that took it up, wrote half of it down, and is gone.
            var held = try #require(
                try await store.holdBulk(
                    as: WorkerID(), for: .seconds(3600), takingOver: [:], replays: false))
            #expect(held.id == left && held.isHeld)
            let hold = try #require(try await store.bulkHolds()[left])
            for standing in [[:], [left: hold + "0"]] {
                let nothing = try await store.holdBulk(
                    as: WorkerID(), for: .seconds(1), takingOver: standing, replays: false)
                #expect(nothing == nil)
            }
            held.cursor = BulkCursor(octetsOf: ids[1])
            let stranger = try await store.advanceBulk(held, by: WorkerID(), for: .seconds(1))
            #expect(!stranger)
            try await database.execute(
                """
                UPDATE tasq.bulk SET cursor = '\(ids[1])', examined = 2, matched = 2, changed = 2,
                    held_until = now() + interval '1 hour'
                """)
            _ = try await store.startBulk(stopped, task, dryRun: false)
            try await store.stopBulk(stopped)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let runner = BulkRunner(
                    queue: Queue(store: store), catalog: store, logger: quiet, hold: .seconds(1),
                    lookEvery: .milliseconds(200))
                group.addTask { await runner.run() }
                try await eventually("the bulk action ends") {
                    try await store.bulk(left)?.state == .done
                }
                group.cancelAll()
            }
            let counts = BulkCounts(examined: 4, matched: 4, changed: 4, passedOver: 0)
            #expect(try await store.bulk(left)?.counts == counts)
            let record = try await store.bulk(stopped)
            #expect(record?.state == .cancelled && record?.counts.changed == 0)
            let statuses = try await database.execute(
                "SELECT string_agg(status::text, ' ' ORDER BY id) FROM tasq.job")
            #expect(statuses == "queued queued cancelled cancelled")
            await store.close()
        }
    }

    @Test func `One that is called off over HTTP stops`() async throws {
        try await Stack.with { stack, database in
            // More than one page; the first row that changes is held up.
            let count = BulkWalk.pageLimit + 100
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'q', 'noop', 'queued', 1, 3, now()
                FROM generate_series(1, \(count));
                CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
                CREATE TRIGGER gate BEFORE UPDATE ON tasq.job
                    FOR EACH ROW EXECUTE FUNCTION gate()
                """)
            let gate = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            let started = try await stack.ask(
                "POST", "/v1/bulk", #"{"action":"cancel","filter":{"queue":"q"}}"#)
            let id = try #require(member("id", of: started.text), "\(started.text)")
            try await eventually("it is under way") {
                try await database.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' "
                        + "AND datname = current_database()") == "1"
            }
            let running = try await stack.ask("GET", "/v1/bulk/\(id)")
            #expect(member("state", of: running.text) == "running")
            let off = try await stack.ask("DELETE", "/v1/bulk/\(id)")
            #expect(off.status == 204 && off.body.isEmpty, "\(off.text)")
            let shown = try await stack.ask("GET", "/v1/bulk/\(id)")
            #expect(member("state", of: shown.text) == "cancelled", "\(shown.text)")
            await gate.close()
            // One at a time: when the next one is done, this one has been left.
            let next = try await stack.ask(
                "POST", "/v1/bulk", #"{"action":"cancel","filter":{"queue":"none"}}"#)
            let text = try await finished(try #require(member("id", of: next.text)), in: stack)
            #expect(member("state", of: text) == "done")
            let left = try await database.execute(
                "SELECT count(*) >= 100 FROM tasq.job WHERE status = 'queued'")
            #expect(left == "t", "the second page was walked")
        }
    }

    @Test func `More bulk actions at once than are allowed are told to come back`() async throws {
        try await Stack.with { stack, database in
            // As many as may run, each held by some other server.
            try await database.execute(
                """
                INSERT INTO tasq.bulk (id, action, dry_run, holder, held_until)
                SELECT gen_random_uuid(), 'cancel', false, gen_random_uuid(),
                    now() + interval '1 hour'
                FROM generate_series(1, 100)
                """)
            let body = #"{"action":"cancel","filter":{"queue":"q"}}"#
            let refused = try await stack.ask("POST", "/v1/bulk", body)
            #expect(refused.status == 429 && refused["retry-after"] == "10", "\(refused.head)")
            #expect(member("code", of: refused.text) == "too-many-bulk-actions")
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "100")
            try await database.execute(
                """
                UPDATE tasq.bulk SET state = 'done', finished_at = now()
                WHERE id = (SELECT id FROM tasq.bulk LIMIT 1)
                """)
            let taken = try await stack.ask("POST", "/v1/bulk", body)
            #expect(taken.status == 202, "\(taken.text)")
        }
    }

    @Test(arguments: [
        ("", "body must be JSON"), ("[]", "body must be a JSON object"),
        ("{}", "action must be one of retry, cancel, delete"),
        (#"{"action":"explode"}"#, "action must be one of"),
        (#"{"action":"cancel"}"#, "filter must not be empty"),
        (#"{"action":"cancel","filter":{}}"#, "filter must not be empty"),
        (#"{"action":"cancel","filter":{"qeueu":"q"}}"#, "filter must have no fields but"),
        (#"{"action":"cancel","filter":{"all":true,"queue":"q"}}"#, "all must not be given"),
        (#"{"action":"cancel","filter":{"all":1}}"#, "all must be true or false"),
        (#"{"action":"retry","filter":{"status":"success"}}"#, "status must be one of"),
        (#"{"action":"cancel","filter":{"queue":"a b"}}"#, "queue must be"),
        (#"{"action":"cancel","filter":{"since":"soon"}}"#, "since must be a time"),
        (#"{"action":"cancel","filter":{"key":""}}"#, "key must be 1 to 200 bytes"),
        (
            #"{"action":"cancel","filter":{"key":"\#(String(repeating: "k", count: 201))"}}"#,
            "key must be 1 to 200 bytes"
        ),
        (#"{"action":"cancel","filter":{"retrying":1}}"#, "retrying must be true or false"),
        (#"{"action":"cancel","filter":{"retrying":false}}"#, "filter must not be empty"),
        (
            #"{"action":"cancel","filter":{"retrying":true,"status":"queued"}}"#,
            "retrying goes with the status scheduled"
        ),
        (#"{"action":"cancel","filter":{"retrying":true,"all":true}}"#, "all must not be given"),
        (#"{"action":"cancel","filter":{"reason":""}}"#, "reason must be 1 to 2000 bytes"),
        (#"{"action":"cancel","filter":{"key":"a\u0000"}}"#, "body must be JSON"),
        (#"{"action":"cancel","filter":{"running_longer_than":"1h"}}"#, "filter must have no"),
        (#"{"action":"cancel","filter":{"queue":"q"},"extra":1}"#, "body must have no fields but"),
    ])
    func `What is wrong with a bulk action is named, and nothing is started`(
        body: String, rule: String
    ) async throws {
        try await Stack.with { stack, database in
            let answer = try await stack.ask("POST", "/v1/bulk", body)
            #expect(answer.status == 400)
            #expect(answer.text.contains(rule), "\(answer.text)")
            let rows = try await database.execute("SELECT count(*) FROM tasq.bulk")
            #expect(rows == "0")
        }
    }

    @Test func `A paused queue is claimed by nobody, and its stats say so`() async throws {
        try await Stack.with { stack, database in
            try await fill(stack, 3)
            let paused = try await stack.ask("POST", "/v1/queues/q/pause")
            #expect(paused.status == 200)
            #expect(paused.text == #"{"name":"q","paused":true,"known":true}"#)
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: [try Name("q")], concurrency: 10,
                version: "test", heartbeat: .seconds(2), lease: .seconds(15))
            try await stack.store.register(worker)
            let none = try await stack.store.sweep(
                upTo: 10, for: worker.id, from: worker.queues)
            #expect(none.jobs.isEmpty)
            let stats = try await stack.ask("GET", "/v1/stats")
            #expect(stats.text.contains(#""queues":1,"paused_queues":1,"scheduled":0,"queued":3"#))
            #expect(stats.text.contains(#""workers":1,"slots":10"#))
            let resumed = try await stack.ask("POST", "/v1/queues/q/resume")
            #expect(resumed.status == 200)
            let some = try await stack.store.sweep(
                upTo: 10, for: worker.id, from: worker.queues)
            #expect(some.jobs.count == 3)
            for name in ["a%20b", "q;drop", String(repeating: "q", count: 101)] {
                let bad = try await stack.ask("POST", "/v1/queues/\(name)/pause")
                #expect(bad.status == 400)
            }
        }
    }
}
