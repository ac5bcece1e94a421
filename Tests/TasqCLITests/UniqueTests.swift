import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What an enqueue does with the job that holds its unique key.
@Suite(.medium) struct UniqueTests {
    /// Who enqueues: `tasq enqueue` by its flags, or SQL by arguments of the same names.
    enum Way: CaseIterable, Sendable {
        case program, sql
    }

    private func enqueue(
        _ database: TestDatabase, by way: Way = .program, _ arguments: String...
    ) async throws -> String {
        if way == .sql {
            let pairs = stride(from: 0, to: arguments.count, by: 2).map {
                Self.sql(arguments[$0], arguments[$0 + 1])
            }
            return try await database.execute(
                "SELECT tasq.enqueue('sync', unique_key => 'u'\(pairs.joined()))")
        }
        let child = try await TasqProgram.start(
            ["enqueue", "sync", "--unique-key", "u"] + arguments,
            environment: ["DATABASE_URL": database.url])
        #expect(try await child.wait() == .code(0), "\(child.standardError)")
        return child.standardOutput
    }

    private static func sql(_ flag: String, _ value: String) -> String {
        switch flag {
        case "--delay": ", run_at => now() + interval '\(value)'"
        case "--priority": ", priority => \(value)"
        default: ", \(flag.dropFirst(2).replacing("-", with: "_")) => '\(value)'"
        }
    }

    private func withStore(
        _ body: (PostgresStore, TestDatabase) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: .silent)
            try await body(store, database)
            await store.close()
        }
    }

    private func claimAll(_ store: PostgresStore) async throws -> [ClaimedJob] {
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [.defaultQueue], concurrency: 9, version: "test",
            heartbeat: .seconds(2), lease: .seconds(60))
        try await store.register(worker)
        return try await store.sweep(upTo: 9, for: worker.id, from: [.defaultQueue]).jobs
    }

    @Test(arguments: [false, true])
    func `Of several that replace each other in one batch the last one stays`(
        oneWaits: Bool
    ) async throws {
        try await withStore { store, database in
            func job() throws -> NewJob {
                try NewJob(
                    kind: Name("sync"), uniqueKey: "u", onConflict: .replace, payload: Payload([]))
            }
            if oneWaits { _ = try await store.enqueue([job()]) }
            // The order of the call counts, not that of the ids.
            let jobs = try (0..<50).map { _ in try job() }.shuffled()
            let last = jobs[49].id
            let answers = try await store.enqueue(jobs)
            #expect(answers.last == .stored(last))
            // One may have been stored before it had to make way.
            #expect(zip(jobs, answers).count { $1 == .stored($0.id) } <= 2)
            #expect(
                try await database.execute("SELECT id FROM tasq.job WHERE status = 'queued'")
                    == "\(last)")
        }
    }

    @Test(arguments: Way.allCases)
    func `While queued, another one may follow once the first runs, and no third`(
        way: Way
    ) async throws {
        try await withStore { store, database in
            let first = try await enqueue(database, by: way, "--unique-while", "queued")
            #expect(try await enqueue(database, by: way, "--unique-while", "queued") == first)
            let running = try await claimAll(store)
            #expect(running.map(\.id.description) == [first])
            #expect(try await enqueue(database, by: way) == first)
            let second = try await enqueue(database, by: way, "--unique-while", "queued")
            #expect(second != first)
            #expect(try await enqueue(database, by: way, "--unique-while", "queued") == second)
            // The first one's end leaves the key with the second.
            _ = try await store.settle(
                running.map { Settlement(job: $0.id, claim: $0.claim, verdict: .success) })
            #expect(try await enqueue(database, by: way) == second)
            let verify = try await TasqProgram.run(
                "verify", "--pause", "0s", environment: ["DATABASE_URL": database.url])
            #expect(verify.exit == .code(0), "\(verify.output)")
        }
    }

    @Test(arguments: Way.allCases)
    func `Replace stores the new one in the place of the one that waits`(way: Way) async throws {
        try await withStore { store, database in
            var ids = [try await enqueue(database, by: way, "--delay", "1h", "--payload", "1")]
            for body in ["2", "3"] {
                ids.append(
                    try await enqueue(
                        database, by: way, "--on-conflict", "replace", "--payload", body,
                        "--priority", "0"))
            }
            #expect(Set(ids).count == 3)
            let rows = try await database.execute(
                """
                SELECT status, priority, (SELECT reason FROM tasq.attempt WHERE job_id = id)
                FROM tasq.job ORDER BY id
                """)
            #expect(
                rows == """
                    cancelled|1|replaced by \(ids[1])
                    cancelled|0|replaced by \(ids[2])
                    queued|0|
                    """)
            let running = try await claimAll(store)
            #expect(running.map { String(decoding: $0.payload.body, as: UTF8.self) } == ["3"])
            // One that runs is not touched.
            let kept = try await enqueue(
                database, by: way, "--on-conflict", "replace", "--payload", "4")
            #expect(kept == ids[2])
            let follow = try await enqueue(
                database, by: way, "--on-conflict", "replace", "--unique-while", "queued",
                "--payload", "5")
            #expect(!ids.contains(follow))
            let verify = try await TasqProgram.run(
                "verify", "--pause", "0s", environment: ["DATABASE_URL": database.url])
            #expect(verify.exit == .code(0), "\(verify.output)")
        }
    }

    @Test(arguments: Way.allCases)
    func `Reschedule moves the time and nothing else`(way: Way) async throws {
        try await withStore { _, database in
            let first = try await enqueue(database, by: way, "--payload", "1")
            let again = try await enqueue(
                database, by: way, "--on-conflict", "reschedule", "--delay", "1h",
                "--payload", "2", "--priority", "3")
            #expect(again == first)
            let row = try await database.execute(
                """
                SELECT status, priority, run_at > now() + '59 min', convert_from(body, 'UTF8')
                FROM tasq.job JOIN tasq.payload AS p ON p.id = payload_id
                """)
            #expect(row == "scheduled|1|t|1")
        }
    }

    /// Each gets an id, whatever others do to the same key meanwhile.
    @Test(arguments: Way.allCases)
    func `Many at once leave one that waits, with the word of one of them`(way: Way) async throws {
        try await withStore { store, database in
            _ = try await enqueue(database)
            _ = try await claimAll(store)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    let policy: ConflictPolicy = number % 2 == 0 ? .replace : .reschedule
                    let job = try NewJob(
                        kind: Name("sync"), uniqueKey: "u", uniqueWhile: .queued,
                        onConflict: policy, payload: Payload(Array("\(number)".utf8)))
                    group.addTask {
                        guard way == .sql else {
                            _ = try await store.enqueue([job])
                            return
                        }
                        let id = try await enqueue(
                            database, by: way, "--unique-while", "queued", "--on-conflict",
                            policy.rawValue, "--payload", "\(number)")
                        #expect(JobID(id) != nil)
                    }
                }
                try await group.waitForAll()
            }
            let states = try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE status IN ('queued', 'scheduled')")
            #expect(states == "1")
            let key = try await database.execute(
                "SELECT status FROM tasq.job JOIN tasq.unique_key ON job_id = id")
            #expect(key == "queued")
            let verify = try await TasqProgram.run(
                "verify", "--pause", "0s", environment: ["DATABASE_URL": database.url])
            #expect(verify.exit == .code(0), "\(verify.output)")
        }
    }

    @Test(arguments: [
        (["--unique-while", "queued"], "--unique-while needs a unique_key"),
        (["--on-conflict", "replace"], "--on-conflict needs a unique_key"),
        (["--unique-key", "u", "--on-conflict", "drop"], "--on-conflict must be one of keep, "),
    ])
    func `A policy without a key, and one that is none, are refused`(
        flags: [String], rule: String
    ) async throws {
        let child = try await TasqProgram.start(
            ["enqueue", "a"] + flags, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(64))
        #expect(child.standardError.hasPrefix("tasq: \(rule)"), "\(child.standardError)")
    }
}
