import Glibc
import Tasq
import TasqTesting
import Testing

@testable import TasqPostgres

/// A server whose processes are stopped: its kernel still takes connections and bytes.
@Suite(.serialized) struct SilentServerTests {
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
        let hosts = shared.url.replacing("@", with: "@127.0.0.1:\(silent.server.port),")
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

    @Test func `A heartbeat notices the end of its lease, and stops`() async throws {
        let own = try await OwnServer.start()
        try await own.execute("CREATE TABLE beats (id uuid, process int)")
        let worker = WorkerRecord(
            host: "test", processID: 1, queues: [], concurrency: 1, version: "test",
            heartbeat: .milliseconds(30), lease: .seconds(1))
        try await own.execute("INSERT INTO beats VALUES ('\(worker.id)', 0)")
        let states = Record<HeartbeatState>()
        let heartbeat = HeartbeatThread(
            settings: try PostgresSettings(url: own.server.url), worker: worker,
            beat: Statement(
                name: "beat",
                text: """
                    UPDATE beats SET process = pg_backend_pid()
                    WHERE id = $1::uuid AND $2::boolean IS NOT NULL
                    """),
            lock: nil, logger: quiet, onChange: states.append)
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

    private func session(at url: String) async throws -> Session {
        var settings = try PostgresSettings(url: url)
        settings.connectTimeout = .milliseconds(500)
        settings.statementTimeout = .milliseconds(100)
        return Session(settings: settings, logger: quiet)
    }
}
