import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// Runs a test with a store of its own, on a fresh, migrated database; past a pooler if it is about
/// what only a session of its own has.
func withStore(
    directly: Bool = false,
    _ body: (PostgresStore, TestDatabase) async throws -> Void
) async throws {
    try await TestDatabase.with(migrate: migrated) { database in
        let store = PostgresStore(
            try PostgresSettings(url: directly ? database.directURL : database.url).patient,
            logger: Logger(label: "test"))
        do {
            try await body(store, database)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

/// Has each of `works` run for as long as `body` takes, then cancels them and waits for their end.
func running<Work: Sendable>(
    _ works: [Work], _ run: @escaping @Sendable (Work) async -> Void,
    _ body: () async throws -> Void
) async throws {
    let tasks = works.map { work in Task { await run(work) } }
    func end() async {
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
    do {
        try await body()
    } catch {
        await end()
        throw error
    }
    await end()
}

@Sendable func migrated(url: String) async throws {
    let store = PostgresStore(
        try PostgresSettings(url: url).patient, logger: Logger(label: "migrate"))
    try await store.migrate()
    await store.close()
}

extension PostgresStore {
    /// A registered worker, without a heartbeat.
    func registeredWorker(concurrency: Int = 10) async throws -> WorkerID {
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [.defaultQueue], concurrency: concurrency,
            version: "test", heartbeat: .seconds(2), lease: .seconds(60).onThisMachine)
        try await register(worker)
        return worker.id
    }

    /// Enqueues one job and returns its id.
    func job(
        _ kind: String = "noop", priority: Int = 1, start: Start = .now, uniqueKey: String? = nil,
        maxAttempts: Int = 3, body: String = "{}"
    ) async throws -> JobID {
        let job = try NewJob(
            kind: Name(kind), priority: Priority(priority), start: start,
            maxAttempts: maxAttempts, uniqueKey: uniqueKey, payload: Payload(Array(body.utf8)))
        return try await enqueue([job])[0].id
    }

    /// Whether it is this worker's turn to make way for a suspect on the default queue.
    func hasTurn(_ worker: WorkerID) async throws -> Bool {
        try await suspectsTurn(of: worker, on: defaultQueues) != nil
    }

    /// Asks for the maintenance term.
    func ask(
        as holder: WorkerID, counter: Int64 = 0, takingOver standing: String? = nil
    ) async throws -> Leadership {
        try await lead(
            as: holder, for: .seconds(60), counter: counter, takingOver: standing)
    }

    func settle(_ job: ClaimedJob, _ verdict: Verdict) async throws -> Settled? {
        try await settle([Settlement(job: job.id, claim: job.claim, verdict: verdict)]).settled
            .first
    }
}

let defaultQueues = [Name.defaultQueue]
