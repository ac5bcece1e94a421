import Glibc
import Tasq
import TasqTesting
import TestSizes
import Testing

/// Workers whose sessions end: by their own end, or while others find the way back sooner.
@Suite(.system) struct CutOffTests {
    @Test func `A worker that comes back late after PostgreSQL crashed has its lease`()
        async throws
    {
        try await keepsItsJobs { _, postgres in
            await postgres.stop(.immediate)
            try await postgres.restart()
        }
    }

    @Test func `No job of a worker that may not overlap runs elsewhere before its lease is over`()
        async throws
    {
        try await keepsItsJobs(["TASQ_WORKER_ON_LEASE_UNKNOWN": "cancel"]) { fleet, _ in
            _ = try await fleet.sql(
                """
                SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                WHERE usename = 'hand'
                """)
        }
    }

    @Test func `Who is started in place of a worker that was killed need not wait for its lease`()
        async throws
    {
        try await Fleet.with { fleet in
            // Longer than anything here waits: only the fall of a lock could end it.
            let direct = [
                "TASQ_WORKER_LEASE": "\(Int(600 * Slowness.factor))s",
                "DATABASE_URL": fleet.directURL,
            ]
            let killed = try await fleet.worker(slots: 4, direct)
            fleet.log.hold()
            try await fleet.enqueue(4)
            try await eventually("every slot is taken") { fleet.log.count == 4 }
            try await eventually("it has said that it holds its lock") {
                try await fleet.number("SELECT count(*) FROM tasq.worker WHERE lock_held") == 1
            }
            killed.signal(SIGKILL)
            #expect(try await killed.wait() == .signal(SIGKILL))
            fleet.log.release()
            let next = try await fleet.worker(slots: 4, direct)
            try await fleet.reaches(4, .success)
            try await fleet.stop([next])
        }
    }

    @Test func `Behind a pooler nobody waits for the lease of a worker that was killed`()
        async throws
    {
        try await Fleet.withServer { fleet, postgres in
            let pooler = try await PrivatePooler.start(before: postgres, poolSize: 20)
            // Longer than anything here waits: only its absence from Redis could end it.
            let pooled = [
                "TASQ_WORKER_LEASE": "\(Int(600 * Slowness.factor))s",
                "DATABASE_URL": pooler.url(database: "postgres"),
            ]
            // The first one holds the maintenance term, so that its end is seen by one who does not.
            let killed = try await fleet.worker(slots: 4, pooled)
            fleet.log.hold()
            try await fleet.enqueue(4)
            try await eventually("every slot is taken") { fleet.log.count == 4 }
            let next = try await fleet.worker(slots: 4, pooled)
            try await eventually("both have said where they are seen") {
                try await fleet.number(
                    """
                    SELECT count(*) FROM tasq.worker
                    WHERE NOT lock_held AND lock_server LIKE 'redis/%'
                    """) == 2
            }
            killed.signal(SIGKILL)
            #expect(try await killed.wait() == .signal(SIGKILL))
            fleet.log.release()
            try await fleet.reaches(4, .success)
            #expect(try await fleet.number("SELECT max(attempt) FROM tasq.job") == 2)
            try await fleet.stop([next])
            await pooler.stop()
        }
    }

    @Test func `Behind a pooler a worker that lives keeps its jobs, whoever cuts its connections`()
        async throws
    {
        try await Fleet.withServer { fleet, postgres in
            let pooler = try await PrivatePooler.start(before: postgres, poolSize: 20)
            let pooled = ["DATABASE_URL": pooler.url(database: "postgres")]
            let workers = [
                try await fleet.worker(slots: 4, pooled), try await fleet.worker(slots: 4, pooled),
            ]
            func ids() async throws -> String {
                try await fleet.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM tasq.worker")
            }
            let before = try await ids()
            fleet.log.hold()
            try await fleet.enqueue(8)
            try await eventually("every slot is taken") { fleet.log.count == 8 }
            let beats = try await fleet.number("SELECT min(heartbeat_seq) FROM tasq.worker")
            try await eventually("a while has passed") {
                try await fleet.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
                return try await fleet.number("SELECT min(heartbeat_seq) FROM tasq.worker")
                    > beats + 12
            }
            #expect(try await ids() == before)
            fleet.log.release()
            try await fleet.reaches(8, .success)
            #expect(try await fleet.number("SELECT max(attempt) FROM tasq.job") == 1)
            try await fleet.stop(workers)
            await pooler.stop()
        }
    }

    /// Ends the sessions of a worker that is not let in for a while then, beside one that is.
    private func keepsItsJobs(
        _ environment: [String: String] = [:],
        when cut: (Fleet, PrivatePostgres) async throws -> Void
    ) async throws {
        try await Fleet.withServer { fleet, postgres in
            // Far longer than this takes: only the fall of a lock could end it.
            let lease = ["TASQ_WORKER_LEASE": "\(Int(90 * Slowness.factor))s"]
            _ = try await fleet.sql("CREATE ROLE hand SUPERUSER LOGIN")
            // The first one holds the maintenance term.
            let near = try await fleet.worker(slots: 4, lease)
            let nearID = try await fleet.sql("SELECT id FROM tasq.worker")
            let url = fleet.databaseURL.replacing("//postgres@", with: "//hand@")
            let late = try await fleet.worker(
                slots: 4, lease.merging(environment) { $1 }.merging(["DATABASE_URL": url]) { $1 })
            let lateID = try await fleet.sql("SELECT id FROM tasq.worker WHERE id <> '\(nearID)'")
            func beats(of worker: String) async throws -> Int {
                try await fleet.number(
                    "SELECT heartbeat_seq FROM tasq.worker WHERE id = '\(worker)'")
            }
            fleet.log.hold()
            try await fleet.enqueue(8)
            try await eventually("every slot is taken") { fleet.log.count == 8 }
            try await eventually("both beat") {
                let near = try await beats(of: nearID)
                let late = try await beats(of: lateID)
                return near > 2 && late > 2
            }
            _ = try await fleet.sql("ALTER ROLE hand NOLOGIN")
            try await cut(fleet, postgres)
            var before = 0
            try await eventually("postgres answers") {
                before = try await beats(of: nearID)
                return before > 0
            }
            // Looks once a second go with these beats.
            try await eventually("the other one has looked again and again") {
                try await beats(of: nearID) >= before + 14
            }
            let last = try await beats(of: lateID)
            #expect(last > 0, "it is not given up")
            _ = try await fleet.sql("ALTER ROLE hand LOGIN")
            try await eventually("it is back") { try await beats(of: lateID) > last }
            fleet.log.release()
            try await fleet.reaches(8, .success)
            #expect(fleet.log.count == 8, "no job ran twice")
            #expect(try await fleet.number("SELECT sum(crashes) FROM tasq.job") == 0)
            try await fleet.stop([near, late])
        }
    }
}
