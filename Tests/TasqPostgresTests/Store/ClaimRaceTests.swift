import Synchronization
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// The claim and the settlement under a storm of duplicates, and the proof that the storm finds
/// what it looks for: the same body with each of four known mistakes put back must fail.
@Suite(.serialized, .large) struct ClaimRaceTests {
    @Test(arguments: [600, 60])
    func `Every id offered ten times and more runs once, and nothing deadlocks`(
        jobs: Int
    ) async throws {
        let findings = try await storm(.none, jobs: jobs)
        #expect(findings == Findings(), "\(findings)")
    }

    @Test func `Control: the naive claim runs settled jobs again`() async throws {
        try await expect(\.extraRuns, of: .naiveClaim)
    }

    @Test func `Control: settling claim first deadlocks`() async throws {
        try await expect(\.deadlocks, of: .claimFirstSettle)
    }

    @Test func `Control: with the worker as the fence a late settlement ends another's claim`()
        async throws
    {
        try await expect(\.lateSettlements, of: .workerFence)
    }

    @Test func `Control: an attempt read again outside the lock repeats`() async throws {
        try await expect(\.repeatedAttempts, of: .attemptReadAgain, jobs: 60)
    }

    /// A mistake shows when two transactions meet at the wrong moment, which one storm may miss
    /// on a busy machine; a dozen in a row do not.
    private func expect(
        _ finding: KeyPath<Findings, Int>, of mistake: Mistake, jobs: Int = 600
    ) async throws {
        for _ in 1...12 {
            let findings = try await storm(mistake, jobs: jobs)
            if findings[keyPath: finding] > 0 { return }
        }
        Issue.record("twelve storms did not find the mistake that was put back")
    }
}

/// A mistake to put back, as an edit of the real statements.
private enum Mistake {
    case none, naiveClaim, claimFirstSettle, workerFence, attemptReadAgain

    /// The claim with this mistake in it.
    func claim(_ statement: Statement) throws -> Statement {
        switch self {
        case .naiveClaim:
            try statement.edited("naive", "    FOR NO KEY UPDATE OF j SKIP LOCKED", with: "")
        case .attemptReadAgain:
            try statement.edited(
                "again", "d.attempt + 1, now()\n    FROM due AS d",
                with: "a.attempt + 1, now()\n    FROM due AS d JOIN tasq.job AS a ON a.id = d.id")
        default: statement
        }
    }

    /// The settlement with this mistake in it.
    func settle(_ statement: Statement) throws -> Statement {
        switch self {
        case .claimFirstSettle:
            try statement.edited(
                "first",
                "USING held AS h\n    WHERE e.job_id = ANY (ARRAY[h.id])",
                with: """
                    USING (
                        SELECT u.job_id AS id, u.claim, u.verdict, u.delay_us, u.reason
                        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
                            AS u (job_id, claim, verdict, delay_us, reason)
                    ) AS h
                    WHERE e.job_id = ANY (ARRAY[h.id])
                    """
            ).edited(
                "", "    ORDER BY u.job_id\n    FOR NO KEY UPDATE OF j SKIP LOCKED\n", with: "")
        case .workerFence:
            try statement.edited(
                "worker", "AND e.id = h.claim",
                with: "AND e.worker_id = (SELECT w.id FROM tasq.worker AS w)")
        default: statement
        }
    }
}

extension Statement {
    fileprivate func edited(_ name: String, _ old: String, with new: String) throws -> Statement {
        try #require(text.contains(old), "the control no longer fits the statement")
        return Statement(name: self.name + "_" + name, text: text.replacing(old, with: new))
    }
}

/// What went wrong; all zero when nothing did.
private struct Findings: Equatable {
    /// Runs beyond one per job and one per claim that was taken away.
    var extraRuns = 0
    /// Jobs settled as final more than once, or not at all.
    var wrongFinals = 0
    /// Settlements that came back although their claim had been taken away before.
    var lateSettlements = 0
    var repeatedAttempts = 0
    var claimsLeft = 0
    var deadlocks = 0
}

/// Some jobs, 6000 offers of their ids in random order by eight lanes of one worker, while claims
/// are taken away from under it, and all of it until every job is final.
private func storm(_ mistake: Mistake, jobs: Int = 600) async throws -> Findings {
    var findings = Findings()
    try await withStore { store, database in
        try await database.execute("ALTER DATABASE \(database.name) SET deadlock_timeout = '20ms'")
        try await stretchTime(database)
        if mistake == .naiveClaim {
            // The schema refuses a finished job that executes; the control is about the statement.
            try await database.execute("ALTER TABLE tasq.job DROP CONSTRAINT finished_iff_final")
        }
        let storm = try await Storm(store, mistake, jobs: jobs)
        await withDiscardingTaskGroup { group in
            for _ in 0..<8 { group.addTask { await storm.lane() } }
            group.addTask { await storm.takeAway() }
        }
        await store.close()
        findings = try await storm.findings(in: database)
    }
    return findings
}

/// Stretches the moments in which the mistakes show, without touching the statements: between a
/// claim's snapshot and its locks (the list of paused queues takes a while to read), and between
/// the two rows that a settlement writes.
private func stretchTime(_ database: TestDatabase) async throws {
    try await database.execute(
        """
        ALTER TABLE tasq.queue_setting RENAME TO queue_setting_table;
        CREATE VIEW tasq.queue_setting AS
            SELECT NULL::text AS queue, random() < 0 AS paused FROM pg_sleep(random() * 0.02);
        CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(random() * 0.001); RETURN NEW; END $$;
        CREATE TRIGGER linger BEFORE UPDATE ON tasq.job
        FOR EACH ROW EXECUTE FUNCTION linger()
        """)
}

private final class Storm: Sendable {
    private struct Log {
        var offers: [JobID]
        var runs: [(job: JobID, attempt: Int)] = []
        var finals: [JobID: Int] = [:]
        var takenAway = 0
        var late = 0
    }

    /// Claims taken away at the most, and tries of one lane after the offers are used up.
    private static let mostTakenAway = 1500
    private static let mostTries = 5000

    private let store: PostgresStore
    private let claim: Statement
    private let settle: Statement
    /// How long a lane holds its claims.
    private let dwell = Statement(name: "dwell", text: "SELECT pg_sleep(random() * 0.02)")
    private let takeAwayStatement = Statement(
        name: "take_away",
        text: """
            WITH chosen AS MATERIALIZED (
                SELECT e.job_id, e.id FROM tasq.executing_job AS e ORDER BY random() LIMIT 10),
            held AS MATERIALIZED (
                SELECT j.id FROM tasq.job AS j WHERE j.id IN (SELECT c.job_id FROM chosen AS c)
                ORDER BY j.id FOR NO KEY UPDATE OF j),
            gone AS (
                DELETE FROM tasq.executing_job AS e USING held AS h, chosen AS c
                WHERE e.job_id = h.id AND c.job_id = h.id AND e.id = c.id RETURNING e.job_id)
            UPDATE tasq.job AS j SET status = 'queued' FROM gone AS g WHERE j.id = g.job_id
            RETURNING j.id
            """)
    private let worker: WorkerID
    private let ids: [JobID]
    private let log: Mutex<Log>

    init(_ store: PostgresStore, _ mistake: Mistake, jobs count: Int) async throws {
        self.store = store
        claim = try mistake.claim(store.statements.claim)
        settle = try mistake.settle(store.statements.settle)
        worker = try await store.registeredWorker()
        let jobs = try (0..<count).map { _ in
            try NewJob(kind: Name("noop"), maxAttempts: 1000, payload: Payload(Array("{}".utf8)))
        }
        _ = try await store.enqueue(jobs)
        let ids = jobs.map(\.id)
        self.ids = ids
        log = Mutex(Log(offers: (0..<(6000 / count)).flatMap { _ in ids }.shuffled()))
    }

    /// Claims, dawdles and settles, batch after batch, until all is final or its tries are used up:
    /// a mistake may leave a job that no claim takes, which is a finding like any other.
    func lane() async {
        for _ in 0..<Self.mostTries {
            guard let batch = nextBatch() else { return }
            let claimed = await run(claim, offering: batch)
            log.withLock { log in log.runs += claimed.map { ($0.job, $0.attempt) } }
            guard !claimed.isEmpty else { continue }
            do {
                _ = try await store.pool.run(dwell, Parameters())
            } catch {
                Issue.record(error)
            }
            await settle(claimed)
        }
    }

    /// Takes claims away from under the lanes, as a reaper would.
    func takeAway() async {
        for _ in 0..<Self.mostTries where !isDone {
            do {
                let rows = try await store.pool.run(takeAwayStatement, Parameters())
                let taken = log.withLock { log in
                    log.takenAway += rows.count
                    return log.takenAway
                }
                if taken >= Self.mostTakenAway { return }
            } catch {
                // A deadlock: counted by the server.
            }
        }
    }

    func findings(in database: TestDatabase) async throws -> Findings {
        let log = log.withLock { $0 }
        var findings = Findings()
        findings.extraRuns = log.runs.count - ids.count - log.takenAway
        findings.wrongFinals = ids.count { log.finals[$0] != 1 }
        findings.lateSettlements = log.late
        let numbers = Set(log.runs.map { "\($0.job) \($0.attempt)" })
        findings.repeatedAttempts = log.runs.count - numbers.count
        let left = try await database.execute("SELECT count(*) FROM tasq.executing_job")
        findings.claimsLeft = Int(left) ?? -1
        let deadlocks = try await database.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        findings.deadlocks = Int(deadlocks) ?? -1
        return findings
    }

    private var isDone: Bool { log.withLock { $0.finals.count == ids.count } }

    /// Ten offered ids; when the offers are used up, some that are not final yet.
    private func nextBatch() -> [JobID]? {
        log.withLock { log in
            if !log.offers.isEmpty {
                defer { log.offers.removeLast(min(10, log.offers.count)) }
                return Array(log.offers.suffix(10))
            }
            let open = ids.filter { log.finals[$0] == nil }
            return open.isEmpty ? nil : Array(open.shuffled().prefix(10))
        }
    }

    private func run(
        _ statement: Statement, offering ids: [JobID]
    ) async -> [(job: JobID, claim: ClaimToken, attempt: Int)] {
        var parameters = Parameters()
        parameters.append(ids)
        parameters.append(worker)
        parameters.append(["default"])
        do {
            return try await store.pool.run(statement, parameters).map { row in
                try (row.id(0), row.id(1), Int(row.int(5)))
            }
        } catch {
            return []
        }
    }

    /// Settles as the worker does: until it is written, or the claim was taken away.
    private func settle(_ claimed: [(job: JobID, claim: ClaimToken, attempt: Int)]) async {
        let own = Set(claimed.map(\.claim))
        var open = claimed
        for _ in 0..<1000 where !open.isEmpty {
            var parameters = Parameters()
            parameters.append(open.map(\.job))
            parameters.append(open.map(\.claim))
            parameters.append(open.map { _ in "success" })
            parameters.append(open.map { _ in 0 })
            parameters.append(open.map { _ in nil as String? })
            do {
                let rows = try await store.pool.run(settle, parameters)
                let ended = try rows.map { row in
                    (job: try row.id(0) as JobID, claim: try row.id(1) as ClaimToken)
                }
                log.withLock { log in
                    for (job, claim) in ended {
                        log.finals[job, default: 0] += 1
                        if !own.contains(claim) { log.late += 1 }
                    }
                }
                let claims = Set(ended.map(\.claim))
                open = try await heldUp(of: open.filter { !claims.contains($0.claim) })
            } catch {
                // A deadlock: counted by the server, and tried again.
            }
        }
    }

    /// Those whose claim stands: somebody had their rows locked.
    private func heldUp(
        of claimed: [(job: JobID, claim: ClaimToken, attempt: Int)]
    ) async throws -> [(job: JobID, claim: ClaimToken, attempt: Int)] {
        guard !claimed.isEmpty else { return [] }
        var question = Parameters()
        question.append(claimed.map(\.job))
        question.append(claimed.map(\.claim))
        question.append(claimed.map { _ in "success" })
        let rows = try await store.pool.run(store.statements.settledBefore, question)
        let standing = Set(
            try rows.filter { try $0.bool(5) }.map { try $0.id(1) as ClaimToken })
        return claimed.filter { standing.contains($0.claim) }
    }
}
