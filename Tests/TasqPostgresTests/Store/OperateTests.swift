import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct OperateTests {
    /// Puts one job into each status; `claimed` stands for executing.
    private func jobs(
        in store: PostgresStore, _ worker: WorkerID
    ) async throws -> [JobStatus: JobID] {
        var jobs: [JobStatus: JobID] = [:]
        for verdict in [
            Verdict.success, .error(reason: "bad"), .cancelled(reason: "no"), nil,
        ] {
            let id = try await store.job()
            let claimed = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            if let verdict { _ = try await store.settle(claimed, verdict) }
            jobs[verdict?.status ?? .executing] = id
        }
        jobs[.queued] = try await store.job()
        jobs[.scheduled] = try await store.job(start: .after(.seconds(600)))
        return jobs
    }

    @Test(arguments: JobAction.allCases)
    func `An action takes the statuses it names, and says of the others where they stand`(
        action: JobAction
    ) async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let jobs = try await jobs(in: store, worker)
            let unknown = JobID()
            let answers = try await store.apply(action, to: Array(jobs.values) + [unknown])
            let results = Dictionary(uniqueKeysWithValues: answers.map { ($0.id, $0.result) })
            #expect(results[unknown] == .missing)
            for (status, id) in jobs {
                let record = try await store.job(id)
                let goal: JobStatus? =
                    switch action {
                    case .retry: .queued
                    case .cancel: .cancelled
                    case .delete: nil
                    }
                if action.statuses.contains(status) {
                    #expect(results[id] == .done(from: status))
                    #expect(record?.status == goal)
                } else if status == goal {
                    #expect(results[id] == .already)
                } else {
                    #expect(results[id] == .wrongState(status))
                    #expect(record?.status == status)
                }
            }
            let claims = try await database.execute("SELECT count(*) FROM tasq.executing_job")
            #expect(claims == (action == .cancel ? "0" : "1"))
        }
    }

    @Test func `A running job that was cancelled settles nothing afterwards`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let id = try await store.job(uniqueKey: "only-one")
            let claimed = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            let answers = try await store.apply(.cancel, to: [id])
            #expect(answers.map(\.result) == [.done(from: .executing)])
            for verdict in [Verdict.success, .error(reason: "late"), .handedBack] {
                #expect(try await store.settle(claimed, verdict) == nil)
            }
            #expect(try await store.job(id)?.status == .cancelled)
            #expect(try await store.attempts(of: id).map(\.outcome) == [.cancelled])
            #expect(try await database.execute("SELECT count(*) FROM tasq.unique_key") == "0")
            let again = try await store.apply(.cancel, to: [id])
            #expect(again.map(\.result) == [.already])
        }
    }

    @Test func `A retry gives a job whose attempts are used up one more, and keeps the count`()
        async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let id = try await store.job(maxAttempts: 1)
            for attempt in 1...3 {
                let claimed = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                #expect(claimed.attempt == attempt && claimed.maxAttempts == attempt)
                _ = try await store.settle(claimed, .error(reason: "bad"))
                let answer = try #require(try await store.apply(.retry, to: [id]).first)
                #expect(answer.result == .done(from: .error))
                #expect(answer.announcement?.id == id)
            }
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'error', finished_at = now(), attempt = 30000,
                    max_attempts = 30000
                """)
            let spent = try await store.apply(.retry, to: [id])
            #expect(spent.map(\.result) == [.attemptsUsedUp])
            #expect(try await store.job(id)?.status == .error)
        }
    }

    @Test func `A retry takes its unique key again, or is refused with the job that has it`()
        async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            var failed: [JobID] = []
            for _ in 0..<2 {
                let id = try await store.job(uniqueKey: "k")
                let claimed = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                _ = try await store.settle(claimed, .error(reason: "bad"))
                failed.append(id)
            }
            let first = try await store.apply(.retry, to: failed)
            #expect(first.count { $0.result == .done(from: .error) } == 1)
            let holder = try #require(first.first { $0.result == .done(from: .error) }?.id)
            let other = try #require(failed.first { $0 != holder })
            let second = try await store.apply(.retry, to: [other])
            #expect(second.map(\.result) == [.keyTaken(by: holder)])
            #expect(
                try await database.execute("SELECT job_id FROM tasq.unique_key")
                    == holder.description)
        }
    }

    @Test func `A row that somebody holds is said to be held up, and is done when it is free`()
        async throws
    {
        try await withStore { store, database in
            let ids = [try await store.job(), try await store.job()]
            let locker = Session(
                settings: try PostgresSettings(url: database.url), logger: .init(label: "test"))
            _ = try await locker.script(
                "BEGIN; SELECT FROM tasq.job WHERE id = '\(ids[0])' FOR UPDATE")
            let first = try await store.apply(.cancel, to: ids)
            #expect(first.map(\.result) == [.heldUp, .done(from: .queued)])
            let queue = Queue(store: store)
            let second = try await withThrowingTaskGroup(of: [JobActionAnswer].self) { group in
                group.addTask { try await queue.apply(.cancel, to: ids) }
                _ = try await locker.script("ROLLBACK")
                return try await group.next()
            }
            #expect(second?.map(\.result) == [.done(from: .queued), .already])
            await locker.close()
        }
    }

    @Test func `A body goes with the last job that uses it`() async throws {
        try await withStore { store, database in
            let alone = try await store.job()
            let template = { (id: JobID) in
                try NewJob(id: id, kind: Name("hook"), payload: Payload([]))
            }
            let pair = [JobID(), JobID()]
            let event = NewEvent(
                source: try Name("github"), providerID: "1", payload: Payload([1, 2, 3]),
                jobs: try pair.map(template))
            _ = try await store.accept([event])
            func bodies() async throws -> String {
                try await database.execute("SELECT count(*) FROM tasq.payload")
            }
            #expect(try await bodies() == "2")
            _ = try await store.apply(.delete, to: [alone])
            #expect(try await bodies() == "1")
            _ = try await store.apply(.delete, to: [pair[0]])
            #expect(try await bodies() == "1")
            #expect(try await store.payload(of: pair[1])?.body == [1, 2, 3])
            _ = try await store.apply(.delete, to: [pair[1]])
            #expect(try await bodies() == "0")
        }
    }

    @Test func `Jobs that are cancelled while workers claim and settle them end once`()
        async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker(concurrency: 500)
            var ids: [JobID] = []
            for _ in 0..<300 { ids.append(try await store.job()) }
            let all = ids
            var cancelled = 0
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await run(all, in: store, worker) }
                group.addTask { try await cancel(all, in: store) }
                for try await count in group { cancelled += count }
            }
            #expect(
                try await database.execute(
                    """
                    SELECT count(*) FILTER (WHERE status = 'cancelled'),
                        count(*) FILTER (WHERE status IN ('success', 'cancelled'))
                    FROM tasq.job
                    """) == "\(cancelled)|300")
            #expect(try await database.execute("SELECT count(*) FROM tasq.executing_job") == "0")
        }
    }

    @Test
    func `Whatever operators, workers and the reaper do to the same jobs at once, all stays whole`()
        async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker(concurrency: 500)
            var ids: [JobID] = []
            for number in 0..<60 {
                ids.append(
                    try await store.job(
                        uniqueKey: number % 3 == 0 ? "k\(number)" : nil, maxAttempts: 1000))
            }
            let all = ids
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 1...2 {
                    group.addTask { try await storm(.retry, all, seed, in: store) }
                    group.addTask { try await storm(.cancel, all, seed + 2, in: store) }
                    group.addTask { try await work(all, seed + 4, in: store, worker) }
                }
                group.addTask {
                    try await storm(.delete, Array(all.prefix(10)), 9, in: store)
                }
                group.addTask {
                    for _ in 0..<20 {
                        // A worker that was never registered: its claims are the reaper's.
                        try await database.execute(
                            """
                            WITH held AS (
                                SELECT j.id FROM tasq.job AS j WHERE j.status = 'executing'
                                ORDER BY j.id LIMIT 3 FOR NO KEY UPDATE SKIP LOCKED)
                            UPDATE tasq.executing_job AS e SET worker_id = gen_random_uuid()
                            FROM held AS h WHERE e.job_id = h.id
                            """)
                        _ = try await store.reap(upTo: 100)
                    }
                }
                try await group.waitForAll()
            }
            _ = try await store.reap(upTo: 100)
            for table in VerifiedTable.allCases {
                let page = try await store.findings(in: table, after: "", limit: 1000)
                #expect(page.findings.isEmpty, "\(page.findings)")
            }
            let deadlocks = try await database.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            #expect(deadlocks == "0")
            let claims = try await database.execute("SELECT count(*) FROM tasq.executing_job")
            #expect(claims == "0")
        }
    }

    /// One action after the other on a few of these jobs, drawn by the seed.
    private func storm(
        _ action: JobAction, _ ids: [JobID], _ seed: Int, in store: PostgresStore
    ) async throws {
        for round in 0..<40 {
            _ = try await store.apply(action, to: few(of: ids, seed * 1000 + round))
        }
    }

    /// Claims a few of these jobs and settles them, as often as the others act on them.
    private func work(
        _ ids: [JobID], _ seed: Int, in store: PostgresStore, _ worker: WorkerID
    ) async throws {
        for round in 0..<40 {
            let claimed = try await store.claim(
                few(of: ids, seed * 1000 + round), for: worker, from: defaultQueues)
            var open = claimed.enumerated().map { index, job in
                Settlement(
                    job: job.id, claim: job.claim,
                    verdict: index % 2 == 0 ? .success : .error(reason: "bad"))
            }
            while !open.isEmpty {
                let answer = try await store.settle(open)
                open.removeAll { !answer.heldUp.contains($0.claim) }
            }
        }
    }

    private func few(of ids: [JobID], _ seed: Int) -> [JobID] {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
        return (0..<12).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return ids[Int(state >> 33) % ids.count]
        }
    }

    /// Claims and settles these jobs as far as they are there to be claimed.
    private func run(
        _ ids: [JobID], in store: PostgresStore, _ worker: WorkerID
    ) async throws -> Int {
        for start in stride(from: 0, to: ids.count, by: 10) {
            let batch = Array(ids[start..<start + 10])
            for job in try await store.claim(batch, for: worker, from: defaultQueues) {
                _ = try await store.settle(job, .success)
            }
        }
        return 0
    }

    /// Cancels these jobs from the last to the first; returns how many it did.
    private func cancel(_ ids: [JobID], in store: PostgresStore) async throws -> Int {
        let queue = Queue(store: store)
        var done = 0
        for start in stride(from: 0, to: ids.count, by: 15).reversed() {
            for answer in try await queue.apply(.cancel, to: Array(ids[start..<start + 15])) {
                #expect(answer.result != .heldUp)
                if case .done = answer.result { done += 1 }
            }
        }
        return done
    }

    @Test func `A page costs the same however few match, and stops at its own time`()
        async throws
    {
        try await withStore { store, _ in
            var ids: [JobID] = []
            for number in 0..<5 { ids.append(try await store.job(number == 3 ? "rare" : "noop")) }
            let request = try BulkRequest(.cancel, JobFilter(kind: Name("rare")))
            let first = try await store.matching(request, after: nil, until: nil, limit: 3)
            #expect(first.ids.isEmpty && first.last == ids[2] && first.examined == 3)
            _ = try await store.job("rare")
            let second = try await store.matching(
                request, after: first.last, until: first.until, limit: 3)
            #expect(second.ids == [ids[3]] && second.examined == 3)
            let third = try await store.matching(
                request, after: second.last, until: first.until, limit: 3)
            #expect(third.ids.isEmpty && third.last == nil)
        }
    }
}
