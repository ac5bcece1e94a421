import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqTesting

/// One run of one fault: servers and processes are started, loaded, disturbed, drained and stopped;
/// then what they left behind is checked.
struct Trial: Sendable {
    let plan: Plan
    let scratch: Scratch
    private let say: @Sendable (String) -> Void
    private let stopwatch = Stopwatch()

    /// `say` is told what is being done, a phase at a time.
    init(plan: Plan, scratch: Scratch, say: @escaping @Sendable (String) -> Void) {
        self.plan = plan
        self.scratch = scratch
        self.say = say
    }

    /// Throws `TestingError` when the servers would not start, ``TrialError`` for anything else.
    func run() async throws -> Report {
        let evidence = try Evidence(
            named: "\(plan.fault.name)-\(plan.seed)", in: plan.keep)
        tell("starting servers")
        let stage: Stage
        do {
            stage = try await makeStage(evidence)
        } catch {
            evidence.remove()
            throw error
        }
        do {
            var report = try await run(on: stage)
            report.seconds = stopwatch.end()
            if plan.keep == nil, report.isClean {
                evidence.remove()
            } else {
                report.evidence = evidence.path
                evidence.write(report.json, to: "report.json")
            }
            return report
        } catch {
            evidence.write("\(error)\n", to: "error.txt")
            if plan.keep == nil, error is CancellationError {
                evidence.remove()
                throw error
            }
            throw TrialError(evidence: evidence.path, cause: error)
        }
    }

    private func tell(_ phase: String) {
        stopwatch.begin(phase)
        say(phase)
    }

    private func run(on servers: Stage) async throws -> Report {
        var stage = servers
        do {
            try await plan.fault.prepare(&stage)
            let own = try await play(on: stage)
            tell("stopping servers")
            await clear(stage)
            tell("checking")
            return try await check(stage.evidence, own: own)
        } catch {
            await clear(stage)
            throw error
        }
    }

    /// The servers, and the run's database in them.
    private func makeStage(_ evidence: Evidence) async throws -> Stage {
        let setup = plan.fault.setup
        let clock = setup.fakesClock ? try await FakeClock.make() : nil
        let postgres = try await PrivatePostgres.start(
            settings: [
                "track_commit_timestamp": "on", "log_line_prefix": Rig.logPrefix,
            ].merging(setup.postgresSettings) { $1 },
            durable: false, environment: clock?.environment ?? [:])
        let redis = try await PrivateRedis.start(arguments: setup.redisArguments)
        var stage = Stage(
            plan: plan, evidence: evidence, postgres: postgres, redis: redis,
            road: Stage.Road(
                databaseURL: Stage.databaseURL(port: postgres.port), redisURL: redis.url))
        if let clock {
            stage.clock = clock
            stage.cleanups.append { clock.remove() }
        }
        try await makeDatabase(on: postgres, redis)
        return stage
    }

    /// Processes, load, fault, drain; returns what the fault measured.
    private func play(on stage: Stage) async throws -> [Figure] {
        let log = try EventLog(at: stage.evidence.log(of: "chaos"), process: "chaos")
        let runs = try EventLog(at: stage.evidence.log(of: "endpoint"), process: "endpoint")
        return try await Endpoint.serve(runs) { endpoint in
            let rig = try Rig(
                plan: plan, evidence: stage.evidence, stage: stage, log: log, endpoint: endpoint)
            do {
                let figures = try await disturb(rig)
                tell("copying rows")
                try await dump(rig)
                return figures
            } catch {
                for member in rig.members { await member.noteOutput() }
                throw error
            }
        }
    }

    /// Stops the servers and undoes the rest, also when the task was cancelled.
    private func clear(_ stage: Stage) async {
        stage.evidence.keep(stage.postgres.directory + "/log", as: "postgres.log")
        stage.evidence.keep(stage.redis.directory + "/log", as: "redis.log")
        await Task {
            await stage.redis.stop()
            await stage.postgres.stop(.immediate)
            for cleanup in stage.cleanups { await cleanup() }
        }.value
    }

    /// The run's database, with tasq's tables in it and everything that happens to them written
    /// down.
    private func makeDatabase(
        on postgres: PrivatePostgres, _ redis: PrivateRedis
    ) async throws {
        try await postgres.execute("CREATE ROLE \(Stage.role) LOGIN")
        try await postgres.execute("CREATE DATABASE \(Stage.database) OWNER \(Stage.role)")
        if plan.fault.setup.startsOld, let old = Fault.oldProgram {
            let process = try await ChildProcess.start(
                old, ["migrate"],
                environment: [
                    "DATABASE_URL": Stage.databaseURL(port: postgres.port), "REDIS_URL": redis.url,
                ], directory: "/")
            let exit = try await process.wait()
            guard exit == .code(0) else {
                throw TestingError.failed("\(old) migrate: \(exit): \(process.standardError)")
            }
        } else {
            try await migrate(postgres)
        }
        let audit = String(decoding: PackageResources.audit_sql, as: UTF8.self)
        try await postgres.execute(
            audit + (plan.fault.setup.sql ?? "") + (plan.mistake?.stage ?? ""), in: Stage.database)
    }

    private func migrate(_ postgres: PrivatePostgres) async throws {
        let logger = Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() }
        let store = PostgresStore(
            try PostgresSettings(url: Stage.databaseURL(port: postgres.port)), logger: logger)
        do {
            try await store.migrate()
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// The processes' whole life; returns what the fault measured.
    private func disturb(_ rig: Rig) async throws -> [Figure] {
        let sampler = try Sampler(rig: rig)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            if plan.fault.setup.backlog > 0 {
                tell("queueing jobs")
                try await rig.enqueueBySQL(plan.fault.setup.backlog)
            }
            for member in rig.members { group.addTask { await member.run() } }
            group.addTask { await sampler.run() }
            defer { group.cancelAll() }
            tell("starting processes")
            for member in rig.members { try await member.ready() }
            group.addTask { await rig.load.run() }
            rig.log.write(Event(kind: .phase, name: "load"))
            tell("load")
            try await Task.sleep(for: plan.calm)
            tell("fault")
            var figures = try await strike(rig)
            rig.log.write(Event(kind: .phase, name: "heal"))
            tell("healing")
            try await Task.sleep(for: plan.convalescence)
            rig.load.rate = max(rig.load.rate, plan.restRate)
            try await eventually(
                within: .seconds(600), "\(plan.jobs) jobs are acknowledged"
            ) { rig.load.tally.acknowledged >= plan.jobs }
            rig.load.finish()
            rig.log.write(Event(kind: .phase, name: "drain"))
            tell("draining")
            await drain(rig)
            if plan.fault.setup.comparesCounters {
                let more = try await rig.load.overcount()
                figures.append(Figure(name: "counted beyond what was told", value: Double(more)))
            }
            rig.log.write(Event(kind: .phase, name: "end"))
            tell("stopping processes")
            await stop(rig)
            return figures
        }
    }

    private func strike(_ rig: Rig) async throws -> [Figure] {
        if plan.fault.marksItself { return try await plan.fault.strike(rig) }
        return try await rig.disturbing(plan.fault.name) { try await plan.fault.strike(rig) }
    }

    /// Waits until every job has come to its end. If some never do, the checkers will tell. With a
    /// mistake put back it ends when nothing has for a while: what is left then was forgotten, and
    /// did not merely have to wait.
    private func drain(_ rig: Rig) async {
        let limit = plan.profile.drainLimit + .seconds(plan.fault.setup.backlog / 400)
        var left = Int.max
        var since = ContinuousClock.now
        _ = await rig.comes(within: limit, patiently: true, "every job has ended") {
            let count = try await rig.number(
                "SELECT count(*) FROM tasq.job WHERE status IN ('scheduled', 'queued', 'executing')"
            )
            if count != left { (left, since) = (count, .now) }
            let isStuck = plan.mistake != nil && ContinuousClock.now - since > .seconds(20)
            return count == 0 || isStuck
        }
    }

    private func stop(_ rig: Rig) async {
        let limit = plan.profile.grace + .seconds(10)
        await withDiscardingTaskGroup { group in
            for member in rig.members { group.addTask { await member.stop(within: limit) } }
        }
    }

    /// Copies the rows that the checkers want out of the run's database.
    private func dump(_ rig: Rig) async throws {
        func copy(_ query: String, _ file: String) async throws {
            try await rig.sql("\\copy (\(query)) TO '\(rig.evidence.file(file))' WITH CSV\n")
        }
        try await copy(
            """
            SELECT n, xid, at, pg_xact_commit_timestamp(xid::xid), began, tbl, op, job, claim, \
            worker, token, kind, queue, old_status, status, old_attempt, attempt, max_attempts, \
            old_crashes, crashes, old_handbacks, handbacks, last_claim, run_at, unique_key, pid, \
            beat, lease_us, queues, paused FROM audit.change
            """, "change.csv")
        try await copy(
            """
            SELECT id, key, kind, queue, status, attempt, max_attempts, crashes, last_claim, \
            unique_key, finished_at IS NOT NULL FROM tasq.job
            """, "job.csv")
        try await copy("SELECT job_id, id, worker_id FROM tasq.executing_job", "claim_left.csv")
        try await copy(
            "SELECT job_id, claim, attempt, outcome, octet_length(reason) FROM tasq.attempt",
            "attempt.csv")
        try await copy("SELECT schedule, tick, job_id FROM tasq.schedule_tick", "tick.csv")
    }

    private func check(_ evidence: Evidence, own: [Figure]) async throws -> Report {
        try await scratch.withDatabase { history in
            try await history.load(evidence, plan.settings)
            let findings = try await history.check()
            return Report(
                plan: plan, findings: findings, figures: own + (try await history.figures()),
                lostWithPrimary: try await history.lostWithPrimary())
        }
    }
}

/// A run that came to no report: something of the suite itself failed.
struct TrialError: Error, CustomStringConvertible {
    let evidence: String
    let cause: any Error

    var description: String { "\(cause) (see \(evidence))" }
}
