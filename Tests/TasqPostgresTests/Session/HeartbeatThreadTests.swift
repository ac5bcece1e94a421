import Tasq
import TasqTesting
import Testing

@testable import TasqPostgres

@Suite struct HeartbeatThreadTests {
    @Test func `It renews from the start, with its lock, and reports once`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database)
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.url, states)
            try await eventually("it beats") { try await sequence(of: worker, in: database) > 3 }
            #expect(states.all == [.renewed])
            #expect(
                try await database.execute(
                    "SELECT held FROM beats WHERE id = '\(worker.id)'") == "t")
            await heartbeat.stop()
            let last = try await sequence(of: worker, in: database)
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(database.name)'"
                )
                    == "0")
            #expect(try await sequence(of: worker, in: database) == last)
            await heartbeat.stop()
        }
    }

    @Test func `A worker without a row was reaped, and beats no more`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database)
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.url, states)
            try await eventually("it beats") { states.all == [.renewed] }
            try await database.execute("DELETE FROM beats")
            try await eventually("it knows") { states.all == [.renewed, .reaped] }
            await heartbeat.stop()
        }
    }

    @Test func `Without an answer for a lease it says so once, until it is renewed again`()
        async throws
    {
        let own = try await OwnServer.start()
        let server = own.server
        let worker = try await worker(in: own, lease: .seconds(1))
        let states = Record<HeartbeatState>()
        let heartbeat = try start(worker, in: own, at: server.url, states)
        try await eventually("it beats") { states.all.last == .renewed }
        await server.stop(.immediate)
        try await eventually("it does not know") { states.all.last == .unknown }
        try await server.restart()
        try await eventually("it beats again") { states.all.last == .renewed }
        await heartbeat.stop()
        let all = states.all
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 != $1 }, "\(all)")
        await server.stop(.immediate)
    }

    @Test func `It stops at once although the server never answers`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database, lease: .seconds(1))
            let blocker = Session(
                settings: try PostgresSettings(url: database.url), logger: quiet)
            try await blocker.script("BEGIN; LOCK TABLE beats")
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.url, states)
            try await eventually("the lease is over") { states.all == [.unknown] }
            await heartbeat.stop()
            #expect(states.all == [.unknown])
            await blocker.close()
        }
    }

    @Test func `Behind a pooler it takes no lock`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database)
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.url, states) {
                $0.assumesPooler = true
            }
            try await eventually("it beats") { try await sequence(of: worker, in: database) > 1 }
            #expect(
                try await database.execute(
                    "SELECT held FROM beats WHERE id = '\(worker.id)'") == "f")
            await heartbeat.stop()
        }
    }

    /// With a lease no busy computer misses, unless the test is about its end.
    private func worker(
        in database: some TestSubject, lease: Duration = .seconds(60)
    ) async throws -> WorkerRecord {
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [], concurrency: 1, version: "test",
            heartbeat: .milliseconds(30), lease: lease)
        try await database.execute(
            """
            CREATE TABLE beats (id uuid PRIMARY KEY, sequence int, held boolean);
            INSERT INTO beats VALUES ('\(worker.id)', 0, false)
            """)
        return worker
    }

    private func start(
        _ worker: WorkerRecord, in database: some TestSubject, at url: String,
        _ states: Record<HeartbeatState>,
        _ change: (inout PostgresSettings) -> Void = { _ in }
    ) throws -> HeartbeatThread {
        var settings = try PostgresSettings(url: url)
        settings.applicationName = database.name
        change(&settings)
        return HeartbeatThread(
            settings: settings, worker: worker,
            beat: Statement(
                name: "beat",
                text: """
                    UPDATE beats SET sequence = sequence + 1, held = $2::boolean
                    WHERE id = $1::uuid
                    """),
            lock: Statement(name: "lock", text: "SELECT pg_try_advisory_lock($1::bigint)"),
            logger: quiet, onChange: states.append)
    }

    private func sequence(
        of worker: WorkerRecord, in database: some TestSubject
    ) async throws -> Int {
        let text = try await database.execute(
            "SELECT sequence FROM beats WHERE id = '\(worker.id)'")
        return try #require(Int(text))
    }
}
