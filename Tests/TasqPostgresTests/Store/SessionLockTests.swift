import Glibc
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What is told of session locks, and of the server whose end is theirs.
@Suite(.medium) struct SessionLockTests {
    @Test func `A server tells the same of itself until it crashes or is started anew`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        try await migrated(url: server.url)
        let settings = try PostgresSettings(url: server.url).patient
        let store = PostgresStore(settings, logger: quiet)
        let other = PostgresStore(settings, logger: quiet)
        let holder = WorkerID()
        let first = try await store.ask(as: holder)
        let refused = try await other.ask(as: WorkerID())
        #expect(first.isHeld && !refused.isHeld)
        #expect(refused.server == first.server)
        #expect(try await store.ask(as: holder).server == first.server)

        let victim = Session(settings: settings, logger: quiet)
        let process = try await victim.query("SELECT pg_backend_pid()")[0].int(0)
        kill(Int32(truncatingIfNeeded: process), SIGKILL)
        var crashed = first.server
        try await eventually("it tells of a crash") {
            crashed = try await store.ask(as: holder).server
            return crashed != first.server
        }
        // Its first process lives, and all sessions are gone.
        #expect(crashed.split(separator: "/").first == first.server.split(separator: "/").first)

        await server.stop()
        try await server.restart()
        try await eventually("it tells of another start") {
            let restarted = try await store.ask(as: holder).server
            return restarted.split(separator: "/").first != crashed.split(separator: "/").first
        }
        await victim.close()
        await other.close()
        await store.close()
        await server.stop(.immediate)
    }

    @Test func `Whoever is refused the term hears which locks have fallen, and of no others`()
        async throws
    {
        try await withStore { store, _ in
            let (doomed, other) = (record(), record())
            for worker in [doomed, other] { try await store.register(worker) }
            let end = store.startHeartbeat(of: doomed) { _ in }
            let rest = store.startHeartbeat(of: other) { _ in }
            let (holder, asker) = (WorkerID(), WorkerID())
            try await eventually("both beat over their locks") {
                let workers = try await store.ask(as: holder).workers
                return workers.count == 2
                    && workers.allSatisfy { $0.sequence > 0 && !$0.lockFell }
            }
            let refused = try await store.ask(as: asker)
            #expect(!refused.isHeld && refused.workers.isEmpty)
            await end.stop()
            try await eventually("it hears of the one that ended") {
                let refused = try await store.ask(as: asker)
                return !refused.isHeld && refused.standing != nil
                    && refused.workers.map(\.id) == [doomed.id]
            }
            await rest.stop()
        }
    }

    @Test func `A worker whose handlers may not overlap has no lock that could fall`() async throws
    {
        try await withStore { store, database in
            let worker = record(mayOverlap: false)
            try await store.register(worker)
            let heartbeat = store.startHeartbeat(of: worker) { _ in }
            let holder = WorkerID()
            try await eventually("it beats") {
                try await store.ask(as: holder).workers.contains { $0.sequence > 1 }
            }
            #expect(try await database.execute("SELECT lock_held FROM tasq.worker") == "f")
            await heartbeat.stop()
            #expect(try await store.ask(as: holder).workers.map(\.lockFell) == [false])
        }
    }

    private func record(mayOverlap: Bool = true) -> WorkerRecord {
        WorkerRecord(
            host: "test", processID: 1, queues: defaultQueues, concurrency: 1, version: "test",
            heartbeat: .milliseconds(100), lease: .seconds(60).onThisMachine,
            mayOverlap: mayOverlap)
    }
}
