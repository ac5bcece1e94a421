import CPostgres
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// What statements answer with, as PostgreSQL describes it, against what the store reads.
@Suite(.medium) struct ReaderTests {
    /// Whose answers only a heartbeat reads, or only after others that made-up rows cannot give.
    private let unasked: Set<String> = [
        "tasq_grant", "tasq_lock", "tasq_rearm", "tasq_replace", "tasq_reschedule", "tasq_revoked",
    ]

    @Test func `Every answer is read to its last column, each as what it is`() async throws {
        try await withStore { _, database in
            let answers = try answers(at: database.url)
            var settings = try PostgresSettings(url: database.url).patient
            settings.poolSize = 1
            let store = PostgresStore(
                settings, logger: quiet,
                editing: { statement in
                    Statement(
                        name: statement.name, text: answers[statement.name] ?? statement.text,
                        isPlannedAnew: statement.isPlannedAnew)
                })
            try await askAsWorker(store)
            try await askAsOperator(store)
            let prepared = Statement(name: "p", text: "SELECT name FROM pg_prepared_statements")
            let asked = try await store.pool.run(prepared, Parameters()).column(of: String.self)
            #expect(asked.count > 60)
            #expect(Set(answers.keys).subtracting(asked).isSubset(of: unasked))
            await store.close()
        }
    }

    /// For each statement that answers with rows another that answers with one row of such values.
    private func answers(at url: String) throws -> [String: String] {
        let connection = unsafe PQconnectdb(url)
        defer { unsafe PQfinish(connection) }
        var answers: [String: String] = [:]
        for statement in Statements(schema: "tasq").all {
            unsafe PQclear(PQprepare(connection, statement.name, statement.text, 0, nil))
            let described = unsafe PQdescribePrepared(connection, statement.name)
            defer { unsafe PQclear(described) }
            var values: [String] = []
            let columns = unsafe PQnfields(described)
            for column in 0..<columns {
                let type = unsafe PQftype(described, column)
                values.append(try #require(value(ofType: type), "\(statement.name), type \(type)"))
            }
            if !values.isEmpty {
                answers[statement.name] = "SELECT " + values.joined(separator: ", ")
            }
        }
        try #require(answers.count > 60)
        return answers
    }

    private func value(ofType number: UInt32) -> String? {
        switch number {
        case 16: "TRUE"
        case 17: "''::bytea"
        case 20: "0::bigint"
        case 21: "0::smallint"
        case 23: "0::integer"
        case 25: "''::text"
        case 1009: "'{}'::text[]"
        case 1184: "now()"
        case 2950: "'00000000-0000-0000-0000-000000000000'::uuid"
        default: nil
        }
    }

    private func askAsWorker(_ store: PostgresStore) async throws {
        let (id, claim, worker) = (JobID(), ClaimToken(), WorkerID())
        let event = NewEvent(
            source: try Name("s"), providerID: "1", payload: Payload([]), jobs: [try job()])
        let remote = try RemoteWorker(id: worker).record(id: worker)
        await ask { _ = try await store.enqueue([try job(uniqueKey: "k")]) }
        await ask { _ = try await store.accept([event]) }
        await ask {
            _ = try await store.replay(PayloadID(), as: [try job()], unlessUnfinished: false)
        }
        await ask { _ = try await store.claim([id], for: worker, from: defaultQueues) }
        await ask { _ = try await store.sweep(upTo: 1, for: worker, from: defaultQueues) }
        await ask { _ = try await store.suspectsTurn(of: worker, on: defaultQueues) }
        await ask { _ = try await store.claimSuspect(for: worker, from: defaultQueues) }
        await ask { _ = try await store.claims(of: worker) }
        await ask { _ = try await store.stillQueued([id]) }
        await ask { _ = try await store.body(of: id, heldBy: claim) }
        await ask { _ = try await store.piece(of: PayloadID(), from: 0, count: 1) }
        await ask {
            // Two, of which one seems not to be settled.
            let settlement = Settlement(job: id, claim: claim, verdict: .success)
            _ = try await store.settle([settlement, settlement])
        }
        await ask { _ = try await store.attend(remote, renewing: true, unlessRunning: [id]) }
        await ask { _ = try await store.renew(claim, of: id) }
        await ask { _ = try await store.retire([worker], silentAt: [:], unlessRunning: [id]) }
        await ask { try await store.deregister(worker) }
        await ask { _ = try await store.ask(as: worker) }
        await ask { _ = try await store.identity() }
        await ask { _ = try await store.bury(worker, at: 0) }
        await ask { _ = try await store.reap(upTo: 1) }
        await ask { _ = try await store.promote(upTo: 1) }
        await ask { _ = try await store.hasten(on: defaultQueues, upTo: 1) }
        await ask { _ = try await store.queued(after: nil, limit: 1) }
        await ask { try await store.tally() }
        await ask { _ = try await store.expired(by: .usual, after: nil, limit: 1) }
        await ask {
            let old = ExpiredJob(
                id: id, queue: .defaultQueue, status: .success, finishedAt: .now)
            _ = try await store.prune([old])
        }
        await ask {
            let record = try #require(try await store.dueSchedules(upTo: 1).records.first)
            let firing = Firing(
                schedule: record, ticks: [(tick: .now, job: try job())], next: nil)
            _ = try await store.fire([firing], isByHand: false)
        }
    }

    private func askAsOperator(_ store: PostgresStore) async throws {
        let (id, body) = (JobID(), PayloadID())
        let request = try BulkRequest(.cancel, JobFilter(queue: .defaultQueue))
        let errors = try BulkRequest(.retry, JobFilter(queue: .defaultQueue))
        for action in JobAction.allCases {
            await ask { _ = try await store.apply(action, to: [id]) }
        }
        await ask { _ = try await store.startBulk(BulkID(), .jobs(request), dryRun: true) }
        await ask { _ = try await store.bulk(BulkID()) }
        await ask { _ = try await store.bulkHolds() }
        await ask {
            let record = try #require(
                try await store.holdBulk(
                    as: WorkerID(), for: .seconds(1), takingOver: [:], replays: false))
            _ = try await store.advanceBulk(record, by: WorkerID(), for: .zero)
        }
        for request in [request, errors] {
            await ask {
                _ = try await store.matching(request, after: nil, until: nil, limit: 1)
            }
        }
        let replay = try ReplayRequest(EventFilter(status: .error))
        await ask {
            _ = try await store.matching(
                replay, after: nil, until: .now, lookingAt: 1, limit: 1)
        }
        await ask { _ = try await store.schedules(named: nil) }
        await ask { _ = try await store.setPaused(true, schedule: .defaultQueue) }
        await ask { _ = try await store.delete(schedule: .defaultQueue) }
        await ask { _ = try await store.limits(after: nil, upTo: 1, levelsOf: nil) }
        await ask { _ = try await store.clearLimit(of: .defaultQueue) }
        let queued = JobFilter(status: .queued)
        await ask { _ = try await store.jobs(matching: queued, after: nil, limit: 1) }
        await ask { _ = try await store.job(id) }
        await ask { _ = try await store.jobs(of: body) }
        await ask { _ = try await store.attempts(of: id) }
        await ask { _ = try await store.circumstances(of: id) }
        await ask { _ = try await store.payload(of: id) }
        await ask { _ = try await store.body(body) }
        await ask { _ = try await store.bodies([body], mayHold: "x", bytes: 1) }
        let failed = EventFilter(status: .error)
        await ask { _ = try await store.events(matching: failed, after: nil, limit: 1) }
        await ask { _ = try await store.event(body) }
        await ask { _ = try await store.outcomes(of: [body]) }
        await ask { _ = try await store.kinds(limit: 1) }
        await ask { _ = try await store.look(since: .now, executing: [id], limit: 1) }
        await ask { _ = try await store.tallies(since: .now) }
        await ask { _ = try await store.unknownKinds() }
        await ask { _ = try await store.putOff() }
        await ask { _ = try await store.tableSizes() }
        await ask { try await store.ping() }
        for table in VerifiedTable.allCases {
            await ask { _ = try await store.findings(in: table, after: "", limit: 1) }
        }
        await ask { _ = try await store.announceable([id]) }
        await ask { _ = try await store.repair([id]) }
        await ask { _ = try await store.checkup() }
        await ask { _ = try await store.vacuumHolders() }
        await ask { try await store.renewGrants() }
    }

    private func job(uniqueKey: String? = nil) throws -> NewJob {
        try NewJob(kind: Name("noop"), uniqueKey: uniqueKey, payload: Payload([]))
    }

    /// What is asked of made-up rows may not go on for ever; that it cannot be read is another thing.
    private func ask(_ question: () async throws -> Void) async {
        do {
            try await question()
        } catch {
            if case .unavailable? = error as? StoreError { return }
            Issue.record(error)
        }
    }
}
