import Logging
import Tasq
import TasqTesting
import Testing

@testable import TasqPostgres

@Suite struct DurabilityTests {
    @Test func `A commit told off its wait for a standby is not acknowledged by repeating it`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        try await migrated(url: url)
        var settings = try PostgresSettings(url: url)
        settings.statementTimeout = .seconds(120)
        let store = PostgresStore(settings, logger: Logger(label: "test"))
        try await store.ping()
        _ = try await server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        _ = try await server.execute("SELECT pg_reload_conf()")
        let job = try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
        async let answer = outcome(of: job, in: store)
        for statement in ["Like enqueue.sql, for one job", "Commits something"] {
            let waiting = """
                FROM pg_stat_activity WHERE wait_event = 'SyncRep'
                AND query LIKE '%\(statement)%' AND pid <> pg_backend_pid()
                """
            try await eventually("the commit waits for the standby") {
                try await server.execute("SELECT count(*) \(waiting)") == "1"
            }
            _ = try await server.execute("SELECT pg_cancel_backend(pid) \(waiting)")
        }
        guard case .failure(.unknown) = await answer else {
            Issue.record("acknowledged: \(await answer)")
            return
        }
        await store.close()
        await server.stop(.immediate)
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
