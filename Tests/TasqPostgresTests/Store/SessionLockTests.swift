import Glibc
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What is told of session locks, and of the servers whose end is theirs.
@Suite(.medium) struct SessionLockTests {
    @Test func `A lock has fallen only while the server that it was taken on runs`() async throws {
        let server = try await PrivatePostgres.start(durable: false)
        try await migrated(url: server.url)
        let settings = try PostgresSettings(url: server.url).patient
        let store = PostgresStore(settings, logger: quiet)
        // It holds the maintenance term, too.
        let worker = record()
        try await store.register(worker)
        func fallen() async throws -> [Bool] {
            try await store.ask(as: worker.id).workers.map(\.lockFell)
        }
        func beatAndEnd() async throws {
            let before = try await store.ask(as: worker.id).workers.first?.sequence ?? 0
            let heartbeat = store.startHeartbeat(of: worker) { _ in }
            try await eventually("it beats over its lock") {
                let sight = try await store.ask(as: worker.id).workers.first
                return sight.map { $0.sequence > before && !$0.lockFell } ?? false
            }
            await heartbeat.stop()
            try await eventually("its lock falls") { try await fallen() == [true] }
        }

        try await beatAndEnd()
        let victim = Session(settings: settings, logger: quiet)
        let process = try await victim.query("SELECT pg_backend_pid()")[0].int(0)
        kill(Int32(truncatingIfNeeded: process), SIGKILL)
        // The server's first process lives, and all sessions are gone.
        try await eventually("it began anew") { try await fallen() == [false] }
        #expect(try await store.ask(as: WorkerID()).isHeld == false)

        try await beatAndEnd()
        await server.stop()
        try await server.restart()
        try await eventually("it was started anew") { try await fallen() == [false] }
        #expect(try await store.ask(as: WorkerID()).isHeld == false)
        await victim.close()
        await store.close()
        await server.stop(.immediate)
    }

    @Test(arguments: ["NULL", "'another'"])
    func `A lock that was not taken on this server has not fallen`(server: String) async throws {
        try await withStore { store, database in
            _ = try await store.registeredWorker()
            // NULL is what programs before schema 17 leave.
            try await database.execute(
                "UPDATE tasq.worker SET lock_held = true, lock_server = \(server)")
            #expect(try await store.ask(as: WorkerID()).workers.map(\.lockFell) == [false])
        }
    }

    @Test func `A worker whose handlers may not overlap shows no end before its lease`()
        async throws
    {
        try await withStore { store, database in
            let worker = record(mayOverlap: false)
            try await store.register(worker)
            let watch = ClaimWatch(
                running: { [] }, onRevoked: { _ in }, presence: { "redis/1" })
            let heartbeat = store.startHeartbeat(of: worker, watching: watch) { _ in }
            let holder = WorkerID()
            try await eventually("it beats") {
                try await store.ask(as: holder).workers.contains { $0.sequence > 1 }
            }
            let held = try await database.execute(
                "SELECT lock_held OR lock_server IS NOT NULL FROM tasq.worker")
            #expect(held == "f")
            await heartbeat.stop()
            #expect(try await store.ask(as: holder).workers.map(\.lockFell) == [false])
        }
    }

    @Test func `Whoever holds no lock says where it is seen, to the others too`() async throws {
        try await withStore { store, database in
            var settings = try PostgresSettings(url: database.url).patient
            settings.assumesPooler = true
            let pooled = PostgresStore(settings, logger: quiet)
            let worker = record()
            try await store.register(worker)
            let watch = ClaimWatch(
                running: { [] }, onRevoked: { _ in }, presence: { "redis/1" })
            let heartbeat = pooled.startHeartbeat(of: worker, watching: watch) { _ in }
            try await eventually("the holder sees it") {
                try await store.ask(as: worker.id).workers.map(\.presence) == ["redis/1"]
            }
            #expect(try await store.ask(as: worker.id).workers.map(\.lockFell) == [false])
            let answer = try await store.ask(as: WorkerID())
            #expect(!answer.isHeld && answer.standing != nil)
            #expect(answer.workers.map(\.id) == [worker.id])
            #expect(answer.workers.map(\.presence) == ["redis/1"])
            await heartbeat.stop()
            await pooled.close()
        }
    }

    private func record(mayOverlap: Bool = true) -> WorkerRecord {
        WorkerRecord(
            host: "test", processID: 1, queues: defaultQueues, concurrency: 1, version: "test",
            heartbeat: .milliseconds(100), lease: .seconds(60).onThisMachine,
            mayOverlap: mayOverlap)
    }
}
