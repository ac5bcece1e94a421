import Logging
import Synchronization
import Tasq
import TasqTesting

@testable import TasqModel
@testable import TasqPostgres

/// Two sessions of a real server that run the real statements, held at gates.
///
/// A gate is an advisory lock that the stage holds until it lets the session go. One stands between
/// the statement's scan and its first lock, one before a claim is deleted (both are put into the
/// statement's text) or inserted (a trigger), one before the commit.
final class RealStage: Sendable {
    /// Where a session stands.
    enum Position: Hashable {
        case atGate(Int)
        /// It waits for the other's row.
        case waiting
        case done
    }

    /// What a statement that is done came to.
    enum Outcome: Hashable, Sendable {
        /// Jobs that it says it moved: a bit for each.
        case answered(UInt8)
        case failed(String)
    }

    static let scan = 0
    static let claimRow = 1

    private let control: TasqPostgres.Session
    private let sessions: [TasqPostgres.Session]
    private let pids: [Int64]
    private let store: PostgresStore
    private let jobs: [JobID]
    private let workers = (WorkerID(), WorkerID(), WorkerID())
    private let waits = TasqPostgres.Statement(
        name: "stage_waits",
        text: """
            SELECT l.locktype = 'advisory', l.objid::bigint FROM pg_locks AS l
            WHERE l.pid = $1::bigint AND NOT l.granted
            """)
    private let standing = TasqPostgres.Statement(
        name: "stage_standing",
        text: """
            SELECT j.status::text, j.attempt, j.crashes, j.handbacks - 19, e.worker_id, e.attempt
            FROM tasq.job AS j LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
            WHERE j.id = $1::uuid
            """)
    private let claim = TasqPostgres.Statement(
        name: "stage_claim",
        text: "SELECT e.id FROM tasq.executing_job AS e WHERE e.job_id = $1::uuid")
    private let outcomes = Mutex<[Outcome?]>([nil, nil])
    private let tokens = Mutex<[[ClaimToken]]>([])
    private let hadClaim = Mutex<[Bool]>([])

    init(_ store: PostgresStore, _ database: TestDatabase) async throws {
        self.store = store
        jobs = [try await store.job(maxAttempts: 3), try await store.job(maxAttempts: 3)]
        var settings = try PostgresSettings(url: database.directURL)
        settings.idleInTransactionTimeout = .seconds(60)
        // A gate is a lock too, and a busy machine may be slow to open it, or to see that two wait.
        settings.lockTimeout = .seconds(60)
        control = Session(settings: settings, logger: quiet)
        sessions = (0..<2).map { [settings] _ in Session(settings: settings, logger: quiet) }
        try await database.execute(
            """
            ALTER DATABASE \(database.name) SET deadlock_timeout = '2s';
            CREATE SCHEMA gate;
            CREATE FUNCTION gate.pass(point integer) RETURNS boolean LANGUAGE plpgsql AS $$
            DECLARE session integer := current_setting('gate.session', true)::integer;
            BEGIN
                PERFORM pg_advisory_lock_shared(session, point);
                PERFORM pg_advisory_unlock_shared(session, point);
                RETURN true;
            END $$;
            CREATE FUNCTION gate.before_insert() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM gate.pass(\(Self.claimRow)); RETURN NEW; END $$;
            CREATE TRIGGER gate BEFORE INSERT ON tasq.executing_job
            FOR EACH ROW EXECUTE FUNCTION gate.before_insert();
            """)
        for worker in [workers.0, workers.1] {
            try await store.register(
                WorkerRecord(
                    id: worker, host: "test", processID: 1, queues: [.defaultQueue],
                    concurrency: 1, version: "test", heartbeat: .seconds(2), lease: .seconds(15)))
        }
        var pids: [Int64] = []
        for (number, session) in sessions.enumerated() {
            try await session.script("SET gate.session = \(number)")
            pids.append(try await session.query("SELECT pg_backend_pid()::bigint")[0].int(0))
        }
        self.pids = pids
    }

    func close() async {
        for session in sessions + [control] { await session.close() }
    }

    /// Puts everything to where the scene begins, and closes all gates.
    func set(_ scene: Scene) async throws {
        let state = scene.start
        tokens.withLock { $0 = jobs.map { _ in [ClaimToken(), ClaimToken()] } }
        hadClaim.withLock { $0 = (0..<2).map { state.claims[$0] != 0 } }
        var script = """
            SELECT pg_advisory_unlock_all();
            ALTER TABLE tasq.job DROP CONSTRAINT IF EXISTS finished_iff_final;
            DELETE FROM tasq.executing_job; DELETE FROM tasq.attempt;

            """
        for job in 0..<2 {
            let row = state.jobs[job]
            script += """
                UPDATE tasq.job SET status = '\(row.status)', attempt = \(row.attempt),
                    max_attempts = \(row.maxAttempts), crashes = \(row.crashes),
                    handbacks = \(19 + row.handbacks), run_at = now() - interval '1 minute',
                    finished_at = \(row.status.isFinal ? "now()" : "NULL"), last_claim = NULL
                WHERE id = '\(jobs[job])';

                """
            if state.claims[job] != 0 {
                let run = state.run(job, 1)
                script += """
                    INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                    VALUES ('\(jobs[job])', '\(token(job, 1))', '\(worker(run.worker))',
                        \(run.attempt), now());

                    """
            }
        }
        if scene.scope.hasConstraint {
            script += """
                ALTER TABLE tasq.job ADD CONSTRAINT finished_iff_final CHECK
                    ((finished_at IS NOT NULL) = (status IN ('success', 'error', 'cancelled')));

                """
        }
        // The trigger holds up the control session's own inserts no more than the gates allow.
        try await control.script("SET gate.session = 9;" + script)
        for session in 0..<2 {
            for point in [Self.scan, Self.claimRow] {
                try await control.script("SELECT pg_advisory_lock(\(session), \(point))")
            }
        }
    }

    /// Begins a statement in a transaction of its own, and waits until it stands.
    func begin(_ session: Int, _ order: Scene.Order, _ scene: Scene) async throws -> Position {
        let (statement, parameters) = try call(order, scene)
        outcomes.withLock { $0[session] = nil }
        try await sessions[session].script("BEGIN")
        Task {
            let outcome: Outcome
            do throws(StoreError) {
                let rows = try await sessions[session].run(statement, parameters)
                outcome = .answered(try moved(rows, order.statement))
            } catch {
                outcome = .failed(error.word)
            }
            outcomes.withLock { $0[session] = outcome }
        }
        return try await position(of: session)
    }

    func open(_ point: Int, of session: Int) async throws -> Position {
        try await control.script("SELECT pg_advisory_unlock(\(session), \(point))")
        return try await position(of: session)
    }

    /// Ends the transaction of a statement that is done.
    func end(_ session: Int, commits: Bool) async throws {
        try await sessions[session].script(commits ? "COMMIT" : "ROLLBACK")
        for point in [Self.scan, Self.claimRow] {
            try await control.script("SELECT pg_advisory_lock(\(session), \(point))")
        }
        // The first claim on a job that had none at the beginning is its number 1.
        for job in 0..<2 where !hadClaim.withLock({ $0[job] }) {
            var parameters = Parameters()
            parameters.append(jobs[job])
            let rows = try await control.run(claim, parameters)
            guard let row = rows.first else { continue }
            let token: ClaimToken = try row.id(0)
            tokens.withLock { $0[job][0] = token }
            hadClaim.withLock { $0[job] = true }
        }
    }

    func outcome(of session: Int) -> Outcome? { outcomes.withLock { $0[session] } }

    /// Where a session comes to stand.
    func position(of session: Int) async throws -> Position {
        var position = Position.done
        try await eventually("the session stands") {
            if outcome(of: session) != nil {
                position = .done
                return true
            }
            var parameters = Parameters()
            parameters.append(pids[session])
            let rows = try await control.run(waits, parameters)
            guard let lock = rows.first else { return false }
            position = try lock.bool(0) ? .atGate(Int(lock.int(1))) : .waiting
            return true
        }
        return position
    }

    /// What is committed, in the model's words.
    func committed() async throws -> [String] {
        var lines: [String] = []
        for job in 0..<2 {
            var parameters = Parameters()
            parameters.append(jobs[job])
            let row = try await control.run(standing, parameters)[0]
            let (status, attempt, crashes) = try (row.text(0), row.int(1), row.int(2))
            let (handbacks, holder) = try (row.int(3), row.at(4, as: WorkerID?.self))
            let claimed = try row.at(5, as: Int?.self)
            let claim = holder.map { holder in
                "claimed by \(number(holder)) as attempt \(claimed ?? 0)"
            }
            lines.append(
                "\(status) attempt \(attempt) crashes \(crashes) "
                    + "handbacks \(max(0, handbacks)) \(claim ?? "unclaimed")")
        }
        return lines
    }

    private func worker(_ number: UInt8) -> WorkerID {
        switch number {
        case 0: workers.0
        case 1: workers.1
        default: workers.2
        }
    }

    private func number(_ worker: WorkerID) -> Int {
        worker == workers.0 ? 0 : worker == workers.1 ? 1 : 2
    }

    private func token(_ job: Int, _ number: UInt8) -> ClaimToken {
        tokens.withLock { $0[job][Int(number) - 1] }
    }

    private func moved(
        _ rows: Rows, _ statement: TasqModel.Statement
    ) throws(StoreError) -> UInt8 {
        var moved: UInt8 = 0
        for row in rows {
            switch statement {
            case .claim, .sweep, .suspect: if try row.isNull(1) { continue }
            case .cancel, .retry: if try row.text(4) != "done" { continue }
            case .promote: if try row.isNull(0) { continue }
            case .settle, .reap: break
            }
            let id: JobID = try row.id(0)
            if let job = jobs.firstIndex(of: id) { moved |= 1 << UInt8(job) }
        }
        return moved
    }
}

extension RealStage {
    /// The statement with its gate, and with the scene's fault put back, and its parameters.
    private func call(
        _ order: Scene.Order, _ scene: Scene
    ) throws -> (TasqPostgres.Statement, Parameters) {
        let all = store.statements
        let ids = (0..<2).filter { order.rows & (1 << UInt8($0)) != 0 }.map { jobs[$0] }
        var parameters = Parameters()
        let statement: TasqPostgres.Statement
        switch order.statement {
        case .claim:
            statement = all.claim
            parameters.append(ids)
            parameters.append(worker(order.worker))
            parameters.append(["default"])
        case .sweep, .suspect:
            statement = order.statement == .sweep ? all.sweep : all.claimSuspect
            parameters.append(worker(order.worker))
            parameters.append(["default"])
            if order.statement == .sweep {
                parameters.append(order.rows == 3 ? 10 : 1)
                parameters.append(Int64(Sweep.reach))
                parameters.append([] as [Int64?])
                parameters.append([] as [Timestamp?])
                parameters.append([] as [JobID?])
            }
        case .settle:
            statement = all.settle
            let claims = (0..<2).filter { order.rows & (1 << UInt8($0)) != 0 }.map {
                token($0, order.isLate ? 2 : 1)
            }
            let word =
                switch order.verdict {
                case .success: "success"
                case .retry: "retry"
                case .handedBack: "handedback"
                }
            parameters.append(ids)
            parameters.append(claims)
            parameters.append(ids.map { _ in word })
            parameters.append(ids.map { _ in scene.scope.delaysRetries ? 3_600_000_000 : 0 })
            parameters.append(ids.map { _ in nil as String? })
        case .reap:
            statement = all.reap
            parameters.append(100)
            parameters.append(Int64(scene.scope.maxCrashes))
            parameters.append(nil as JobID?)
        case .cancel, .retry:
            statement = order.statement == .cancel ? all.cancel : all.retry
            parameters.append(ids)
            if order.statement == .retry { parameters.append("60000") }
        case .promote:
            statement = all.promote
            parameters.append(100)
        }
        let text = try faulty(statement.text, order, scene.scope.fault)
        let name = "\(statement.name)_\(scene.scope.fault)_\(order.worker)"
        return (TasqPostgres.Statement(name: name, text: try gated(text)), parameters)
    }

    /// Holds a statement after its scan, in front of the sort that its locks stand behind, and before
    /// it deletes a claim.
    private func gated(_ text: String) throws -> String {
        if text.contains("AND gate.pass(") { return text }
        for order in [
            "\n                AND (\n                    l.status", "\n    ORDER BY j.",
            "\n    ORDER BY u.",
        ] {
            guard let place = text.firstRange(of: order) else { continue }
            let gate = "\n        AND gate.pass(\(Self.scan))"
            let gated = String(text[..<place.lowerBound]) + gate + String(text[place.lowerBound...])
            return ["WHERE e.job_id = h.id", "WHERE e.job_id = ANY (ARRAY[h.id])"].reduce(gated) {
                $0.replacing($1, with: $1 + " AND gate.pass(\(Self.claimRow))")
            }
        }
        throw TestingError.failed("no place for a gate in \(text)")
    }

    private func faulty(
        _ text: String, _ order: Scene.Order, _ fault: Fault
    ) throws -> String {
        func edited(_ text: String, _ old: String, _ new: String) throws -> String {
            guard text.contains(old) else {
                throw TestingError.failed("the fault no longer fits: \(old)")
            }
            return text.replacing(old, with: new)
        }
        switch (fault, order.statement) {
        case (.naiveClaim, .claim), (.naiveClaim, .suspect):
            return try edited(text, "    FOR NO KEY UPDATE OF j SKIP LOCKED", "")
        case (.naiveClaim, .sweep):
            return try edited(text, "            FOR NO KEY UPDATE OF l SKIP LOCKED", "")
        case (.attemptReadAgain, .claim), (.attemptReadAgain, .sweep),
            (.attemptReadAgain, .suspect):
            return try edited(
                edited(text, "d.attempt + 1, now()", "a.attempt + 1, now()"), "FROM due AS d",
                "FROM due AS d JOIN tasq.job AS a ON a.id = d.id")
        case (.claimFirstSettle, .settle):
            let first = try edited(
                text, "    ORDER BY u.job_id\n    FOR NO KEY UPDATE OF j SKIP LOCKED\n", "")
            return try edited(
                first, "USING held AS h\n    WHERE e.job_id = ANY (ARRAY[h.id]) AND e.id = h.claim",
                """
                USING (
                    SELECT u.job_id AS id, u.claim, u.verdict, u.delay_us, u.reason
                    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
                        AS u (job_id, claim, verdict, delay_us, reason)
                ) AS h
                WHERE e.job_id = h.id AND e.id = h.claim AND gate.pass(\(Self.scan))
                """)
        case (.workerFence, .settle):
            return try edited(
                text, "AND e.id = h.claim", "AND e.worker_id = '\(worker(order.worker))'")
        case (.cancelWithoutVersion, .cancel):
            return try edited(text, "WHERE seen.xmin = l.version", "")
        default: return text
        }
    }
}
