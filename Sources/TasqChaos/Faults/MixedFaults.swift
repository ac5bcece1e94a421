import Tasq
import TasqTesting

/// Several things at once, and what only tests the fences.
extension Fault {
    static var mixedFaults: [Fault] {
        [reapStorm, twoLeaders, backlogFlush, redisOutage, upgrade, swizzle]
    }

    /// A reaper that is wrong about everybody.
    private static var reapStorm: Fault {
        Fault(
            name: "reap-storm", summary: "claims of living workers are taken back at random",
            isQuick: true, setup: Setup(allows: [.falseDeaths])
        ) { rig in
            for round in 0..<40 {
                try await rig.sql(
                    """
                    DO $$ BEGIN
                    WITH chosen AS MATERIALIZED (
                        SELECT e.job_id, e.id FROM tasq.executing_job AS e
                        WHERE e.attempt < 10 ORDER BY random() LIMIT 8),
                    held AS MATERIALIZED (
                        SELECT j.id FROM tasq.job AS j WHERE j.id IN (SELECT c.job_id FROM chosen AS c)
                        ORDER BY j.id FOR NO KEY UPDATE OF j),
                    gone AS (
                        DELETE FROM tasq.executing_job AS e USING held AS h, chosen AS c
                        WHERE e.job_id = h.id AND c.job_id = h.id AND e.id = c.id RETURNING e.job_id)
                    UPDATE tasq.job AS j
                    SET status = (CASE WHEN j.attempt < j.max_attempts THEN 'queued' ELSE 'error' END)
                            ::tasq.job_status,
                        finished_at = CASE WHEN j.attempt >= j.max_attempts THEN now() END
                    FROM gone AS g WHERE j.id = g.job_id;
                    -- With a mistake put back it may be this one that is thrown out of a deadlock,
                    -- which PostgreSQL counts all the same.
                    EXCEPTION WHEN deadlock_detected THEN NULL;
                    END $$
                    """)
                if round.isMultiple(of: 4) { try await rig.announceAgain(jobs: 100, times: 2) }
                try await rig.pass(.milliseconds(150))
            }
            return []
        }
    }

    private static var twoLeaders: Fault {
        Fault(
            name: "two-reapers",
            summary: "several processes hold the maintenance term at once while workers die",
            setup: Setup(programs: [.chaos], allLead: true), limits: [.struck(10)]
        ) { rig in
            // Each time that another takes it from whoever holds it, and believes to do so still.
            let before = try await rig.terms()
            for round in 0..<60 {
                if round % 20 == 5 { await rig.drawWorker().kill() }
                if round % 20 == 10 { try await rig.redis.command("FLUSHALL") }
                try await rig.pass(.milliseconds(200))
            }
            let terms = try await rig.terms() - before
            try await rig.allReady()
            return [.struck(terms)]
        }
    }

    private static var backlogFlush: Fault {
        Fault(
            name: "backlog-flush", summary: "FLUSHALL while 100 000 jobs are queued",
            // Most of them must still be there.
            setup: Setup(
                calm: .seconds(3), backlog: 100_000, load: .plain(milliseconds: 1),
                fillsMachine: true, excuses: Excuse.ofSlowness),
            limits: [.noRequestFails, .atMost(5000, "healed"), .struck(50_000)]
        ) { rig in
            let queued = try await rig.queued()
            try await rig.redis.command("FLUSHALL")
            return [.struck(queued)]
        }
    }

    private static var redisOutage: Fault {
        Fault(
            name: "redis-outage",
            summary: "Redis is away for a minute while 200 000 jobs are queued",
            setup: Setup(
                calm: .seconds(3), backlog: 200_000, load: .plain(milliseconds: 1),
                fillsMachine: true, excuses: Excuse.ofSlowness),
            limits: [
                .noRequestFails, .atLeast(50, "rate during, share"),
                // Some must be left to the end, or the rate is that of what comes in.
                .atMost(2000, "healed"), .struck(1000),
            ]
        ) { rig in
            await rig.redis.kill()
            let end = ContinuousClock.now + .seconds(60)
            while end > .now {
                // A fast machine would be through with all of them before the minute is over.
                if try await rig.queued() < 50_000 { try await rig.enqueueBySQL(20_000) }
                try await rig.pass(min(.seconds(1), max(.zero, end - .now)))
            }
            let queued = try await rig.queued()
            try await rig.redis.restart()
            return [.struck(queued)]
        }
    }

    private static var swizzle: Fault {
        Fault(
            name: "swizzle", summary: "a random choice of faults, healed in another random order",
            marksItself: true, prepare: { stage in try await stage.openWay() }
        ) { rig in
            for _ in 0..<3 {
                var healings: [@Sendable () async throws -> Void] = []
                for trouble in Trouble.allCases.shuffled(by: rig).prefix(rig.draw(2...4)) {
                    healings.append(try await rig.begin(trouble))
                    try await rig.pass(.milliseconds(rig.draw(200...1500)))
                }
                try await rig.pass(.milliseconds(rig.draw(0...4000)))
                for heal in healings.shuffled(by: rig) {
                    try await heal()
                    try await rig.pass(.milliseconds(rig.draw(200...1500)))
                }
            }
            try await rig.allReady()
            return []
        }
    }
}

extension Fault {
    /// Random troubles, one or several at a time, for a long time.
    static func soak(minutes: Int) -> Fault {
        // In a few minutes nothing can be seen to grow.
        let evidence: [Limit] =
            minutes < 15
            ? []
            : [
                .atLeast(1, "processes that lived"), .atLeast(100, "undisturbed looks"),
                .atMost(10, "connections growth an hour"),
            ]
        return Fault(
            name: "soak", summary: "random faults for \(minutes) minutes",
            setup: Setup(rate: 100),
            // One file or connection left by each trouble would be a hundred an hour and more.
            limits: evidence + [
                .atMost(20, "memory growth an hour"), .atMost(10, "open files growth an hour"),
            ],
            marksItself: true, prepare: { stage in try await stage.openWay() }
        ) { rig in
            let start = ContinuousClock.now
            let end = start + .seconds(60 * minutes)
            var round = 0
            while ContinuousClock.now < end {
                round += 1
                // Now and then all is healed and goes on for a while, so that it can be looked at.
                let isQuiet = round.isMultiple(of: 4)
                try await rig.pass(
                    isQuiet
                        ? rig.plan.profile.healLimit + .seconds(20)
                        : .milliseconds(rig.draw(8000...25_000)))
                // The server of the second half lives to the end, so that its memory can be seen.
                let isSecondHalf = ContinuousClock.now - start > .seconds(30 * minutes)
                let troubles = Trouble.allCases.filter { $0 != .killedServer || !isSecondHalf }
                var healings: [@Sendable () async throws -> Void] = []
                for trouble in troubles.shuffled(by: rig).prefix(rig.draw(1...2)) {
                    healings.append(try await rig.begin(trouble))
                }
                try await rig.pass(.milliseconds(rig.draw(500...6000)))
                for heal in healings { try await heal() }
            }
            try await rig.allReady()
            return []
        }
    }
}

/// Something that can be begun and ended at any moment, beside others.
enum Trouble: CaseIterable, Sendable {
    case pausedWorker, killedWorker, pausedRedis, killedRedis, flushedRedis, crashedPostgres
    case terminatedSessions, killedServer, cutWorker

    /// Begins it; the answer ends it.
    fileprivate func begin(in rig: Rig) async throws -> @Sendable () async throws -> Void {
        switch self {
        case .pausedWorker:
            let worker = rig.drawWorker()
            await worker.pause()
            return { await worker.resume() }
        case .killedWorker:
            // The first one lives through it all, so that its memory can be seen.
            let last = rig.workers.count - 1
            await rig.workers[rig.draw(min(1, last)...last)].kill()
            return {}
        case .pausedRedis:
            rig.redis.pause()
            return { rig.redis.resume() }
        case .killedRedis:
            await rig.redis.kill()
            return { try await rig.redis.restart() }
        case .flushedRedis:
            // Redis may be standing still or gone.
            let flush = ["redis-cli", "-p", "\(rig.redis.port)", "FLUSHALL"]
            do { try await ChildProcess.run(["timeout", "2"] + flush) } catch {}
            return {}
        case .crashedPostgres:
            await rig.postgres.stop(.immediate)
            return { try await rig.postgres.restart() }
        case .terminatedSessions:
            do {
                try await rig.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(Stage.role)'"
                )
            } catch {}
            return {}
        case .killedServer:
            await rig.server.kill()
            return {}
        case .cutWorker:
            guard let way = rig.stage.way, let worker = rig.workers.last else { return {} }
            await rig.markDisturbed(worker, "CUT")
            way.set(.cut)
            return { way.set(.fair) }
        }
    }
}

extension Collection {
    /// The same order from the same seed.
    func shuffled(by rig: Rig) -> [Element] {
        var elements = Array(self)
        guard elements.count > 1 else { return elements }
        for index in 1..<elements.count { elements.swapAt(index, rig.draw(0...index)) }
        return elements
    }
}

extension Rig {
    /// How often the maintenance term went to another.
    fileprivate func terms() async throws -> Int {
        try await number("SELECT coalesce(max(term), 0) FROM tasq.leader")
    }

    /// Begins a trouble and notes that; the answer ends it and notes that.
    fileprivate func begin(
        _ trouble: Trouble
    ) async throws -> @Sendable () async throws -> Void {
        log.write(Event(kind: .faultStart, name: "\(trouble)"))
        let heal = try await trouble.begin(in: self)
        return {
            try await heal()
            self.log.write(Event(kind: .faultStop, name: "\(trouble)"))
        }
    }

    /// Enqueues jobs by `tasq.enqueue`, in one transaction. The log says that they were asked for
    /// and acknowledged, as for any other client.
    func enqueueBySQL(_ count: Int) async throws {
        let jobs = (0..<count).map { _ in load.drawn(.run) }
        for job in jobs {
            log.write(Event(kind: .asked, token: job.token, name: "run", batch: jobs[0].token))
        }
        var ids: [Substring] = []
        for start in stride(from: 0, to: count, by: 5000) {
            let rows = jobs[start..<min(count, start + 5000)].map { "('\($0.token)')" }
            ids += try await sql(
                """
                SELECT tasq.enqueue('run',
                    jsonb_build_object('tok', t.token, 'ms', 1, 'failures', 0), key => t.token)
                FROM (VALUES \(rows.joined(separator: ","))) AS t (token)
                """
            ).split(separator: "\n")
        }
        for (job, id) in zip(jobs, ids) {
            log.write(
                Event(kind: .acknowledged, token: job.token, job: String(id), batch: jobs[0].token))
        }
    }
}
