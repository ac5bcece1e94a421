import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// Where attempts ran whose workers are gone.
@Suite(.medium) struct PastWorkerTests {
    private static let count = "SELECT count(*) FROM tasq.past_worker"

    private func worker(
        id: WorkerID = WorkerID(), host: String = "host-7", version: String = "test"
    ) -> WorkerRecord {
        WorkerRecord(
            id: id, host: host, processID: 4711, queues: defaultQueues, concurrency: 1,
            version: version, heartbeat: .seconds(2), lease: .seconds(60))
    }

    @Test(arguments: ["bury", "deregister", "retire"])
    func `An attempt tells where it ran, whichever way its worker went`(way: String) async throws {
        try await withStore { store, database in
            let worker = worker()
            try await store.register(worker)
            let id = try await store.job()
            let claimed = try #require(
                try await store.claim([id], for: worker.id, from: defaultQueues).first)
            _ = try await store.settle(claimed, .retry(after: .zero, reason: "no luck"))
            let before = try #require(try await store.attempts(of: id).first)
            #expect(before.host == "host-7" && before.processID == 4711)
            #expect(try await database.execute(Self.count) == "0")
            // Twice: what has happened is left as it is.
            for _ in 1...2 {
                switch way {
                case "bury": _ = try await store.bury(worker.id, at: 0)
                case "deregister": try await store.deregister(worker.id)
                default:
                    _ = try await store.retire(
                        [worker.id], silentAt: [worker.id: 0], unlessRunning: [id])
                }
                #expect(try await database.execute("SELECT count(*) FROM tasq.worker") == "0")
                #expect(try await database.execute(Self.count) == "1")
                #expect(try await store.attempts(of: id) == [before])
            }
            try await database.execute("DELETE FROM tasq.past_worker")
            let unknown = try #require(try await store.attempts(of: id).first)
            #expect(unknown.worker == worker.id && unknown.place == nil)
        }
    }

    @Test func `A worker that stays leaves no row, and one that many bury leaves one`()
        async throws
    {
        try await withStore { store, database in
            let worker = worker()
            try await store.register(worker)
            let id = try await store.job()
            let claimed = try await store.claim([id], for: worker.id, from: defaultQueues)
            #expect(claimed.count == 1)
            try await store.deregister(worker.id)
            #expect(try await store.bury(worker.id, at: 99) == false)
            let standing = try await store.retire(
                [worker.id], silentAt: [worker.id: 0], unlessRunning: [id])
            #expect(standing.map(\.id) == [worker.id])
            #expect(try await database.execute(Self.count) == "0")
            let buried = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await store.bury(worker.id, at: 0) }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(buried == 1)
            #expect(try await database.execute(Self.count) == "1")
            #expect(try await store.reap(upTo: 10).count == 1)
            #expect(try await store.attempts(of: id).map(\.place) == ["host-7 4711"])
        }
    }

    @Test func `A remote worker may come back under its id, and go from elsewhere`()
        async throws
    {
        try await withStore { store, database in
            let id = WorkerID()
            for host in ["here", "there"] {
                let worker = worker(id: id, host: host, version: WorkerRecord.remoteVersion)
                let attends = try await store.attend(worker, renewing: true, unlessRunning: [])
                #expect(attends)
                let standing = try await store.retire([id], silentAt: [:], unlessRunning: [])
                let sequence = try #require(standing.first).sequence
                #expect(
                    try await store.retire([id], silentAt: [id: sequence], unlessRunning: [])
                        .isEmpty)
                #expect(
                    try await database.execute("SELECT host, pid FROM tasq.past_worker")
                        == "\(host)|0")
            }
        }
    }

    @Test func `Workers that have been gone for a week are forgotten, some at a time`()
        async throws
    {
        try await withStore { store, database in
            try await database.execute(
                """
                INSERT INTO tasq.past_worker (id, host, pid, ended_at)
                SELECT gen_random_uuid(), 'old', 1, now() - interval '8 days'
                FROM generate_series(1, 1500);
                INSERT INTO tasq.past_worker (id, host, pid, ended_at)
                VALUES (gen_random_uuid(), 'new', 1, now() - interval '6 days')
                """)
            try await store.tally()
            #expect(try await database.execute(Self.count) == "501")
            try await store.tally()
            #expect(try await database.execute("SELECT host FROM tasq.past_worker") == "new")
        }
    }

    @Test func `However many are gone, those of a job are looked up by their ids`() async throws {
        try await withStore { _, database in
            try await database.execute(
                """
                INSERT INTO tasq.past_worker (id, host, pid)
                SELECT gen_random_uuid(), 'host', n FROM generate_series(1, 20000) AS n;
                ANALYZE tasq.past_worker
                """)
            for mode in ["force_generic_plan", "force_custom_plan"] {
                let plan = try await database.execute(
                    """
                    SET plan_cache_mode = \(mode);
                    PREPARE p AS \(Statements(schema: "tasq").attempts.text);
                    EXPLAIN EXECUTE p('\(JobID())')
                    """)
                #expect(plan.contains("past_worker_pkey"), "\(plan)")
                #expect(!plan.contains("Seq Scan on past_worker"), "\(plan)")
            }
        }
    }
}
