import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

/// What roles of PostgreSQL may do once `tasq migrate --grant` has named them.
@Suite(.medium) struct RoleTests {
    private func withRoles(
        _ body: (PrivatePostgres, _ url: (String) -> [String: String]) async throws -> Void
    ) async throws {
        let server = try await PrivatePostgres.start(durable: false)
        try await server.execute(
            "CREATE ROLE app LOGIN; CREATE ROLE runner LOGIN; CREATE ROLE \"Night Desk\" LOGIN")
        let base = server.url(database: "postgres")
        try await body(server) { role in
            ["DATABASE_URL": base.replacing("//postgres@", with: "//\(role)@")]
        }
        await server.stop(.immediate)
    }

    @Test func `A role that may only enqueue does so, and gets nothing else`() async throws {
        try await withRoles { server, url in
            let run = try await TasqProgram.run(
                "migrate", "--grant", "app", environment: url("postgres"))
            #expect(run.exit == .code(0), "\(run.errors)")
            let id = try await server.execute(
                "SET ROLE app; SELECT tasq.enqueue('mail', '{}'::json, unique_key => 'u')")
            #expect(JobID(id) != nil)
            for refused in [
                "SELECT FROM tasq.job", "DELETE FROM tasq.payload", "SELECT FROM tasq.setting",
                "INSERT INTO tasq.unique_key VALUES ('k', tasq.uuid_v7())",
                "SELECT tasq.store('a', '', 'a/b', 'q', now(), 1, NULL, NULL, NULL)",
                "SELECT tasq.ring(tasq.uuid_v7(), 'q', 1, true)", "CREATE TABLE tasq.own ()",
                "UPDATE tasq.granted SET rights = 'operator'",
            ] {
                let error = await #expect(throws: TestingError.self, "\(refused)") {
                    () async throws in
                    _ = try await server.execute("SET ROLE app; \(refused)")
                }
                #expect(
                    "\(error.map { "\($0)" } ?? "")".contains("permission denied"), "\(refused)")
            }
            // What stands in the caller's search path is not what the function calls.
            try await server.execute(
                """
                CREATE SCHEMA trap AUTHORIZATION app; GRANT CREATE ON DATABASE postgres TO app;
                SET ROLE app;
                CREATE FUNCTION trap.octet_length(bytea) RETURNS int LANGUAGE sql
                    AS 'SELECT 1/(CASE current_user WHEN ''app'' THEN 1 ELSE 0 END)';
                SET search_path = trap, pg_catalog;
                SELECT tasq.enqueue('mail', '{}')
                """)
            // The use of the schema alone, as for a role that looks at figures, is not enough.
            try await server.execute("GRANT USAGE ON SCHEMA tasq TO runner")
            await #expect(throws: TestingError.self) { () async throws in
                _ = try await server.execute("SET ROLE runner; SELECT tasq.enqueue('mail')")
            }
        }
    }

    @Test func `What was granted is there again after every later migration`() async throws {
        try await withRoles { server, url in
            let grant = try await TasqProgram.run(
                "migrate", "--grant", "app", "--grant", "Night Desk:operator",
                environment: url("postgres"))
            #expect(grant.exit == .code(0), "\(grant.errors)")
            let rows = try await server.execute("SELECT * FROM tasq.granted ORDER BY role")
            #expect(rows == "Night Desk|operator\napp|enqueuer")
            // As a migration would that makes a function anew; a role that is gone is passed over.
            try await server.execute(
                """
                REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tasq FROM app;
                REVOKE ALL ON ALL TABLES IN SCHEMA tasq FROM "Night Desk";
                INSERT INTO tasq.granted VALUES ('gone', 'worker')
                """)
            let again = try await TasqProgram.run("migrate", environment: url("postgres"))
            #expect(again.output == "up to date", "\(again.errors)")
            try await server.execute(
                """
                SET ROLE app; SELECT tasq.enqueue('mail');
                SET ROLE "Night Desk"; SELECT FROM tasq.job
                """)
            let unknown = try await TasqProgram.run(
                "migrate", "--grant", "nobody", environment: url("postgres"))
            #expect(unknown.exit == .code(78))
            #expect(unknown.errors.contains("no role nobody"), "\(unknown.errors)")
            let wrong = try await TasqProgram.run(
                "migrate", "--grant", "app:king", environment: url("postgres"))
            #expect(wrong.exit == .code(64))
            #expect(wrong.errors.contains("enqueuer, worker, operator"), "\(wrong.errors)")
        }
    }

    @Test func `Workers and operators do all of their work with what they were granted`()
        async throws
    {
        try await withRoles { server, url in
            let grant = try await TasqProgram.run(
                "migrate", "--grant", "runner:worker", "--grant", "app:operator",
                environment: url("postgres"))
            #expect(grant.exit == .code(0), "\(grant.errors)")
            let file = try TemporaryFile(
                "handlers:\n  noop: { noop: {} }\n  bad: { command: [/bin/false] }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: url("runner"))
            _ = try await worker.waitForLine(containing: "worker registered")
            for arguments in [
                ["enqueue", "noop"], ["enqueue", "bad", "--max-attempts", "1"],
                ["enqueue", "noop", "--delay", "1h"],
                ["schedules", "add", "s", "0 0 1 1 *", "noop"],
            ] {
                let run = try await TasqProgram.start(arguments, environment: url("runner"))
                #expect(try await run.wait() == .code(0), "\(run.standardError)")
            }
            try await eventually("what is due is done") {
                try await server.execute(
                    "SELECT count(*) FROM tasq.job WHERE finished_at IS NOT NULL") == "2"
            }
            for arguments in [
                ["jobs", "list"], ["jobs", "list", "--payload", "/a=1"],
                ["jobs", "list", "--reason", "exit"], ["events", "list"],
                ["jobs", "retry", "--status", "error"],
                ["jobs", "cancel", "--kind", "noop"], ["jobs", "delete", "--status", "success"],
                ["prune", "--status", "cancelled", "--older-than", "0s", "--yes"],
                ["queues", "pause", "default"], ["queues", "resume", "default"],
                ["limits", "set", "default", "--max-depth", "9"], ["limits", "list"],
                ["queues", "list"], ["limits", "clear", "default"],
                ["workers", "list"], ["schedules", "list"], ["schedules", "pause", "s"],
                ["schedules", "resume", "s"], ["schedules", "delete", "s"],
                ["verify", "--pause", "0s"], ["top", "--once"],
            ] {
                let run = try await TasqProgram.start(arguments, environment: url("app"))
                #expect(try await run.wait() == .code(0), "\(arguments): \(run.standardError)")
            }
            for arguments in [["enqueue", "noop"], ["schedules", "add", "t", "@daily", "noop"]] {
                let put = try await TasqProgram.start(arguments, environment: url("app"))
                #expect(try await put.wait() == .code(77), "\(put.standardError)")
            }
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
            // Where it ran stays for whoever looks.
            #expect(try await server.execute("SELECT count(*) FROM tasq.past_worker") == "1")
            let failed = try await server.execute("SELECT id FROM tasq.job WHERE kind = 'bad'")
            let show = try await TasqProgram.run(
                "jobs", "show", failed, environment: url("app"))
            #expect(show.exit == .code(0) && show.output.contains("exit 1"), "\(show.errors)")
        }
    }
}
