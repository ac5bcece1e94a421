import Synchronization
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct HeartbeatThreadTests {
    @Test func `It renews from the start, with its lock, and reports once`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database)
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.directURL, states)
            try await eventually("it beats") { try await sequence(of: worker, in: database) > 3 }
            #expect(states.all == [.renewed])
            #expect(
                try await database.execute(
                    "SELECT held FROM beats WHERE id = '\(worker.id)'") == "t")
            await heartbeat.stop()
            let last = try await sequence(of: worker, in: database)
            try await eventually("its session is gone") {
                try await database.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(database.name)'"
                ) == "0"
            }
            #expect(try await sequence(of: worker, in: database) == last)
            await heartbeat.stop()
        }
    }

    @Test func `A worker without a row was reaped, and beats no more`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database)
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.directURL, states)
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
                settings: try PostgresSettings(url: database.directURL), logger: quiet)
            try await blocker.script("BEGIN; LOCK TABLE beats")
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.directURL, states)
            try await eventually("the lease is over") { states.all == [.unknown] }
            await heartbeat.stop()
            #expect(states.all == [.unknown])
            await blocker.close()
        }
    }

    @Test func `A session that ends is noticed at once, and the lock taken anew over another`()
        async throws
    {
        try await withDatabase { database in
            // The next beat by itself would come long after the test has given up.
            let worker = try await worker(
                in: database, heartbeat: .seconds(600), lease: .seconds(3600))
            let states = Record<HeartbeatState>()
            let heartbeat = try start(worker, in: database, at: database.directURL, states)
            for beat in 1...3 {
                try await eventually("it beats") {
                    try await sequence(of: worker, in: database) == beat
                }
                try await database.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = '\(database.name)'
                    """)
            }
            try await eventually("it holds its lock") {
                try await database.execute(
                    "SELECT held FROM beats WHERE sequence = 4") == "t"
            }
            await heartbeat.stop()
        }
    }

    @Test func `A process in which nothing runs beats no more, until something does`() async throws
    {
        try await withDatabase { database in
            let worker = try await worker(in: database, lease: .milliseconds(300))
            let states = Record<HeartbeatState>()
            let pulse = Mutex<Int?>(7)
            let watch = ClaimWatch(
                running: { [] }, onRevoked: { _ in }, pulse: { pulse.withLock { $0 } })
            let heartbeat = try start(
                worker, in: database, at: database.directURL, states, watching: watch)
            try await eventually("it says so") { states.all.last == .stuck }
            let last = try await sequence(of: worker, in: database)
            #expect(last > 0)
            #expect(try await sequence(of: worker, in: database) == last)
            pulse.withLock { $0 = nil }
            try await eventually("it beats again") {
                try await sequence(of: worker, in: database) > last
            }
            #expect(states.all.filter { $0 == .stuck }.count == 1)
            #expect(states.all.last == .renewed)
            await heartbeat.stop()
        }
    }

    @Test func `Behind a pooler it takes no lock and says where it is seen`() async throws {
        try await withDatabase { database in
            let worker = try await worker(in: database)
            let states = Record<HeartbeatState>()
            let seen = Mutex<String?>(nil)
            let watch = ClaimWatch(
                running: { [] }, onRevoked: { _ in }, presence: { seen.withLock { $0 } })
            let heartbeat = try start(
                worker, in: database, at: database.directURL, states, watching: watch
            ) { $0.assumesPooler = true }
            func last() async throws -> String {
                try await database.execute(
                    "SELECT held, presence FROM beats WHERE sequence > 0")
            }
            try await eventually("it beats") { try await last() == "f|" }
            seen.withLock { $0 = "there" }
            try await eventually("it says where it is seen") { try await last() == "f|there" }
            seen.withLock { $0 = nil }
            try await eventually("it says that it is not") { try await last() == "f|" }
            await heartbeat.stop()
        }
    }

    @Test func `Where it is seen is told as soon as it is known, not a heartbeat later`()
        async throws
    {
        try await withDatabase { database in
            // Longer than anything here waits.
            let worker = try await worker(
                in: database, heartbeat: .seconds(600), lease: .seconds(6000))
            let asked = Mutex(0)
            let watch = ClaimWatch(
                running: { [] }, onRevoked: { _ in },
                presence: {
                    asked.withLock { asked in
                        asked += 1
                        return asked > 1 ? "there" : nil
                    }
                })
            let heartbeat = try start(
                worker, in: database, at: database.directURL, Record(), watching: watch
            ) { $0.assumesPooler = true }
            try await eventually("it says where it is seen") {
                try await database.execute("SELECT presence FROM beats") == "there"
            }
            #expect(try await sequence(of: worker, in: database) == 2)
            await heartbeat.stop()
        }
    }

    /// With a lease no busy computer misses, unless the test is about its end.
    private func worker(
        in database: some TestSubject, heartbeat: Duration = .milliseconds(30),
        lease: Duration = .seconds(60)
    ) async throws -> WorkerRecord {
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [], concurrency: 1, version: "test",
            heartbeat: heartbeat, lease: lease)
        try await database.execute(
            """
            CREATE TABLE beats (
                id uuid PRIMARY KEY, sequence int, held boolean, presence text);
            INSERT INTO beats VALUES ('\(worker.id)', 0, false)
            """)
        return worker
    }

    private func start(
        _ worker: WorkerRecord, in database: some TestSubject, at url: String,
        _ states: Record<HeartbeatState>, watching watch: ClaimWatch = .nothing,
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
                    UPDATE beats
                    SET sequence = sequence + 1, held = $2::boolean, presence = $3::text
                    WHERE id = $1::uuid
                    """),
            lock: Statement(name: "lock", text: "SELECT pg_try_advisory_lock($1::bigint)"),
            watch: watch, logger: quiet, onChange: states.append)
    }

    private func sequence(
        of worker: WorkerRecord, in database: some TestSubject
    ) async throws -> Int {
        let text = try await database.execute(
            "SELECT sequence FROM beats WHERE id = '\(worker.id)'")
        return try #require(Int(text))
    }
}
