import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct DurabilityTests {
    @Test func `A commit told off its wait for a standby is not acknowledged by repeating it`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        try await migrated(url: url)
        var settings = try PostgresSettings(url: url)
        settings.statementTimeout = .seconds(120).onThisMachine
        let store = PostgresStore(settings, logger: Logger(label: "test"))
        try await waitForStandby(of: server)
        try await store.ping()
        let job = try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
        async let answer = outcome(of: job, in: store)
        for statement in [
            "Like enqueue.sql, for one new job", "A commit that waits for synchronous",
        ] {
            try await callOffWait(of: statement, at: server)
        }
        guard case .failure(.unknown) = await answer else {
            Issue.record("acknowledged: \(await answer)")
            return
        }
        await store.close()
        await server.stop(.immediate)
    }

    @Test func `A cancellation told off its wait for a standby is not confirmed by repeating it`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        try await migrated(url: url)
        var settings = try PostgresSettings(url: url)
        settings.statementTimeout = .seconds(120).onThisMachine
        let store = PostgresStore(settings, logger: Logger(label: "test"))
        let job = try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
        _ = try await store.enqueue([job])
        try await waitForStandby(of: server)
        try await eventually("the store has a connection") {
            do { try await store.ping() } catch { return false }
            return true
        }
        for _ in 1...2 {
            async let answer = outcome(ofCancelling: job.id, in: store)
            try await callOffWait(of: "Calls jobs off", at: server)
            guard case .failure(.unknown) = await answer else {
                Issue.record("confirmed: \(await answer)")
                return
            }
        }
        await store.close()
        await server.stop(.immediate)
    }

    @Test func `A commit that its server did not survive stays unknown when its repetition fails`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        try await migrated(url: url)
        let store = PostgresStore(
            try PostgresSettings(url: url).patient, logger: Logger(label: "test"))
        try await waitForStandby(of: server)
        for key in [nil, "one"] {
            try await eventually("the store has a connection") {
                do { try await store.ping() } catch { return false }
                return true
            }
            let job = try NewJob(
                kind: Name("noop"), uniqueKey: key, payload: Payload(Array("{}".utf8)))
            async let answer = outcome(of: job, in: store)
            try await eventually("the commit waits for the standby") {
                try await server.execute(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE wait_event = 'SyncRep' AND query LIKE '%nqueue.sql%'
                    """) == "1"
            }
            await server.stop(.immediate)
            guard case .failure(.unknown) = await answer else {
                Issue.record("told otherwise: \(await answer)")
                return
            }
            try await server.restart()
        }
        await store.close()
        await server.stop(.immediate)
    }

    /// Lets every commit from here on wait for a standby that nobody runs. A reload would not do: it
    /// reaches each process of the server when it likes.
    private func waitForStandby(of server: PrivatePostgres) async throws {
        _ = try await server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try await server.restart()
    }

    /// Has PostgreSQL give up the wait for a standby of the one statement that says this.
    private func callOffWait(of statement: String, at server: PrivatePostgres) async throws {
        let waiting = """
            FROM pg_stat_activity WHERE wait_event = 'SyncRep'
            AND query LIKE '%\(statement)%' AND pid <> pg_backend_pid()
            """
        try await eventually("the commit waits for the standby") {
            try await server.execute("SELECT count(*) \(waiting)") == "1"
        }
        _ = try await server.execute("SELECT pg_cancel_backend(pid) \(waiting)")
    }

    private func outcome(
        ofCancelling id: JobID, in store: PostgresStore
    ) async -> Result<[JobActionAnswer], StoreError> {
        do throws(StoreError) {
            return .success(try await store.apply(.cancel, to: [id]))
        } catch {
            return .failure(error)
        }
    }

    private func outcome(
        of job: NewJob, in store: PostgresStore
    ) async -> Result<[Enqueued], StoreError> {
        do throws(StoreError) {
            return .success(try await store.enqueue([job]))
        } catch {
            return .failure(error)
        }
    }
}
