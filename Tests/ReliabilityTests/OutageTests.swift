import Foundation
import NIOCore
import NIOHTTP1
import Tasq
import TasqPostgres
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

/// What happens when a server or a worker stands still.
@Suite(.system) struct OutageTests {
    @Test func `Without Redis webhooks are taken and jobs run; when it comes, push resumes`()
        async throws
    {
        try await Fleet.with(redisRuns: false) { fleet in
            let server = try await Ingest.start(fleet)
            let worker = try await fleet.worker()
            for number in 1...20 {
                #expect(try await server.post("{\"n\":\(number)}", id: "a\(number)") == 202)
            }
            try await fleet.reaches(20, .success)
            try await fleet.redis.restart()
            _ = try await worker.waitForLine(containing: " works again")
            try await eventually("an announced job is taken") {
                _ = try await server.post("{}", id: UUID().uuidString)
                let commands = try await fleet.redis.command("info", "commandstats")
                return commands.contains("cmdstat_lpush") && commands.contains("cmdstat_blmpop")
            }
            try await fleet.stop([worker, server.process])
            #expect(fleet.log.overlaps == 0)
        }
    }

    @Test func `PostgreSQL away for longer than a lease: 503, nobody reaped, all goes on`()
        async throws
    {
        try await Fleet.withServer { fleet, postgres in
            let server = try await Ingest.start(fleet)
            var workers: [ChildProcess] = []
            for _ in 0..<2 { workers.append(try await fleet.worker()) }
            fleet.log.hold()
            try await fleet.enqueue(100)
            try await eventually("every slot is taken") { fleet.log.count == 16 }
            await postgres.stop(.immediate)
            for worker in workers {
                _ = try await worker.waitForLine(
                    containing: "no heartbeat was answered for a whole lease")
            }
            let refused = try await server.response("{}", id: "refused")
            #expect(refused.status == 503)
            #expect(refused.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0 > 0)
            fleet.log.release()
            try await postgres.restart()
            try await fleet.reaches(100, .success)
            try await eventually("webhooks are taken again") {
                try await server.post("{}", id: "again") != 503
            }
            try await fleet.reaches(101, .success)
            #expect(fleet.log.count == 101, "no job ran twice")
            #expect(try await fleet.number("SELECT count(*) FROM tasq.worker") == 2)
            #expect(try await fleet.number("SELECT sum(crashes) FROM tasq.job") == 0)
            for process in workers + [server.process] {
                #expect(process.exit == nil)
                #expect(process.lines.count < 200, "no hot loop: \(process.lines)")
            }
            try await fleet.stop(workers + [server.process])
        }
    }

    @Test func `Jobs whose end was lost with a primary are run again, by the worker that lives`()
        async throws
    {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker()
            try await fleet.enqueue(3)
            try await fleet.reaches(3, .success)
            // What a standby has that had not heard of their end, and took over.
            _ = try await fleet.sql(
                """
                BEGIN;
                UPDATE tasq.job SET status = 'executing', finished_at = NULL, last_claim = NULL;
                INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                SELECT j.id, gen_random_uuid(), w.id, j.attempt, now()
                FROM tasq.job AS j, tasq.worker AS w;
                COMMIT;
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND application_name LIKE 'tasq%'
                """)
            try await fleet.reaches(3, .success)
            #expect(fleet.log.count == 6)
            try await fleet.stop([worker])
        }
    }

    @Test func `A worker whose login is refused for a while registers anew and goes on`()
        async throws
    {
        try await Fleet.withServer { fleet, _ in
            _ = try await fleet.sql("CREATE ROLE hand SUPERUSER LOGIN")
            let url = fleet.databaseURL.replacing("//postgres@", with: "//hand@")
            let worker = try await fleet.worker(["DATABASE_URL": url])
            let other = try await fleet.worker()
            func workers() async throws -> Int {
                try await fleet.number("SELECT count(*) FROM tasq.worker")
            }
            _ = try await fleet.sql("ALTER ROLE hand NOLOGIN")
            _ = try await fleet.sql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hand'
                """)
            try await eventually("it is reaped") { try await workers() == 1 }
            _ = try await fleet.sql("ALTER ROLE hand LOGIN")
            try await eventually("it is there again") { try await workers() == 2 }
            try await fleet.stop([other])
            try await fleet.enqueue(1)
            try await fleet.reaches(1, .success)
            try await fleet.stop([worker])
        }
    }

    @Test func `A worker stopped past its lease settles nothing late`() async throws {
        try await Fleet.with { fleet in
            let paused = try await fleet.worker(slots: 4)
            fleet.log.hold()
            try await fleet.enqueue(4)
            try await eventually("its slots are taken") { fleet.log.count == 4 }
            paused.signal(SIGSTOP)
            let other = try await fleet.worker(slots: 4)
            try await fleet.reaches(4, .success)
            let claims = try await fleet.sql("SELECT last_claim FROM tasq.job ORDER BY id")
            #expect(fleet.log.count == 8)
            paused.signal(SIGCONT)
            fleet.log.release()
            _ = try await paused.waitForLine(containing: "this worker was reaped")
            _ = try await paused.waitForLine(containing: "worker registered")
            let more = try await fleet.enqueue(20)
            try await eventually("work goes on") {
                for id in more where try await fleet.store.job(id)?.status != .success {
                    return false
                }
                return true
            }
            let after = try await fleet.sql(
                "SELECT last_claim FROM tasq.job ORDER BY id LIMIT 4")
            #expect(after == claims)
            #expect(try await fleet.number("SELECT sum(attempt) FROM tasq.job") == 8 + 20)
            #expect(fleet.log.count == 28)
            try await fleet.stop([paused, other])
        }
    }

    @Test func `Connections cut again and again leave no claim nobody knows of`() async throws {
        try await Fleet.with { fleet in
            var workers: [ChildProcess] = []
            for _ in 0..<2 { workers.append(try await fleet.worker(slots: 16)) }
            for step in 1...20 {
                try await fleet.enqueue(200)
                // Waits for their end: the next enqueue is not to meet one that is just dying.
                _ = try await fleet.sql(
                    """
                    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                        AND application_name <> 'psql' AND backend_type = 'client backend'
                    """)
                if step % 5 == 0 { try await fleet.reaches(step * 100, .success) }
            }
            try await eventually(within: .seconds(120).onThisMachine, "every job has ended well") {
                try await fleet.number(
                    "SELECT count(*) FROM tasq.job WHERE status <> 'success'") == 0
            }
            #expect(try await fleet.number("SELECT count(*) FROM tasq.executing_job") == 0)
            #expect(try await fleet.number("SELECT sum(crashes) FROM tasq.job") == 0)
            #expect(fleet.log.overlaps == 0)
            try await fleet.stop(workers)
        }
    }

    @Test func `While Redis hangs, jobs run as fast as the table is read`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 4)
            fleet.redis.pause()
            // Waiting for Redis before every look at the table, four jobs a time, would take
            // minutes.
            try await fleet.enqueue(300, kind: "noop")
            try await fleet.reaches(300, .success, within: .seconds(60).onThisMachine)
            fleet.redis.resume()
            _ = try await worker.waitForLine(containing: " works again")
            try await fleet.stop([worker])
        }
    }

    @Test func `While announcements get lost, jobs are found without waiting for one`()
        async throws
    {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker(slots: 4)
            _ = try await fleet.redis.command("config", "set", "maxmemory", "1")
            try await fleet.enqueue(400, kind: "noop")
            try await fleet.reaches(400, .success, within: .seconds(60).onThisMachine)
            try await fleet.stop([worker])
        }
    }

    @Test func `Jobs of a killed worker run again beside one that never ends`() async throws {
        try await Fleet.with { fleet in
            fleet.log.hold()
            let doomed = try await fleet.worker(slots: 6)
            try await fleet.enqueue(6)
            try await eventually("its slots are taken") { fleet.log.count == 6 }
            let busy = try await fleet.worker(slots: 8)
            try await fleet.enqueue(1)
            try await eventually("one of the other's is taken for good") { fleet.log.count == 7 }
            doomed.signal(SIGKILL)
            // Held are first attempts only: what the dead worker had on board is free to end.
            try await eventually("its jobs have run again") {
                let ended = try await fleet.sql(
                    "SELECT DISTINCT status FROM tasq.job WHERE crashes > 0")
                return ended == "success"
            }
            #expect(try await fleet.count(.executing) > 0, "the other still holds its own")
            fleet.log.release()
            try await fleet.reaches(7, .success)
            try await fleet.stop([busy])
        }
    }

    @Test func `SIGTERM hands back what does not end in time, without burning an attempt`()
        async throws
    {
        try await Fleet.with { fleet in
            let leaving = try await fleet.worker(slots: 4, ["TASQ_WORKER_GRACE": "1s"])
            fleet.log.hold()
            let ids = try await fleet.enqueue(4)
            try await eventually("its slots are taken") { fleet.log.count == 4 }
            leaving.signal(SIGTERM)
            #expect(try await leaving.wait() == .code(0))
            for id in ids {
                let job = try #require(try await fleet.store.job(id))
                #expect(job.status == .queued && job.attempt == 0 && job.crashes == 0)
            }
            #expect(try await fleet.number("SELECT count(*) FROM tasq.worker") == 0)
            #expect(try await fleet.number("SELECT count(*) FROM tasq.executing_job") == 0)
            fleet.log.release()
            let next = try await fleet.worker(slots: 4)
            try await fleet.reaches(4, .success)
            try await fleet.stop([next])
        }
    }

    @Test func `A second SIGTERM hands back at once`() async throws {
        try await Fleet.with { fleet in
            let leaving = try await fleet.worker(slots: 4, ["TASQ_WORKER_GRACE": "10m"])
            fleet.log.hold()
            try await fleet.enqueue(4)
            try await eventually("its slots are taken") { fleet.log.count == 4 }
            leaving.signal(SIGTERM)
            _ = try await leaving.waitForLine(containing: "worker is leaving")
            leaving.signal(SIGTERM)
            #expect(try await leaving.wait() == .code(143))
            #expect(try await fleet.count(.queued) == 4)
            #expect(try await fleet.number("SELECT sum(attempt) FROM tasq.job") == 0)
        }
    }
}

/// A `tasq serve` process and signed requests to it.
struct Ingest {
    let process: ChildProcess
    let address: String

    static func start(_ fleet: Fleet) async throws -> Ingest {
        let process = try await fleet.tasq(
            ["serve"],
            ["TASQ_HTTP_INGEST": "127.0.0.1:0", "TASQ_HTTP_ADMIN": "127.0.0.1:0"])
        let line = try await process.waitForLine(containing: "ingest")
        let port = line.split { !$0.isNumber }.last.map(String.init) ?? ""
        return Ingest(process: process, address: "http://127.0.0.1:\(port)/in/github")
    }

    func post(_ body: String, id: String) async throws -> Int {
        try await response(body, id: id).status
    }

    func response(_ body: String, id: String) async throws -> HTTPAnswer {
        let signer = try WebhookSigner(
            scheme: .github, secret: Fleet.environment["GITHUB_SECRET"] ?? "")
        var request = try HTTPRequest(url: address)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        for header in signer.headers(for: Array(body.utf8), id: id, at: .now) {
            request.headers.add(name: header.name, value: header.value)
        }
        request.body = Array(body.utf8)
        return try await request.answer(within: .seconds(60))
    }
}
