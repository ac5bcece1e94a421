import Logging
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqRedis

/// Redis does only a part of what it should, while the table goes on.
@Suite(.medium) struct DoorbellTests {
    /// Servers of its own, and nobody at work.
    private struct Place {
        let database: TestDatabase
        let redis: PrivateRedis
        let store: PostgresStore
        let announcer: RedisAnnouncer
        let log: WarningLog

        var list: String { announcer.keys.list(.defaultQueue, .default) }

        static func with(
            arguments: [String] = [], user: String? = nil,
            _ body: (Place) async throws -> Void
        ) async throws {
            let redis = try await PrivateRedis.start(arguments: ["--save", ""] + arguments)
            if let user {
                try await redis.command(["ACL", "SETUSER", "tasq", "on", ">x", "~*"] + user.words)
            }
            let url = user == nil ? redis.url : "redis://tasq:x@127.0.0.1:\(redis.port)"
            try await TestDatabase.with(migrate: migrated) { database in
                let log = WarningLog()
                let store = PostgresStore(
                    try PostgresSettings(url: database.url).patient, logger: log.logger)
                let announcer = RedisAnnouncer(try RedisSettings(url: url), logger: log.logger)
                let result = await result {
                    try await body(
                        Place(
                            database: database, redis: redis, store: store, announcer: announcer,
                            log: log))
                }
                await announcer.close()
                await store.close()
                try result.get()
            }
            await redis.stop()
        }

        /// Runs a worker as long as `body` takes.
        func working(
            _ findWork: FindWork = .pushAndSweep, _ body: (Worker) async throws -> Void
        ) async throws {
            var handlers = HandlerTable()
            try handlers.add("run", Handler { _ in })
            let worker = Worker(
                store: store, announcer: announcer, handlers: handlers,
                settings: try WorkerSettings(
                    concurrency: 4, findWork: findWork, pollInterval: .milliseconds(50)),
                logger: log.logger)
            let running = Task { try await worker.run() }
            let result = await result { try await body(worker) }
            running.cancel()
            _ = await running.result
            try result.get()
        }

        /// Enqueues jobs, announced or not.
        @discardableResult
        func enqueue(
            _ count: Int = 1, _ priority: Priority = .default, announced: Bool
        ) async throws -> [JobID] {
            let jobs = try (0..<count).map { _ in
                try NewJob(
                    kind: Name("run"), priority: priority, payload: Payload(Array("{}".utf8)))
            }
            let queue = announced ? Queue(store: store, announcer: announcer) : Queue(store: store)
            return try await queue.enqueue(jobs).map(\.id)
        }

        func allEnd() async throws {
            try await eventually("all jobs have ended well") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status <> 'success'") == "0"
            }
        }

        func length() async throws -> String { try await redis.command("LLEN", list) }
    }

    @Test func `A Redis that counts but lets nobody take is not waited for`() async throws {
        try await Place.with(user: "+@all -blmpop -lmpop") { place in
            try await place.working { worker in
                try await eventually("a take is refused") { worker.bell.isOut }
                for _ in 0..<20 {
                    try await place.enqueue(announced: true)
                    try await place.allEnd()
                    #expect(worker.bell.isOut)
                }
                try await place.redis.command("ACL", "SETUSER", "tasq", "+blmpop", "+lmpop")
                try await eventually("takes go on") { !worker.bell.isOut }
                try await eventually("an announced job is taken") {
                    try await place.enqueue(announced: true)
                    return place.announcer.counts.taken > 0
                }
                try await place.allEnd()
            }
        }
    }

    @Test func `Something else at the key of one list leaves its jobs to sweeps, and no others`()
        async throws
    {
        try await Place.with { place in
            try await place.working { worker in
                try await eventually("the mark stands") {
                    try await place.redis.command("EXISTS", place.announcer.keys.epoch) == "1"
                }
                let urgent = place.announcer.keys.list(.defaultQueue, Priority.all[0])
                try await place.redis.command("SET", urgent, "x")
                let before = place.announcer.counts.taken
                try await eventually(
                    within: .seconds(20).onThisMachine, "a job of another list is taken"
                ) {
                    try await place.enqueue(1, Priority.all[0], announced: true)
                    try await place.enqueue(1, Priority.all[3], announced: true)
                    return place.announcer.counts.taken > before
                }
                try await place.enqueue(100, Priority.all[0], announced: true)
                try await place.allEnd()
                // A take that is late under load puts it out for a moment.
                try await eventually("takes go on") { !worker.bell.isOut }
                let told = place.log.lines.filter { $0.contains("takes leave it out") }
                #expect(told.count == 1, "\(place.log.lines)")
                #expect(told.allSatisfy { $0.contains("\(urgent) holds something") })
            }
        }
    }

    @Test func `A list of jobs that only others know is emptied, and what stands behind them runs`()
        async throws
    {
        try await Place.with { place in
            try await place.database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'unknown', 'queued', 1, 3, now()
                FROM generate_series(1, 24000)
                """)
            var cursor: QueuedCursor?
            repeat {
                let page = try await place.store.queued(after: cursor, limit: 8192)
                try await place.announcer.refill(page.jobs)
                cursor = page.next
            } while cursor != nil
            #expect(try await place.length() == "24000")
            let ids = try await place.enqueue(announced: true)
            // A mark ahead of the table's: nothing is announced again.
            let epoch = Epoch(database: try await place.store.identity(), counter: 1_000_000)
            _ = try await place.announcer.exchangeEpoch(epoch.mark, beside: [.defaultQueue])
            try await place.working { _ in
                try await eventually(within: .seconds(120).onThisMachine, "the list is empty") {
                    try await place.length() == "0"
                }
                for id in ids {
                    try await eventually("it has run") {
                        try await place.store.job(id)?.status == .success
                    }
                }
            }
        }
    }

    @Test func `A job that is rescheduled to now is announced where it stands`() async throws {
        try await Place.with { place in
            let queue = Queue(store: place.store, announcer: place.announcer)
            func enqueue(_ start: Start, _ priority: Priority) async throws -> JobID {
                try await queue.enqueue(
                    NewJob(
                        kind: Name("run"), priority: priority, start: start, uniqueKey: "u",
                        onConflict: .reschedule, payload: Payload([]))
                ).id
            }
            let first = try await enqueue(.after(.seconds(3600)), Priority.all[0])
            #expect(try await enqueue(.after(.seconds(1800)), .default) == first)
            let urgent = place.announcer.keys.list(.defaultQueue, Priority.all[0])
            await queue.flush()
            #expect(try await place.redis.command("LLEN", urgent) == "0")
            #expect(try await enqueue(.now, .default) == first)
            await queue.flush()
            #expect(try await place.redis.command("LLEN", urgent) == "1")
            #expect(try await place.length() == "0")
        }
    }

    @Test func `What an old server took off a list for an answer that got lost is swept`()
        async throws
    {
        try await Place.with(
            arguments: [
                "--rename-command", "BLMPOP", "", "--rename-command", "LMPOP", "",
                "--client-output-buffer-limit", "normal", "1kb", "0", "0",
            ]
        ) { place in
            try await place.enqueue(500, announced: true)
            try await eventually("all are announced") { try await place.length() == "500" }
            let taken = try await place.announcer.take(
                upTo: 500, from: [.defaultQueue], wait: .seconds(5))
            #expect(taken.count == 1)
            #expect(try await place.length() == "0")
            // A mark ahead of the table's: nothing is announced again.
            let epoch = Epoch(database: try await place.store.identity(), counter: 1_000_000)
            _ = try await place.announcer.exchangeEpoch(epoch.mark, beside: [.defaultQueue])
            try await place.working { worker in
                try await place.allEnd()
                #expect(worker.meters.reannounced.value == 0)
                #expect(worker.meters.swept.value >= 500)
            }
        }
    }

    @Test func `A job that can be claimed again while its id is withdrawn is announced again`()
        async throws
    {
        try await Place.with { place in
            try await place.enqueue(announced: true)
            try await eventually("it is announced") { try await place.length() == "1" }
            try await place.store.setPaused(true, .defaultQueue)
            // Reads go on.
            try await place.redis.command("CLIENT", "PAUSE", "600000", "WRITE")
            let meters = Meters()
            let weeder = Weeder(
                store: place.store, doorbell: Doorbell(place.announcer, meters: meters),
                meters: meters, logger: place.log.logger
            ) {
                Weeder.Outlook(queues: [.defaultQueue], isBusy: true)
            }
            let weeding = Task { await weeder.run() }
            try await eventually("a removal waits") {
                let clients = try await place.redis.command("CLIENT", "LIST")
                return clients.contains("cmd=lrem") || clients.contains("cmd=lmpop")
            }
            try await place.store.setPaused(false, .defaultQueue)
            try await place.redis.command("CLIENT", "UNPAUSE")
            try await eventually("its id is withdrawn") { meters.withdrawn.value == 1 }
            let page = try Exposition(
                PrometheusText.page(of: meters.metrics(runs: false, rings: true)))
            #expect(page["tasq_withdrawn_ids_total"] == 1)
            try await eventually(within: .seconds(10).onThisMachine, "it is announced again") {
                try await place.length() == "1"
            }
            weeding.cancel()
            await weeding.value
        }
    }

    @Test func `Lists are weeded again once nobody else uses the prefix`() async throws {
        try await Place.with { place in
            let database = try await place.store.identity()
            try await place.working(.poll) { _ in
                try await eventually("the other is told of") {
                    _ = try await place.announcer.exchangeEpoch(
                        "f:3:9.1-4:theirs/tasq", beside: [])
                    return place.log.lines.contains { $0.contains("is used by \(database.name)") }
                }
                let gone = (0..<100).map { _ in
                    Announcement(id: JobID(), queue: .defaultQueue, priority: .default)
                }
                try await place.announcer.refill(gone)
                try await eventually("they are gone") { try await place.length() == "0" }
            }
        }
    }
}

/// What came of it, so that a test can tidy up first.
func result<Value>(
    _ body: () async throws -> Value
) async -> Result<Value, any Error> {
    do {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}

extension String {
    fileprivate var words: [String] { split(separator: " ").map(String.init) }
}
