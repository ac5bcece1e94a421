import Logging
import ServiceLifecycle
import Synchronization
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import Tasq

/// What was taken or claimed, and never started.
@Suite(.medium) struct UnstartedTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func with(_ body: (PostgresStore, TestDatabase) async throws -> Void) async throws {
        try await TestDatabase.with(migrate: migrated) { database in
            let store = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: logger)
            do {
                try await body(store, database)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    private func newJob() throws -> NewJob {
        try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
    }

    /// Claims wait until the session that has its lock ends its transaction.
    private func lockClaims(in database: TestDatabase) async throws -> Session {
        let locker = Session(settings: try PostgresSettings(url: database.url), logger: logger)
        try await locker.script("BEGIN; LOCK TABLE tasq.executing_job IN SHARE MODE")
        return locker
    }

    /// One that waits for that lock, and has done so for longer than this.
    private func claimWaits(_ interval: String, in database: TestDatabase) async throws -> Bool {
        try await database.execute(
            """
            SELECT count(*) > 0 FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
            WHERE a.datname = current_database()
                AND l.relation = 'tasq.executing_job'::regclass AND NOT l.granted
                AND clock_timestamp() - a.query_start > interval '\(interval)'
            """) == "t"
    }

    @Test func `A job that never started and was cancelled meanwhile is no lost outcome`()
        async throws
    {
        try await with { store, _ in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: [.defaultQueue], concurrency: 10,
                version: "test", heartbeat: .seconds(2), lease: .seconds(60))
            try await store.register(worker)
            let ids = try await store.enqueue([newJob(), newJob(), newJob()]).map(\.id)
            let claimed = try await store.claim(ids, for: worker.id, from: [.defaultQueue])
            try #require(claimed.count == 3)
            _ = try await store.apply(.cancel, to: claimed.prefix(2).map(\.id))
            let meters = Meters()
            let gone = Mutex<Set<JobID>>([])
            let settler = Settler(
                store: store, meters: meters, logger: logger, onSettled: { _ in },
                onLost: { settlement in gone.withLock { _ = $0.insert(settlement.job) } })
            for (job, verdict) in zip(claimed, [Verdict.unstarted, .success, .unstarted]) {
                settler.settle(Settlement(job: job.id, claim: job.claim, verdict: verdict))
            }
            await settler.settled()
            #expect(gone.withLock { $0 } == Set(claimed.prefix(2).map(\.id)))
            #expect(meters.lost.value == 1)
            #expect(meters.unstarted.value == 1)
            let page = try Exposition(
                PrometheusText.page(of: meters.metrics(runs: true, rings: false)))
            #expect(page["tasq_unstarted_total"] == 1 && page["tasq_lost_total"] == 1)
        }
    }

    @Test func `What was being claimed when the worker was told to leave is begun by nobody`()
        async throws
    {
        try await with { store, database in
            let job = try await store.enqueue([newJob()])[0].id
            let runs = Atomic(0)
            var handlers = HandlerTable()
            try handlers.add("noop", Handler { _ in runs.add(1, ordering: .relaxed) })
            let worker = Worker(
                store: store, announcer: NoAnnouncer(), handlers: handlers,
                settings: try WorkerSettings(), logger: logger)
            let group = ServiceGroup(services: [worker], logger: logger)
            let locker = try await lockClaims(in: database)
            let running = Task { try await group.run() }
            try await eventually("a claim waits") { try await claimWaits("0", in: database) }
            await group.triggerGracefulShutdown()
            await worker.leaves.wait()
            try await locker.script("COMMIT")
            try await running.value
            await locker.close()
            #expect(runs.load(ordering: .relaxed) == 0)
            let state = "SELECT status, attempt, crashes FROM tasq.job WHERE id = '\(job)'"
            #expect(try await database.execute(state) == "queued|0|0")
        }
    }

    @Test func `What a claim brings later than the lease is begun by nobody, and claimed again`()
        async throws
    {
        try await with { store, database in
            let job = try await store.enqueue([newJob()])[0].id
            var handlers = HandlerTable()
            try handlers.add("noop", Handler { _ in })
            let worker = Worker(
                store: store, announcer: NoAnnouncer(), handlers: handlers,
                settings: try WorkerSettings(
                    heartbeat: .milliseconds(200), lease: .milliseconds(1200)), logger: logger)
            let group = ServiceGroup(services: [worker], logger: logger)
            let locker = try await lockClaims(in: database)
            let running = Task { try await group.run() }
            try await eventually("a claim has waited for as long as the lease") {
                try await claimWaits("1.2 s", in: database)
            }
            try await locker.script("COMMIT")
            await locker.close()
            let state = "SELECT status, attempt, crashes FROM tasq.job WHERE id = '\(job)'"
            try await eventually("it has run") {
                try await database.execute(state) == "success|1|0"
            }
            #expect(worker.meters.unstarted.value == 1)
            await group.triggerGracefulShutdown()
            try await running.value
        }
    }

    @Test func `An id that is taken as the worker ends is announced before it has ended`()
        async throws
    {
        try await with { store, _ in
            let id = try await store.enqueue([newJob()])[0].id
            let announcer = LateAnnouncer(id: id)
            let worker = Worker(
                store: store, announcer: announcer, handlers: HandlerTable(),
                settings: try WorkerSettings(), logger: logger)
            let ended = Signal()
            let running = Task {
                defer { ended.raise() }
                try await worker.run()
            }
            await announcer.waits.wait()
            running.cancel()
            await announcer.rung.wait()
            let isEarly = await happens(within: .milliseconds(200), unless: nil) {
                await ended.wait()
                return ended.isRaised
            }
            #expect(!isEarly)
            announcer.answers.raise()
            _ = await running.result
            #expect(announcer.announced.withLock { $0 } == [id])
        }
    }
}

/// Fails the first time it is asked, and the next time gives an id when that is called off.
private final class LateAnnouncer: Announcer {
    let id: JobID
    let waits = Signal()
    let rung = Signal()
    let answers = Signal()
    let announced = Mutex<[JobID]>([])
    private let takes = Atomic(0)

    init(id: JobID) {
        self.id = id
    }

    var rings: Bool { true }
    var prefix: String { "test" }
    var metrics: [Metric] { [] }

    func take(
        upTo limit: Int, from queues: [Name], wait: Duration
    ) async throws(AnnouncerError) -> [JobID] {
        switch takes.wrappingAdd(1, ordering: .relaxed).oldValue {
        case 0: throw AnnouncerError("test: out of order")
        case 1:
            waits.raise()
            await Signal().wait()
            return [id]
        default: return []
        }
    }

    func announce(_ jobs: [Announcement]) async {
        rung.raise()
        await answers.wait()
        announced.withLock { $0 += jobs.map(\.id) }
    }

    func exchangeEpoch(
        _ mark: String, beside queues: [Name]
    ) async throws(AnnouncerError) -> EpochMarks {
        .whole(mark)
    }
    func clear(_ queues: [Name]) async throws(AnnouncerError) {}
    func refill(_ jobs: [Announcement]) async throws(AnnouncerError) {}
    func withdraw(
        _ ids: [JobID], from queue: Name, _ priority: Priority
    ) async throws(AnnouncerError) -> Int {
        0
    }
    func depths(of queues: [Name]) async throws(AnnouncerError) -> [Name: Int] { [:] }
    func announcedQueues() async throws(AnnouncerError) -> [Name] { [] }
    func announced(
        on queue: Name, _ priority: Priority, from index: Int, limit: Int
    ) async throws(AnnouncerError) -> [String] {
        []
    }
    func close() async {}
}
