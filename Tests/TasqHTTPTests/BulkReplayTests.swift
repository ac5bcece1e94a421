import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Stored events that are run again by a filter, in the background.
@Suite(.medium)
struct BulkReplayTests {
    /// Those of replays: no ordinary id begins so.
    private static let made = "id >= '80000000-0000-0000-0000-000000000000'"

    private func deliver(
        _ count: Int, to source: String = "github", on stack: Stack
    ) async throws -> [String] {
        var ids: [String] = []
        for number in 0..<count {
            let answer = try await stack.deliver(
                Array("{}".utf8), to: source, delivery: "\(source)-\(number)")
            ids.append(try #require(member("id", of: answer.text), "\(answer.text)"))
        }
        return ids
    }

    private func start(_ body: String, on stack: Stack) async throws -> String {
        let started = try await stack.ask("POST", "/v1/bulk", body)
        #expect(started.status == 202, "\(started.text)")
        return try #require(member("id", of: started.text))
    }

    private func finished(_ id: String, on stack: Stack) async throws -> String {
        var text = ""
        try await eventually("the replay ends") {
            text = try await stack.ask("GET", "/v1/bulk/\(id)").text
            return member("state", of: text) != "running"
        }
        return text
    }

    @Test func `All events that match are run again in the background, the oldest first`()
        async throws
    {
        try await Stack.with { stack, database in
            let events = try await deliver(4, on: stack)
            _ = try await deliver(1, to: "paddle", on: stack)
            try await database.execute(
                "UPDATE tasq.job SET status = 'error', finished_at = now() "
                    + "WHERE payload_id = '\(events[2])'")
            for (filter, matched) in [
                (#""source":"github""#, 4), (#""source":"github","status":"error""#, 1),
                (#""status":"success""#, 0), (#""all":true"#, 5), (#""until":"2024-02-29""#, 0),
                (#""since":"1h","source":"paddle""#, 1),
            ] {
                let id = try await start(
                    #"{"action":"replay","filter":{\#(filter)},"dry_run":true}"#, on: stack)
                let text = try await finished(id, on: stack)
                #expect(text.contains(#""matched":\#(matched),"changed":0"#), "\(text)")
            }
            let none = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE \(Self.made)")
            #expect(none == "0", "nothing is made by counting")

            let id = try await start(
                #"{"action":"replay","filter":{"source":"github"},"rate":10000}"#, on: stack)
            let text = try await finished(id, on: stack)
            #expect(member("state", of: text) == "done")
            #expect(text.contains(#""action":"replay","filter":{"source":"github""#), "\(text)")
            #expect(text.contains(#""rate":10000"#))
            #expect(text.contains(#""matched":4,"changed":4,"passed_over":0"#), "\(text)")
            let replayed = try await database.execute(
                "SELECT payload_id FROM tasq.job WHERE \(Self.made) ORDER BY enqueued_at")
            #expect(replayed == events.joined(separator: "\n"))
            let like = try await database.execute(
                """
                SELECT DISTINCT kind, queue, max_attempts, status FROM tasq.job
                WHERE \(Self.made)
                """)
            #expect(like == "push|hooks|7|queued")
            // They are listed with the others, and the next replay copies what was first.
            let listed = try await stack.ask("GET", "/v1/jobs?limit=4").text
            #expect(listed.components(of: #""id":"8"#) == 4, "\(listed)")
            let page = try await Browser(stack).get("/bulk/\(id)").text
            #expect(page.contains("Replay all events that match"), "\(page)")
            let again = try await start(
                #"{"action":"replay","filter":{"status":"error"}}"#, on: stack)
            #expect(
                try await finished(again, on: stack).contains(#""matched":1,"changed":1"#))
        }
    }

    @Test func `A page that is walked again, or by several at once, makes no job twice`()
        async throws
    {
        try await Stack.with { stack, database in
            let events = try await deliver(30, on: stack)
            // One in three has a unique key, which is free again.
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'success', finished_at = now();
                UPDATE tasq.job SET unique_key = 'k' || right(id::text, 12)
                WHERE id IN (SELECT id FROM (
                    SELECT id, row_number() OVER (ORDER BY id) AS n FROM tasq.job) AS j
                    WHERE n % 3 = 0)
                """)
            let id = BulkID()
            let request = try ReplayRequest(EventFilter(source: Name("github")), rate: 10_000)
            let queue = Queue(store: stack.store)
            let until = Timestamp(microseconds: Timestamp.now.microseconds + 3_600_000_000)
            @Sendable func walk() async throws -> BulkCounts {
                var walk = ReplayWalk(
                    request, by: id, dryRun: false, cursor: nil, until: until,
                    counts: BulkCounts(), limit: 1000)
                while try await walk.step(queue, stack.store) {}
                return walk.counts
            }
            async let first = walk()
            async let second = walk()
            let counts = try await [first, second, walk()]
            for count in counts { #expect(count.matched == 30 && count.changed == 30) }
            let jobs = try await database.execute(
                "SELECT count(*), count(DISTINCT payload_id) FROM tasq.job WHERE \(Self.made)")
            #expect(jobs == "30|30")
            // Another action makes others, but none beside an unfinished one of its unique key.
            var other = ReplayWalk(
                request, by: BulkID(), dryRun: false, cursor: PayloadID(events[14]), until: until,
                counts: BulkCounts(), limit: 1000)
            while try await other.step(queue, stack.store) {}
            #expect(other.counts.matched == 15 && other.counts.changed == 10)
            #expect(other.counts.passedOver == 5)
        }
    }

    @Test func `A step that takes too long ends with the event it is at, and none is left out`()
        async throws
    {
        try await Stack.with { stack, database in
            _ = try await deliver(3, on: stack)
            let request = try ReplayRequest(EventFilter(source: Name("github")), rate: 10_000)
            var walk = ReplayWalk(
                request, by: BulkID(), dryRun: false, cursor: nil,
                until: Timestamp(microseconds: Timestamp.now.microseconds + 3_600_000_000),
                counts: BulkCounts(), limit: 1000, stepTime: .zero)
            var changed: [Int] = []
            while try await walk.step(Queue(store: stack.store), stack.store) {
                changed.append(walk.counts.changed)
            }
            #expect(changed == [1, 2, 3])
            let counts = BulkCounts(examined: 3, matched: 3, changed: 3, passedOver: 0)
            #expect(walk.counts == counts)
            let made = try await database.execute(
                "SELECT count(DISTINCT payload_id) FROM tasq.job WHERE \(Self.made)")
            #expect(made == "3")
        }
    }

    @Test func `A replay that takes long holds up nothing beside it, and is called off`()
        async throws
    {
        try await Stack.with { stack, database in
            _ = try await deliver(40, on: stack)
            let slow = try await start(
                #"{"action":"replay","filter":{"source":"github"},"rate":1}"#, on: stack)
            try await eventually("it is under way") {
                try await database.execute(
                    "SELECT count(*) > 0 FROM tasq.job WHERE \(Self.made)") == "t"
            }
            let beside = try await start(
                #"{"action":"cancel","filter":{"kind":"push","status":"executing"}}"#, on: stack)
            #expect(try await finished(beside, on: stack).contains(#""state":"done""#))
            let running = try await stack.ask("GET", "/v1/bulk/\(slow)")
            #expect(member("state", of: running.text) == "running", "\(running.text)")
            #expect(try await stack.ask("DELETE", "/v1/bulk/\(slow)").status == 204)
            // One at a time: when the next one is done, this one has been left.
            let next = try await start(
                #"{"action":"replay","filter":{"source":"paddle"}}"#, on: stack)
            #expect(try await finished(next, on: stack).contains(#""state":"done""#))
            let made = try await database.execute(
                "SELECT count(*) < 40 FROM tasq.job WHERE \(Self.made)")
            #expect(made == "t")
            let shown = try await stack.ask("GET", "/v1/bulk/\(slow)")
            #expect(member("state", of: shown.text) == "cancelled", "\(shown.text)")
        }
    }

    /// Five events of a source, with a job each, in a database that no server works on.
    private func withEvents(
        _ body: (PostgresStore, TestDatabase, ReplayRequest) async throws -> Void
    ) async throws {
        try await TestDatabase.with(migrate: Stack.migrate) { database in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: quiet)
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, source, content_type, body)
                SELECT tasq.uuid_v7(), 's', 'application/json', '{}' FROM generate_series(1, 5);
                INSERT INTO tasq.job (id, payload_id, queue, kind, status, priority, max_attempts,
                    run_at, finished_at)
                SELECT tasq.uuid_v7(), p.id, 'q', 'a', 'success', 1, 3, now(), now()
                FROM tasq.payload AS p
                """)
            let source = EventFilter(source: try Name("s"))
            try await body(store, database, ReplayRequest(source, rate: 10_000))
            await store.close()
        }
    }

    /// A server works until the replay is over.
    private func work(
        on id: BulkID, in store: PostgresStore, limit: Int = 1000
    ) async throws -> BulkRecord {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let runner = BulkRunner(
                queue: Queue(store: store), catalog: store, logger: quiet, hold: .seconds(1),
                lookEvery: .milliseconds(200), replayLimit: limit)
            group.addTask { await runner.run() }
            try await eventually("it ends") { try await store.bulk(id)?.state != .running }
            group.cancelAll()
        }
        return try #require(try await store.bulk(id))
    }

    @Test func `A replay ends with its limit, and says where to go on`() async throws {
        try await withEvents { store, _, request in
            for (limit, state) in [(3, BulkRecord.State.failed), (5, BulkRecord.State.done)] {
                let id = BulkID()
                _ = try await store.startBulk(id, .replay(request), dryRun: false)
                let record = try await work(on: id, in: store, limit: limit)
                #expect(record.state == state && record.counts.changed == limit, "\(record)")
                let says = record.reason?.contains("a filter since 20") ?? false
                #expect(says == (state == .failed), "\(record)")
            }
        }
    }

    @Test func `A replay whose server died goes on where it stood, and makes no job twice`()
        async throws
    {
        try await withEvents { store, database, request in
            let (id, dead) = (BulkID(), WorkerID())
            _ = try await store.startBulk(id, .replay(request), dryRun: false)
            var held = try #require(
                try await store.holdBulk(
                    as: dead, for: .seconds(3600), takingOver: [:], replays: true))
            var walk = ReplayWalk(
                request, by: id, dryRun: false, cursor: nil, until: held.createdAt,
                counts: BulkCounts(), limit: 1000, stepTime: .zero)
            // It wrote down two events, came to a third, and was gone.
            for step in 1...3 {
                _ = try await walk.step(Queue(store: store), store)
                if step == 3 { break }
                held.cursor = walk.cursor.map { BulkCursor(octetsOf: $0) }
                held.counts = walk.counts
                #expect(try await store.advanceBulk(held, by: dead, for: .seconds(3600)))
            }
            let record = try await work(on: id, in: store)
            #expect(record.state == .done)
            let all = BulkCounts(examined: 5, matched: 5, changed: 5, passedOver: 0)
            #expect(record.counts == all, "\(record)")
            let made = try await database.execute(
                "SELECT count(*), count(DISTINCT payload_id) FROM tasq.job WHERE \(Self.made)")
            #expect(made == "5|5")
        }
    }

    @Test func `A request that is sent again by its id is entered once`() async throws {
        try await Stack.with { stack, database in
            _ = try await deliver(2, on: stack)
            let id = BulkID().description
            let body = #"{"action":"replay","filter":{"source":"github"},"id":"\#(id)"}"#
            #expect(try await start(body, on: stack) == id)
            _ = try await finished(id, on: stack)
            let again = try await stack.ask("POST", "/v1/bulk", body)
            #expect(again.status == 202 && member("state", of: again.text) == "done")
            // Whoever has counted by it has not replayed, nor does it stand for another filter.
            for other in [
                #"{"action":"replay","filter":{"source":"github"},"dry_run":true,"id":"\#(id)"}"#,
                #"{"action":"replay","filter":{"source":"paddle"},"id":"\#(id)"}"#,
                #"{"action":"replay","filter":{"source":"github"},"rate":7,"id":"\#(id)"}"#,
                #"{"action":"cancel","filter":{"queue":"q"},"id":"\#(id)"}"#,
            ] {
                let refused = try await stack.ask("POST", "/v1/bulk", other)
                #expect(refused.status == 422, "\(other): \(refused.text)")
                #expect(member("code", of: refused.text) == "bulk-id-reused")
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "1")
            let made = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE \(Self.made)")
            #expect(made == "2")
            // A time that is told as how long ago is another one when it is told again.
            let since = #""filter":{"source":"github","since":"1d"},"dry_run":true"#
            let ago = #"{"action":"replay",\#(since),"id":"\#(BulkID())"}"#
            for _ in 0..<2 {
                let answer = try await stack.ask("POST", "/v1/bulk", ago)
                #expect(answer.status == 202, "\(answer.text)")
            }
        }
    }

    @Test(arguments: [
        (#"{"action":"replay"}"#, "filter must not be empty"),
        (#"{"action":"replay","filter":{}}"#, "filter must not be empty"),
        (#"{"action":"replay","filter":{"queue":"q"}}"#, "filter must have no fields but source"),
        (#"{"action":"replay","filter":{"source":"a b"}}"#, "source must be"),
        (#"{"action":"replay","filter":{"status":"done"}}"#, "status must be one of scheduled"),
        (#"{"action":"replay","filter":{"since":"soon"}}"#, "since must be a time"),
        (#"{"action":"replay","filter":{"all":true,"source":"s"}}"#, "all must not be given"),
        (#"{"action":"replay","filter":{"source":"s"},"rate":0}"#, "rate must be a whole number"),
        (#"{"action":"replay","filter":{"source":"s"},"rate":10001}"#, "from 1 to 10000"),
        (#"{"action":"replay","filter":{"source":"s"},"rate":"fast"}"#, "rate must be a whole"),
        (#"{"action":"replay","filter":{"source":"s"},"id":"x"}"#, "id must be a UUID"),
        (#"{"action":"cancel","filter":{"queue":"q"},"rate":5}"#, "rate goes with the action"),
        (#"{"action":"cancel","filter":{"source":"s"}}"#, "filter must have no fields but"),
    ])
    func `What is wrong with a replay is named, and nothing is started`(
        body: String, rule: String
    ) async throws {
        try await Stack.with { stack, database in
            let answer = try await stack.ask("POST", "/v1/bulk", body)
            #expect(answer.status == 400 && answer.text.contains(rule), "\(answer.text)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "0")
        }
    }

    @Test func `Times that leave out no event are no filter, and readers replay nothing`()
        async throws
    {
        let tokens = [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
        ]
        try await Stack.with(tokens: tokens) { stack, database in
            _ = try await deliver(2, on: stack)
            let body = #"{"action":"replay","filter":{"since":"36500d"}"#
            func ask(_ body: String, as token: String) async throws -> RawAnswer {
                try await stack.ask(
                    "POST", "/v1/bulk", body, headers: ["Authorization: Bearer \(token)"])
            }
            let refused = try await ask(body + "}", as: "operator")
            #expect(refused.status == 409, "\(refused.text)")
            #expect(member("code", of: refused.text) == "takes-all")
            #expect(try await ask(body + #","dry_run":true}"#, as: "reader").status == 403)
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "0")
            #expect(try await ask(body + #","dry_run":true}"#, as: "operator").status == 202)
        }
    }
}
