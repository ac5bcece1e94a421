import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct ClaimTests {
    @Test func `Only what is queued, due, on a served and running queue is claimed`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let good = try await store.job()
            let later = try await store.job(start: .after(.seconds(60)))
            let elsewhere = try await store.enqueue([
                try NewJob(
                    kind: Name("noop"), queue: Name("other"), payload: Payload(Array("{}".utf8)))
            ])[0].id
            let offered = [good, later, elsewhere, JobID(), good]
            let claimed = try await store.claim(offered, for: worker, from: defaultQueues)
            #expect(claimed.map(\.id) == [good])
            #expect(claimed.first?.attempt == 1)
            #expect(try await store.claim(offered, for: worker, from: defaultQueues).isEmpty)
            let waiting = try await store.job()
            try await database.execute("INSERT INTO tasq.queue_setting VALUES ('default', true)")
            #expect(try await store.claim([waiting], for: worker, from: defaultQueues).isEmpty)
            #expect(
                try await store.sweep(upTo: 9, for: worker, from: defaultQueues).jobs.isEmpty)
        }
    }

    @Test func `A worker without a row claims nothing`() async throws {
        try await withStore { store, _ in
            let id = try await store.job()
            #expect(try await store.claim([id], for: WorkerID(), from: defaultQueues).isEmpty)
            #expect(
                try await store.sweep(upTo: 9, for: WorkerID(), from: defaultQueues).jobs.isEmpty)
        }
    }

    @Test func `A worker claims only kinds it has a handler for`() async throws {
        try await withStore { store, database in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 10,
                version: "test", heartbeat: .seconds(2), lease: .seconds(60),
                kinds: ["mail", "a\\_b%"])
            try await store.register(worker)
            var ids: [String: JobID] = [:]
            for kind in ["mail", "mails", "a_b", "a_bc", "axb"] {
                ids[kind] = try await store.job(kind)
            }
            let all = Array(ids.values)
            func kinds(_ jobs: [ClaimedJob]) -> Set<String> { Set(jobs.map(\.kind.description)) }
            let claimed = try await store.claim(
                all.filter { $0 != ids["a_b"] }, for: worker.id, from: defaultQueues)
            #expect(kinds(claimed) == ["mail", "a_bc"])
            let swept = try await store.sweep(upTo: 9, for: worker.id, from: defaultQueues)
            #expect(kinds(swept.jobs) == ["a_b"])
            #expect(
                Set(try await store.stillQueued(all).map(\.kind.description)) == ["mails", "axb"])

            try await database.execute("UPDATE tasq.job SET crashes = 2 WHERE kind = 'axb'")
            let turn = try await store.sweep(upTo: 9, for: worker.id, from: defaultQueues)
            #expect(turn.jobs.isEmpty && turn.suspectsQueue == nil)
            #expect(try await store.claimSuspect(for: worker.id, from: defaultQueues) == nil)
            try await store.declare(["%"], of: worker.id)
            #expect(
                try await store.claimSuspect(for: worker.id, from: defaultQueues)?.id == ids["axb"])
            #expect(
                kinds(
                    try await store.sweep(upTo: 9, for: worker.id, from: defaultQueues).jobs)
                    == ["mails"])
            try await store.declare([], of: worker.id)
            _ = try await store.job("mail")
            #expect(
                try await store.sweep(upTo: 9, for: worker.id, from: defaultQueues).jobs.isEmpty)
        }
    }

    @Test func `A sweep takes the most urgent and oldest first, never too many`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            var ids: [Int: [JobID]] = [:]
            for priority in [3, 1, 0, 2, 1] {
                ids[priority, default: []].append(try await store.job(priority: priority))
            }
            let expected = (0...3).flatMap { ids[$0] ?? [] }
            var swept: [JobID] = []
            for size in [2, 2, 2] {
                swept += try await store.sweep(upTo: size, for: worker, from: defaultQueues)
                    .jobs.sorted { ($0.priority, $0.id) < ($1.priority, $1.id) }.map(\.id)
            }
            #expect(swept == expected)
        }
    }

    @Test func `A sweep looks at a stretch of each queue, and the next one goes on behind it`()
        async throws
    {
        try await withStore { store, _ in
            let worker = WorkerRecord(
                host: "test", processID: 1, queues: defaultQueues, concurrency: 10,
                version: "test", heartbeat: .seconds(2), lease: .seconds(60),
                kinds: (1...1000).map { "kind\\_\($0)" } + ["mail"])
            try await store.register(worker)
            func sweep(
                upTo limit: Int = 9, behind cursors: [Name: QueuedCursor] = [:]
            ) async throws -> Sweep {
                try await store.sweep(
                    upTo: limit, for: worker.id, from: [Name("other")] + defaultQueues,
                    behind: cursors, lookingAt: 20)
            }
            for _ in 0..<50 { _ = try await store.job("foreign") }
            let last = [try await store.job("kind_7"), try await store.job("mail")]
            var found = try await sweep()
            #expect(found.jobs.isEmpty && found.cursors.keys.map(\.description) == ["default"])
            let urgent = try await store.job("mail", priority: 0)
            #expect(try await sweep(upTo: 1).jobs.map(\.id) == [urgent])
            found = try await sweep(behind: found.cursors)
            #expect(found.jobs.isEmpty && found.cursors.count == 1)
            // As many as it was to claim: there may be more.
            let few = try await sweep(upTo: 1, behind: found.cursors)
            #expect(few.jobs.map(\.id) == [last[0]] && few.cursors.isEmpty)
            found = try await sweep(behind: found.cursors)
            #expect(found.jobs.map(\.id) == [last[1]] && found.cursors.isEmpty)
            #expect(try await sweep().cursors.count == 1)
        }
    }

    @Test func `Suspects, and queued jobs that are not due, count among those a sweep looks at`()
        async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            func sweep(behind cursors: [Name: QueuedCursor] = [:]) async throws -> Sweep {
                try await store.sweep(
                    upTo: 9, for: worker, from: defaultQueues, behind: cursors, lookingAt: 20)
            }
            for priority in [0, 1] {
                for _ in 0..<30 { _ = try await store.job(priority: priority) }
            }
            try await database.execute(
                """
                UPDATE tasq.job SET crashes = 2 WHERE priority = 0;
                UPDATE tasq.job SET run_at = 'infinity' WHERE priority = 1
                """)
            let job = try await store.job(priority: 2)
            let first = try await sweep()
            #expect(first.jobs.isEmpty && first.cursors[.defaultQueue]?.priority.level == 0)
            let second = try await sweep(behind: first.cursors)
            // What follows one that is not due is not due either, but for other priorities.
            #expect(second.jobs.isEmpty && second.cursors[.defaultQueue]?.priority.level == 2)
            let third = try await sweep(behind: second.cursors)
            #expect(third.jobs.map(\.id) == [job] && third.cursors.isEmpty)
        }
    }

    @Test func `A body that was deleted does not lose the claim`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            try await database.execute("DELETE FROM tasq.payload")
            let claimed = try await store.claim([id], for: worker, from: defaultQueues)
            #expect(claimed.map(\.payload.body) == [[]])
        }
    }

    @Test func `A row without attempts left, made by hand, holds up no other`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let ids = [try await store.job(), try await store.job()]
            try await database.execute(
                "UPDATE tasq.job SET attempt = max_attempts WHERE id = '\(ids[0])'")
            let claimed = try await store.claim(ids, for: worker, from: defaultQueues)
            #expect(claimed.map(\.id) == [ids[1]])
            let sweep = try await store.sweep(upTo: 10, for: worker, from: defaultQueues)
            #expect(sweep.jobs.isEmpty)
        }
    }

    @Test func `A row somebody has locked is skipped at once and named afterwards`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            let locker = Session(
                settings: try PostgresSettings(url: database.url), logger: .init(label: "test"))
            _ = try await locker.script("BEGIN; SELECT FROM tasq.job FOR UPDATE")
            #expect(try await store.claim([id], for: worker, from: defaultQueues).isEmpty)
            #expect(try await store.stillQueued([id]).map(\.announcement.id) == [id])
            _ = try await locker.script("ROLLBACK")
            #expect(try await store.claim([id], for: worker, from: defaultQueues).count == 1)
            #expect(try await store.stillQueued([id]).isEmpty)
            await locker.close()
        }
    }
}
