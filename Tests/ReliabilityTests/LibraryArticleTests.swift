import Logging
import ServiceLifecycle
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing
import UnixSignals

// What stands between `// example` and `// end` in this file is, line by line, what the article
// Library.md shows; DocumentTests compares them.

// example
struct Greeting: Job {
    static let kind = "greeting"
    static let timeout: Duration? = .seconds(30)
    let name: String

    func run(_ context: JobContext) async throws {
        guard !name.isEmpty else { throw Outcome.fail("nobody to greet") }
        context.logger.info("hello, \(name)")
    }
}
// end

/// The examples of the article, run.
@Suite(.medium) struct LibraryArticleTests {
    private let logger = Logger(label: "article") { _ in SwiftLogNoOpLogHandler() }

    @Test func `Jobs are put in now, later, first, and only once`() async throws {
        try await withServers { databaseURL, redisURL in
            // example
            let store = PostgresStore(try PostgresSettings(url: databaseURL), logger: logger)
            try await store.migrate()
            let announcer = RedisAnnouncer(try RedisSettings(url: redisURL), logger: logger)
            let queue = Queue(store: store, announcer: announcer)
            // end
            // example
            let id = try await queue.enqueue(Greeting(name: "Ada"))
            try await queue.enqueue(Greeting(name: "Grace"), after: .minutes(5))
            try await queue.enqueue(Greeting(name: "Alan"), queue: "urgent", priority: 0)
            let first = try await queue.enqueue(Greeting(name: "Kay"), uniqueKey: "greet-kay")
            let again = try await queue.enqueue(Greeting(name: "Kay"), uniqueKey: "greet-kay")
            // end
            #expect(first == again && id != first)
            for (job, status, queue) in [
                (id, JobStatus.queued, "default"), (first, .queued, "default"),
            ] {
                let row = try await store.job(job)
                #expect(row?.status == status && row?.queue.description == queue)
            }
            let all = try await store.jobs(matching: JobFilter(), after: nil, limit: 10).jobs
            #expect(all.count == 4 && all.filter { $0.status == .scheduled }.count == 1)
            #expect(all.filter { $0.queue.description == "urgent" }.map(\.priority.level) == [0])
            await announcer.close()
            await store.close()
        }
    }

    @Test func `A worker runs among a program's services`() async throws {
        try await withQueue { store, queue in
            let id = try await queue.enqueue(Greeting(name: "Ada"))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    // example
                    let worker = try Worker(of: queue, running: [Greeting.self], logger: logger)
                    let program = ServiceGroup(
                        configuration: ServiceGroupConfiguration(
                            services: [worker], gracefulShutdownSignals: [.sigterm],
                            logger: logger))
                    try await program.run()
                    // end
                }
                try await eventually("the job is a success") {
                    try await store.job(id)?.status == .success
                }
                tasks.cancelAll()
                while let result = await tasks.nextResult() { _ = result }
            }
        }
    }

    @Test func `Handlers take kinds that no type stands for`() async throws {
        try await withQueue { store, queue in
            // example
            var handlers = HandlerTable()
            try handlers.add(Greeting.self)
            try handlers.add(
                "report.*",
                Handler(timeout: .seconds(60), retry: RetryPolicy(base: .seconds(10))) { context in
                    let job = context.job
                    guard job.payload.contentType == "application/json" else {
                        throw Outcome.fail("\(job.kind) must be JSON")
                    }
                    guard job.attempt > 1 else { throw Outcome.retry("not at the first try") }
                    context.logger.info("read \(job.payload.body.count) bytes")
                })
            let settings = try WorkerSettings(
                queues: [.init(Name("reports"), weight: 3), .init(.defaultQueue)], concurrency: 16)
            let worker = Worker(
                store: store, handlers: handlers, settings: settings, logger: logger)
            // end
            let report = try NewJob(
                kind: Name("report.sales"), queue: Name("reports"), payload: Payload([0x31]))
            let other = try NewJob(
                kind: Name("report.text"), payload: Payload([], contentType: "text/plain"))
            _ = try await queue.enqueue([report, other])
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await worker.run() }
                try await eventually("one is tried again, the other is over") {
                    let (first, second) = (
                        try await store.job(report.id), try await store.job(other.id)
                    )
                    return first?.status == .scheduled && first?.reason == "not at the first try"
                        && second?.status == .error
                }
                tasks.cancelAll()
                while let result = await tasks.nextResult() { _ = result }
            }
        }
    }

    @Test func `An executor works without any store`() async {
        // example
        let executor = JobExecutor(slots: 4)
        executor.on(.idle) { _ in
            // Nothing runs and nothing waits: the moment to look for old work.
        }
        executor.on(.fail) { event in print("failed:", event) }
        let events = executor.events
        executor.start()
        let id = executor.post { try await Greeting.deliver() }
        for await event in events where event == .success(id) { break }
        await executor.stop()
        // end
        #expect(executor.load == 0)
    }

    @Test func `A program's own test starts servers of its own`() async throws {
        // example
        let postgres = try await PrivatePostgres.start(durable: false)
        let store = PostgresStore(
            try PostgresSettings(url: postgres.url(database: "postgres")), logger: logger)
        try await store.migrate()
        let id = try await Queue(store: store).enqueue(Greeting(name: "Ada"))
        let worker = try Worker(of: Queue(store: store), running: [Greeting.self], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await worker.run() }
            try await eventually("the greeting is said") {
                try await store.job(id)?.status == .success
            }
            tasks.cancelAll()
        }
        // end
        await store.close()
        await postgres.stop(.immediate)
    }

    @Test func `A handler is tried by itself, and a queue without a worker`() async throws {
        try await withQueue { store, queue in
            try await queue.enqueue(Greeting(name: "Ada"))
            // example
            #expect(try await Greeting(name: "").runInline() == .fail("nobody to greet"))
            try await store.expectEnqueued(Greeting.self) { $0.name == "Ada" }
            let drained = try await store.drain(running: [Greeting.self])
            #expect(drained.map(\.outcome) == [.success])
            // end
        }
    }

    @Test func `Jobs are found by what they failed with`() async throws {
        try await withQueue { store, queue in
            let id = try await queue.enqueue(Greeting(name: ""))
            try await queue.enqueue(Greeting(name: "Ada"))
            _ = try await store.drain(running: [Greeting.self])
            var found: [JobID] = []
            // example
            let failed = JobFilter(status: .error, reason: "nobody to greet")
            var page = JobPage(jobs: [], next: nil)
            repeat {
                page = try await store.jobs(matching: failed, after: page.next, limit: 100)
                found += page.jobs.map(\.id)
            } while page.next != nil
            // end
            #expect(found == [id])
        }
    }

    @Test func `A job is put in within a transaction of the program's own`() async throws {
        try await withServers { databaseURL, _ in
            let settings = try PostgresSettings(url: databaseURL)
            let store = PostgresStore(settings, logger: logger)
            try await store.migrate()
            let transaction = Session(settings: settings, logger: logger)
            try await transaction.script("BEGIN")
            // example
            let statement = try EnqueueStatement(Greeting(name: "Ada"), after: .minutes(5))
            let id = try await transaction.query(statement.sql, statement.parameters)
            // end
            try await transaction.script("COMMIT")
            await transaction.close()
            let job = try #require(try await store.enqueued(Greeting.self).first)
            #expect(job.record.id.description == id && job.record.status == .scheduled)
            await store.close()
        }
    }

    /// Servers shared with other tests, the database migrated by nobody yet.
    private func withServers(_ body: (String, String) async throws -> Void) async throws {
        let redis = try await TestServers.redis()
        try await TestDatabase.with(template: "article", migrate: { _ in }) { database in
            try await body(database.url, redis.url)
        }
    }

    private func withQueue(_ body: (PostgresStore, Queue) async throws -> Void) async throws {
        try await withServers { databaseURL, _ in
            let store = PostgresStore(try PostgresSettings(url: databaseURL), logger: logger)
            try await store.migrate()
            try await body(store, Queue(store: store))
            await store.close()
        }
    }
}

extension Greeting {
    /// What the executor's example does.
    fileprivate static func deliver() async throws {}
}
