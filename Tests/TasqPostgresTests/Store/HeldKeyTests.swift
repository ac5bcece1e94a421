import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// Beside a transaction of somebody else's that stays open.
@Suite(.medium) struct HeldKeyTests {
    /// What an open transaction may hold that a call has to wait for.
    enum Lock: CaseIterable, Sendable {
        case key
        case jobThatWaits
        case jobThatRuns
        case eventID
    }

    @Test(arguments: Lock.allCases, [false, true])
    func `While one call waits for a lock all others are answered`(
        lock: Lock, isPooled: Bool
    ) async throws {
        try await withHolder(isPooled: isPooled) { store, holder, database in
            try await prepare(lock, in: store)
            _ = try await holder.script("BEGIN; \(lock.sql)")
            let queue = Queue(
                store: store, announcer: NoAnnouncer(), meters: Meters(),
                lockPatience: .seconds(60))
            let isAnswered = Signal()
            let answered = Record<Int>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await call(lock, "held", on: queue)
                    isAnswered.raise()
                }
                try await eventually("the call waits") {
                    try await database.execute(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                            + "AND datname = current_database()") == "1"
                }
                for number in 0..<20 {
                    group.addTask {
                        try await call(lock, "free \(number)", on: queue)
                        answered.append(number)
                    }
                }
                do {
                    try await eventually("the others are answered") { answered.all.count == 20 }
                    #expect(!isAnswered.isRaised)
                } catch {
                    Issue.record(error)
                }
                _ = try await holder.script("ROLLBACK")
                try await group.waitForAll()
            }
            #expect(isAnswered.isRaised)
        }
    }

    @Test(arguments: [false, true])
    func `A retry says which job's key is locked, and takes the others`(
        isPooled: Bool
    ) async throws {
        try await withHolder(isPooled: isPooled) { store, holder, _ in
            let worker = try await store.registeredWorker()
            let ids = [
                try await store.job(uniqueKey: "held"), try await store.job(uniqueKey: "free"),
                try await store.job(), try await store.job(uniqueKey: "free too"),
            ]
            for job in try await store.claim(ids, for: worker, from: defaultQueues) {
                _ = try await store.settle(job, .error(reason: "bad"))
            }
            _ = try await holder.script("BEGIN; \(Lock.key.sql)")
            let queue = Queue(store: store)
            let first = try await queue.apply(.retry, to: ids)
            let done = JobActionResult.done(from: .error)
            #expect(first.map(\.result) == [.heldUp, done, done, done])
            var walk = BulkWalk(
                try BulkRequest(.retry, JobFilter(), everything: true), dryRun: false)
            let isMore = try await walk.step(queue)
            #expect(isMore)
            #expect(
                walk.counts == BulkCounts(examined: 1, matched: 1, changed: 0, passedOver: 1),
                "\(walk.counts)")
            _ = try await holder.script("ROLLBACK")
            let second = try await queue.apply(.retry, to: ids)
            #expect(second.map(\.result) == [done, .already, .already, .already])
        }
    }

    @Test func `A call that nobody lets through is told so, and nothing of it is stored`()
        async throws
    {
        try await withHolder(isPooled: true) { store, holder, database in
            _ = try await holder.script("BEGIN; \(Lock.key.sql)")
            let queue = Queue(
                store: store, announcer: NoAnnouncer(), meters: Meters(), lockPatience: .zero)
            let job = try NewJob(kind: Name("noop"), uniqueKey: "held", payload: Payload([]))
            let error = await failure { () async throws(StoreError) in
                try await queue.enqueue(job)
            }
            guard case .contended = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
        }
    }

    /// Its key was given back when it failed.
    @Test func `A repetition's job that an event queues again takes its key again`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            func run(_ id: JobID, _ verdict: Verdict) async throws {
                let job = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                _ = try await store.settle(job, verdict)
            }
            func holder() async throws -> String {
                try await database.execute("SELECT job_id FROM tasq.unique_key")
            }
            let first = try event("d-1")
            _ = try await store.accept([first])
            try await run(first.jobs[0].id, .success)
            let again = try NewJob(kind: Name("noop"), uniqueKey: "u", payload: Payload([]))
            #expect(
                try await store.replay(first.id, as: [again], unlessUnfinished: true)
                    == [.stored(again.id)])
            try await run(again.id, .error(reason: "bad"))
            #expect(try await holder() == "")
            #expect(
                try await store.accept([event("d-1")])
                    == [.duplicate(of: first.id, queuedAgain: true)])
            #expect(try await holder() == again.id.description)
            #expect(try await store.job(again.id)?.status == .queued)

            try await run(again.id, .error(reason: "bad"))
            let other = try await store.job(uniqueKey: "u")
            #expect(try await store.accept([event("d-1")]) == [.duplicate(of: first.id)])
            #expect(try await holder() == other.description)
            #expect(try await store.job(again.id)?.status == .error)
        }
    }

    /// A store that waits long for locks where its sessions are its own, and somebody else's session.
    private func withHolder(
        isPooled: Bool, _ body: (PostgresStore, Session, TestDatabase) async throws -> Void
    ) async throws {
        try await TestDatabase.with(migrate: migrated) { database in
            var settings = try PostgresSettings(url: database.url).patient
            settings.lockTimeout = .seconds(600)
            settings.statementTimeout = .seconds(900)
            settings.idleInTransactionTimeout = .seconds(600)
            let holder = Session(settings: settings, logger: quiet)
            settings.assumesPooler = isPooled
            let store = PostgresStore(settings, logger: quiet)
            do {
                try await body(store, holder, database)
            } catch {
                await holder.close()
                await store.close()
                throw error
            }
            await holder.close()
            await store.close()
        }
    }

    /// Stores what the lock is to be on.
    private func prepare(_ lock: Lock, in store: PostgresStore) async throws {
        guard lock == .jobThatWaits || lock == .jobThatRuns else { return }
        let id = try await store.job(uniqueKey: "held")
        guard lock == .jobThatRuns else { return }
        let worker = try await store.registeredWorker()
        let claimed = try await store.claim([id], for: worker, from: defaultQueues)
        #expect(claimed.map(\.id) == [id])
    }
}

extension HeldKeyTests.Lock {
    fileprivate var sql: String {
        switch self {
        case .key: "INSERT INTO tasq.unique_key VALUES ('held', gen_random_uuid())"
        case .jobThatWaits, .jobThatRuns: "SELECT FROM tasq.job FOR UPDATE"
        case .eventID:
            """
            INSERT INTO tasq.payload (id, source, event_id, content_type, body)
            VALUES (tasq.uuid_v7(), 'github', 'held', 'text/plain', '')
            """
        }
    }
}

/// One that has to wait for the lock, or would if its name were another one.
private func call(_ lock: HeldKeyTests.Lock, _ name: String, on queue: Queue) async throws {
    switch lock {
    case .key, .jobThatWaits, .jobThatRuns:
        _ = try await queue.enqueue(
            NewJob(
                kind: Name("noop"), uniqueKey: name,
                uniqueWhile: lock == .jobThatRuns ? .queued : .unfinished,
                onConflict: lock == .jobThatWaits ? .replace : .keep, payload: Payload([])))
    case .eventID:
        _ = try await queue.accept(event(name))
    }
}

private func event(_ id: String) throws -> NewEvent {
    let payload = Payload(Array("{}".utf8))
    return NewEvent(
        source: try Name("github"), providerID: id, payload: payload,
        jobs: [try NewJob(kind: Name("noop"), payload: payload)])
}
