import Glibc
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// A server whose processes are stopped: its kernel still takes connections and bytes.
@Suite(.serialized, .medium) struct SilentServerTests {
    @Test func `A server that does not answer is unavailable, and the next host is taken`()
        async throws
    {
        let silent = try await OwnServer.start()
        let shared = try await TestServers.postgres()
        kill(silent.server.pid, SIGSTOP)
        let alone = try await session(at: silent.server.url)
        let error = await failure { () throws(StoreError) in try await alone.connect() }
        #expect(error?.word == "unavailable")
        #expect(error.map { "\($0)".contains("no answer within") } == true)
        await alone.close()
        let hosts = shared.directURL.replacing("@", with: "@127.0.0.1:\(silent.server.port),")
        let both = try await session(at: hosts)
        #expect(try await both.query("SELECT 1")[0].int(0) == 1)
        await both.close()
        kill(silent.server.pid, SIGCONT)
        await silent.server.stop(.immediate)
    }

    @Test func `A statement that gets no answer has an unknown outcome`() async throws {
        let own = try await OwnServer.start()
        let session = try await session(at: own.server.url)
        let process = Int32(
            truncatingIfNeeded: try await session.query("SELECT pg_backend_pid()")[0].int(0))
        _ = try await session.query("SELECT 1")
        kill(process, SIGSTOP)
        let known = await failure { () throws(StoreError) in try await session.query("SELECT 1") }
        #expect(known?.word == "unknown")
        #expect(try await session.query("SELECT 1")[0].int(0) == 1)
        kill(process, SIGCONT)
        await session.close()
        await own.server.stop(.immediate)
    }

    @Test func `A heartbeat without an answer does not let its session end`() async throws {
        let own = try await OwnServer.start()
        let states = Record<HeartbeatState>()
        let heartbeat = try await heartbeat(
            at: own, every: .milliseconds(300),
            lock: Statement(name: "lock", text: "SELECT pg_try_advisory_lock($1::bigint)"), states)
        // It stands before nobody is let in any more.
        let watcher = try await session(at: own.server.url)
        func watch(_ query: String) async throws -> Int64 {
            try await watcher.query(query)[0].int(0)
        }
        let beats = "SELECT sequence FROM beats"
        try await eventually("it beats with its lock") {
            try await watch("SELECT held::int FROM beats") == 1
        }
        let process = try await watch("SELECT process FROM beats")
        kill(Int32(truncatingIfNeeded: process), SIGSTOP)
        kill(own.server.pid, SIGSTOP)
        try await eventually("the lease is over") { states.all.last == .unknown }
        let before = try await watch(beats)
        kill(Int32(truncatingIfNeeded: process), SIGCONT)
        try await eventually("the beat arrives") { try await watch(beats) > before }
        try await eventually("its process has read what came after it") {
            try await watch(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = \(process) AND state <> 'idle'"
            ) == 0
        }
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = \(process)"
        #expect(try await watch(locks) == 1)
        kill(own.server.pid, SIGCONT)
        try await eventually("another session has the lock") {
            try await watch("SELECT (held AND process <> \(process))::int FROM beats") == 1
        }
        await heartbeat.stop()
        await watcher.close()
        await own.server.stop(.immediate)
    }

    @Test func `A heartbeat notices the end of its lease, and stops`() async throws {
        let own = try await OwnServer.start()
        let states = Record<HeartbeatState>()
        let heartbeat = try await heartbeat(at: own, every: .milliseconds(30), lock: nil, states)
        try await eventually("it beats") { states.all.last == .renewed }
        let process = try #require(Int32(try await own.execute("SELECT process FROM beats")))
        kill(own.server.pid, SIGSTOP)
        kill(process, SIGSTOP)
        try await eventually("the lease is over") { states.all.last == .unknown }
        await heartbeat.stop()
        kill(process, SIGCONT)
        kill(own.server.pid, SIGCONT)
        await own.server.stop(.immediate)
    }

    /// Beats for a worker whose row says which process took the last beat; its lease is a second.
    private func heartbeat(
        at own: OwnServer, every pause: Duration, lock: Statement?, _ states: Record<HeartbeatState>
    ) async throws -> HeartbeatThread {
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [], concurrency: 1, version: "test",
            heartbeat: pause, lease: .seconds(1))
        try await own.execute(
            """
            CREATE TABLE beats (id uuid, process int, sequence int, held bool);
            INSERT INTO beats VALUES ('\(worker.id)', 0, 0, false)
            """)
        return HeartbeatThread(
            settings: try PostgresSettings(url: own.server.url), worker: worker,
            beat: Statement(
                name: "beat",
                text: """
                    UPDATE beats
                    SET process = pg_backend_pid(), sequence = sequence + 1, held = $2::boolean
                    WHERE id = $1::uuid
                    """),
            lock: lock, logger: quiet, onChange: states.append)
    }

    private func session(at url: String) async throws -> Session {
        var settings = try PostgresSettings(url: url)
        settings.connectTimeout = .seconds(2).onThisMachine
        settings.statementTimeout = .seconds(1).onThisMachine
        return Session(settings: settings, logger: quiet)
    }
}
