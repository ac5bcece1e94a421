import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct EnqueueTests {
    @Test func `A body comes back byte for byte, whatever the bytes`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let body = (0...255).map(UInt8.init) + [0, 0, 0xFF]
            let headers = [
                Payload.Header(name: "x-a", value: "1: two"),
                Payload.Header(name: "x-a", value: "line\nbreak"),
            ]
            let job = try NewJob(
                kind: Name("noop"),
                payload: Payload(body, contentType: "application/x-any", headers: headers))
            _ = try await store.enqueue([job])
            let claimed = try #require(
                try await store.claim([job.id], for: worker, from: defaultQueues).first)
            #expect(claimed.payload.body == body)
            #expect(claimed.payload.contentType == "application/x-any")
            #expect(claimed.payload.headers.map(\.value) == ["1: two", "line break"])
            #expect(try await store.payload(of: job.id) == claimed.payload)
        }
    }

    @Test func `A job enqueued alone leaves the row it leaves among others`() async throws {
        try await withStore { store, database in
            let time = Timestamp(microseconds: 4_000_000_000_000_000)
            for (number, start) in [Start.now, .after(.seconds(3600)), .at(time)].enumerated() {
                func job() throws -> NewJob {
                    try NewJob(
                        kind: Name("kind\(number)"), queue: Name("q\(number)"),
                        priority: Priority(number), start: start, maxAttempts: number + 1,
                        key: number == 0 ? nil : "key \(number)",
                        payload: Payload(
                            [0, 1, UInt8(number)], contentType: "application/x-\(number)",
                            headers: [Payload.Header(name: "x-a", value: "\(number)")]))
                }
                let alone = try job()
                #expect(try await store.enqueue([alone]) == [.stored(alone.id)])
                #expect(try await store.enqueue([alone]) == [.stored(alone.id)])
                _ = try await store.enqueue([try job(), try job()])
            }
            // run_at counted from now differs by the time between two statements.
            let forms = try await database.execute(
                """
                SELECT count(*), count(DISTINCT (
                    j.queue, j.kind, j.status, j.priority, j.max_attempts, j.key, j.attempt,
                    date_trunc('hour', j.run_at - now() + interval '30 minutes'),
                    p.content_type, p.headers, p.body))
                FROM tasq.job AS j JOIN tasq.payload AS p ON p.id = j.payload_id
                """)
            #expect(forms == "9|3")
        }
    }

    @Test func `Repeating an enqueue whose answer got lost changes nothing`() async throws {
        try await withStore { store, database in
            let jobs = try (0..<5).map { index in
                try NewJob(
                    kind: Name("noop"), uniqueKey: index == 0 ? "one" : nil,
                    payload: Payload(Array("{}".utf8)))
            }
            let first = try await store.enqueue(jobs)
            let second = try await store.enqueue(jobs)
            #expect(first == second)
            #expect(first == jobs.map { .stored($0.id) })
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "5")
        }
    }

    @Test func `While a job with a unique key is unfinished its id is the answer`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let first = try await store.job(uniqueKey: "customer 7")
            #expect(try await store.job(uniqueKey: "customer 7") == first)
            let claimed = try #require(
                try await store.claim([first], for: worker, from: defaultQueues).first)
            #expect(try await store.job(uniqueKey: "customer 7") == first)
            _ = try await store.settle(claimed, .success)
            #expect(try await store.job(uniqueKey: "customer 7") != first)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "2")
        }
    }

    @Test func `A key held by an open transaction holds up its own job and no other`() async throws
    {
        try await withStore { plain, database in
            var settings = try PostgresSettings(url: database.url)
            settings.lockTimeout = .milliseconds(200)
            let store = PostgresStore(settings, logger: .init(label: "test"))
            let locker = Session(settings: settings, logger: .init(label: "test"))
            _ = try await locker.script(
                "BEGIN; INSERT INTO tasq.unique_key VALUES ('held', gen_random_uuid())")
            let queue = Queue(store: store)
            let jobs = try ["first", "held", "last"].map { key in
                try NewJob(
                    kind: Name("noop"), uniqueKey: key, payload: Payload(Array("{}".utf8)))
            }
            let answers = await withTaskGroup(of: (Int, Result<Enqueued, StoreError>).self) {
                group in
                for (index, job) in jobs.enumerated() {
                    group.addTask {
                        do throws(StoreError) {
                            return (index, .success(try await queue.enqueue(job)))
                        } catch {
                            return (index, .failure(error))
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(answers[0] == .success(.stored(jobs[0].id)))
            #expect(answers[2] == .success(.stored(jobs[2].id)))
            guard case .failure(.contended) = answers[1] else {
                Issue.record("\(String(describing: answers[1]))")
                return
            }
            await locker.close()
            await store.close()
        }
    }

    /// Whoever waits here, with the key of another in hand, can be waited for by that one.
    @Test func `Freeing the keys of deleted jobs waits for nobody who does the same`() async throws
    {
        try await withStore { store, database in
            let keys = ["a", "b"]
            let ids = try await store.enqueue(
                keys.map { try NewJob(kind: Name("noop"), uniqueKey: $0, payload: Payload([])) }
            ).map(\.id)
            try await database.execute("DELETE FROM tasq.job")
            let locker = Session(
                settings: try PostgresSettings(url: database.url), logger: .init(label: "test"))
            _ = try await locker.script("BEGIN; DELETE FROM tasq.unique_key WHERE key = 'b'")
            var parameters = Parameters()
            parameters.append(keys)
            parameters.append(ids)
            _ = try await store.pool.run(store.statements.release, parameters)
            _ = try await locker.script("ROLLBACK")
            #expect(try await database.execute("SELECT key FROM tasq.unique_key") == "b")
            await locker.close()
        }
    }

    @Test func `A repeated enqueue of a finished job does not take its key again`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let job = try NewJob(
                kind: Name("noop"), uniqueKey: "k", payload: Payload(Array("{}".utf8)))
            _ = try await store.enqueue([job])
            let claimed = try #require(
                try await store.claim([job.id], for: worker, from: defaultQueues).first)
            _ = try await store.settle(claimed, .success)
            #expect(try await store.enqueue([job]) == [.stored(job.id)])
            #expect(try await database.execute("SELECT count(*) FROM tasq.unique_key") == "0")
        }
    }

    @Test func `Batches with the same unique keys in other orders never deadlock`() async throws {
        try await withStore { store, database in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<20 {
                            let jobs = try (0..<10).shuffled().map { key in
                                try NewJob(
                                    kind: Name("noop"), uniqueKey: "key \(key)",
                                    payload: Payload(Array("{}".utf8)))
                            }
                            _ = try await store.enqueue(jobs)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "10")
        }
    }

    @Test func `A job for later is scheduled and promoted when due`() async throws {
        try await withStore { store, _ in
            let later = try await store.job(start: .after(.seconds(3600)))
            let past = try await store.job(
                start: .at(Timestamp(microseconds: Timestamp.now.microseconds - 1_000_000)))
            #expect(try await store.job(later)?.status == .scheduled)
            #expect(try await store.job(past)?.status == .queued)
            let soon = try await store.job(start: .after(.milliseconds(1)))
            try await eventually("the job is promoted") {
                let promotion = try await store.promote(upTo: 10)
                return promotion.jobs.map(\.id) == [soon]
                    && promotion.nextDue.map { $0 > .seconds(3500) } == true
            }
        }
    }

    @Test func `SQL enqueues inside anybody's transaction and rolls back with it`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            try await database.execute("BEGIN; SELECT tasq.enqueue('noop'); ROLLBACK")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
            let text = try await database.execute(
                "SELECT tasq.enqueue('report', '{\"a\": 1}', queue => 'default', priority => 0)")
            let id = try #require(JobID(text))
            #expect(Array(text)[14] == "7")
            let isLater = try await database.execute("SELECT tasq.uuid_v7() > '\(id)'")
            #expect(isLater == "t")
            let claimed = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            #expect(claimed.kind.description == "report")
            #expect(claimed.priority.level == 0)
            #expect(String(decoding: claimed.payload.body, as: UTF8.self) == #"{"a": 1}"#)
        }
    }

    @Test(arguments: [
        "tasq.enqueue('no op')", "tasq.enqueue(NULL)", "tasq.enqueue('')",
        "tasq.enqueue('a', queue => 'q;drop table tasq.job--')",
        "tasq.enqueue('a', priority => 4)", "tasq.enqueue('a', max_attempts => 0)",
        "tasq.enqueue('a', run_at => 'infinity')", "tasq.enqueue('a', run_at => '1970-01-01')",
        "tasq.enqueue('a', key => repeat('x', 201))", "tasq.enqueue('a', unique_key => '')",
        "tasq.enqueue('a', payload => to_jsonb(repeat('x', 1048577)))",
    ])
    func `SQL refuses what a job may not be`(call: String) async throws {
        try await withStore { _, database in
            await #expect(throws: TestingError.self) { () async throws in
                _ = try await database.execute("SELECT \(call)")
            }
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "0")
        }
    }
}
