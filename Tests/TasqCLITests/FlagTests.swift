import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Flags, variables and exit codes that no other suite is about.
@Suite(.medium) struct FlagTests {
    @Test func `A text may begin with a hyphen, as a flag does`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let job = try await TasqProgram.run(
                "enqueue", "noop", "--payload", "-7", "--key", "--a", "--unique-key", "-x",
                environment: environment)
            #expect(job.exit == .code(0), "\(job.errors)")
            #expect(
                try await database.execute(
                    "SELECT convert_from(p.body, 'UTF8') FROM tasq.payload AS p") == "-7")
            let list = try await TasqProgram.run(
                "jobs", "list", "--key", "--a", "--json", environment: environment)
            #expect(list.output.contains(job.output) && !job.output.isEmpty, "\(list.errors)")
            let none = try await TasqProgram.run(
                "jobs", "list", "--reason", "-x", "--json", environment: environment)
            #expect(none.exit == .code(0) && none.output.isEmpty, "\(none.errors)")
            let schedule = try await TasqProgram.run(
                "schedules", "add", "tick", "@daily", "noop", "--payload", "-7",
                environment: environment)
            #expect(schedule.exit == .code(0), "\(schedule.errors)")
        }
    }

    @Test func `What somebody's open transaction holds is busy, 75, and goes on when it is over`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let id = try await TasqProgram.run("enqueue", "noop", environment: environment).output
            // One transaction, as long as nobody ends it.
            let holder = try await ChildProcess.start(
                "psql",
                [
                    "-Xq", "-d", database.directURL, "-c",
                    """
                    SELECT FROM tasq.job FOR UPDATE; SELECT tasq.enqueue('noop', unique_key => 'k');
                    SELECT pg_sleep(3600)
                    """,
                ], directory: "/")
            let asleep = """
                FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'PgSleep'
                """
            try await eventually("the rows are held") {
                try await database.execute("SELECT count(*) \(asleep)") == "1"
            }
            let stranger = JobID().description
            async let one = TasqProgram.run("jobs", "cancel", id, environment: environment)
            async let two = TasqProgram.run(
                "jobs", "delete", id, stranger, environment: environment)
            async let json = TasqProgram.run(
                "jobs", "cancel", id, "--json", environment: environment)
            async let key = TasqProgram.run(
                "enqueue", "noop", "--unique-key", "k", environment: environment)
            let (busy, mixed, object, waiting) = try await (one, two, json, key)
            #expect(busy.exit == .code(75), "\(busy.errors)")
            let told = "tasq: job \(id) is held by somebody's open transaction: try again"
            #expect(busy.errors == told)
            // What another try cannot mend counts more.
            #expect(mixed.exit == .code(1) && mixed.errorLines.count == 2, "\(mixed.errors)")
            #expect(object.exit == .code(75) && object.output.contains(#""result":"busy""#))
            #expect(waiting.exit == .code(75), "\(waiting.errors)")
            #expect(waiting.output.isEmpty && waiting.errorLines.count == 1, "\(waiting.errors)")

            try await database.execute("SELECT pg_terminate_backend(pid) \(asleep)")
            _ = try await holder.wait()
            let after = try await TasqProgram.run("jobs", "cancel", id, environment: environment)
            #expect(after.output == "\(id) cancelled (was queued)", "\(after.errors)")
            let stored = try await TasqProgram.run(
                "enqueue", "noop", "--unique-key", "k", environment: environment)
            #expect(stored.exit == .code(0), "\(stored.errors)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "2")
        }
    }

    @Test func `A time that lies ahead is kept to the microsecond, whatever its zone`()
        async throws
    {
        try await withDatabase { database in
            for (given, kept) in [
                ("2031-05-06T07:08:09.123456Z", "2031-05-06 07:08:09.123456"),
                ("2031-05-06T01:30:00+05:30", "2031-05-05 20:00:00"),
            ] {
                let run = try await TasqProgram.run(
                    "enqueue", "noop", "--run-at", given,
                    environment: ["DATABASE_URL": database.url])
                #expect(run.exit == .code(0), "\(run.errors)")
                let row = try await database.execute(
                    """
                    SELECT status, run_at AT TIME ZONE 'UTC' FROM tasq.job
                    WHERE id = '\(run.output)'
                    """)
                #expect(row == "scheduled|\(kept)")
            }
        }
    }

    @Test func `A list shows one status and one queue, and a dry run changes nothing`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            var ids: [String] = []
            for queue in ["default", "q", "q"] {
                ids.append(
                    try await TasqProgram.run(
                        "enqueue", "noop", "--queue", queue, environment: environment
                    ).output)
            }
            _ = try await TasqProgram.run("jobs", "cancel", ids[2], environment: environment)
            let pages: [(flags: [String], ids: [String])] = [
                (["--status", "cancelled"], [ids[2]]), (["--queue", "q"], [ids[2], ids[1]]),
                (["--status", "queued", "--queue", "q"], [ids[1]]),
                (["--status", "error"], []),
            ]
            for (flags, expected) in pages {
                let child = try await TasqProgram.start(
                    ["jobs", "list", "--json"] + flags, environment: environment)
                #expect(try await child.wait() == .code(0), "\(child.standardError)")
                let lines = child.standardOutput.split(separator: "\n")
                let found = lines.map { String($0.dropFirst(#"{"id":""#.count).prefix(36)) }
                #expect(found == expected, "\(flags): \(lines)")
            }
            // One column stands under the other, however long the names are.
            let table = try await TasqProgram.run("queues", "list", environment: environment)
            let rows = table.output.split(separator: "\n")
            let places = zip(rows, ["STATE", "open", "open"]).compactMap { row, word in
                row.firstRange(of: word).map {
                    row.distance(from: row.startIndex, to: $0.lowerBound)
                }
            }
            #expect(places.count == 3 && Set(places).count == 1, "\(table.output)")
            for (words, count) in [
                (["retry", "--status", "cancelled"], 1), (["delete", "--queue", "q"], 2),
                (["delete", "--all"], 3),
            ] {
                let child = try await TasqProgram.start(
                    ["jobs"] + words + ["--dry-run"], environment: environment)
                #expect(try await child.wait() == .code(0), "\(child.standardError)")
                #expect(child.standardOutput == "\(count) match", "\(words)")
            }
            let statuses = try await database.execute(
                "SELECT status, count(*) FROM tasq.job GROUP BY status ORDER BY status")
            #expect(Set(statuses.split(separator: "\n")) == ["queued|2", "cancelled|1"])
        }
    }

    /// Everything between a worker, a server and the commands, where nothing is named as usual.
    @Test func `In another schema, by a connection string whose first host is gone, all goes on`()
        async throws
    {
        try await TestDatabase.with(template: "empty", migrate: { _ in }) { database in
            let environment = [
                "DATABASE_URL": try connectionString(of: database), "TASQ_SCHEMA": "jobs_of_app",
                "TASQ_WORKER_CONCURRENCY": "3", "REDIS_URL": try await TestServers.redis().url,
                "TASQ_REDIS_PREFIX": database.keyPrefix, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            ]
            func tasq(_ words: String...) async throws -> String {
                let child = try await TasqProgram.start(words, environment: environment)
                #expect(try await child.wait() == .code(0), "\(words): \(child.standardError)")
                return child.standardOutput
            }
            #expect(try await tasq("migrate").contains("applied "))
            let schemas = try await database.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname IN ('tasq', 'jobs_of_app')")
            #expect(schemas == "jobs_of_app")
            let file = try TemporaryFile("handlers: { noop: { noop: {} } }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path, "--queue", "default:3", "--queue", "slow"],
                environment: environment)
            let server = try await TasqProgram.start(["serve"], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            _ = try await server.waitForLine(containing: "admin http://")
            let workers = try await tasq("workers", "list", "--json")
            #expect(workers.contains(#""concurrency":3,"#), "\(workers)")
            _ = try await tasq("enqueue", "noop")
            _ = try await tasq("enqueue", "noop", "--queue", "slow")
            try await database.execute("SELECT jobs_of_app.enqueue('noop')")
            try await eventually("all jobs are a success") {
                try await database.execute(
                    "SELECT count(*) FROM jobs_of_app.job WHERE status = 'success'") == "3"
            }
            let list = try await tasq("jobs", "list", "--json")
            #expect(list.split(separator: "\n").count == 3, "\(list)")
            #expect(try await tasq("verify", "--pause", "0s").contains("no violation; "))
            _ = try await tasq("doctor")
            for process in [worker, server] {
                process.signal(SIGTERM)
                #expect(try await process.wait() == .code(0), "\(process.standardError)")
            }
        }
    }

    /// libpq's other form, with a host before the right one that nobody listens at.
    private func connectionString(of database: TestDatabase) throws -> String {
        let url = try #require(URLComponents(string: database.url))
        let (host, port) = (url.host ?? "127.0.0.1", url.port ?? 5432)
        var text = "host=127.0.0.1,\(host) port=9,\(port) dbname=\(database.name)"
        if let user = url.user { text += " user=\(user)" }
        if let password = url.password { text += " password='\(password)'" }
        return text
    }

    @Test func `The file in config is read unless another is named, and must be good`()
        async throws
    {
        let other = try TemporaryFile("worker: { lease: 41s }", name: "other.yaml")
        let folder = other.directory + "/config"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        func write(_ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/tasq.yaml"))
        }
        func lease(
            _ words: [String] = [], _ environment: [String: String] = [:]
        ) async throws -> String {
            let child = try await ChildProcess.start(
                TasqProgram.path, ["config", "show", "--json"] + words, environment: environment,
                directory: other.directory)
            #expect(try await child.wait() == .code(0), "\(child.standardError)")
            let lines = child.standardOutput.split(separator: "\n")
            return String(lines.first { $0.contains(#""key":"worker.lease""#) } ?? "")
        }
        #expect(try await lease().contains(#""value":"15s","source":"default""#))
        try write("worker: { lease: 42s }")
        let found = try await lease()
        #expect(found.contains(#""value":"42s","source":"file","place":"config/tasq.yaml:1""#))
        #expect(try await lease(["--config", other.path]).contains(#""value":"41s""#))
        #expect(try await lease([], ["TASQ_CONFIG": other.path]).contains(#""value":"41s""#))
        try write("worker: { leese: 42s }")
        let run = try await ChildProcess.start(
            TasqProgram.path, ["config", "check"],
            environment: ["DATABASE_URL": "postgres://h/d"], directory: other.directory)
        #expect(try await run.wait() == .code(78))
        #expect(run.standardError.contains("config/tasq.yaml:1: unknown key worker.leese"))
    }

    @Test func `A trigger enqueues with its row, and not without it`() async throws {
        try await withDatabase { database in
            try await database.execute(
                """
                CREATE TABLE public.purchase (id int PRIMARY KEY);
                CREATE FUNCTION public.ship() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM tasq.enqueue(
                        'ship', json_build_object('purchase', NEW.id),
                        unique_key => 'ship ' || NEW.id);
                    RETURN NEW;
                END $$;
                CREATE TRIGGER ship AFTER INSERT ON public.purchase
                FOR EACH ROW EXECUTE FUNCTION public.ship();
                INSERT INTO public.purchase VALUES (7);
                BEGIN; INSERT INTO public.purchase VALUES (8); ROLLBACK;
                INSERT INTO public.purchase VALUES (7), (9) ON CONFLICT DO NOTHING
                """)
            let out = try TemporaryFile("", name: "out")
            let file = try TemporaryFile(
                """
                handlers:
                  ship: { command: [/bin/sh, -c, 'cat >> "$0"; echo >> "$0"', "\(out.path)"] }
                """)
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path, "--concurrency", "1"],
                environment: ["DATABASE_URL": database.url])
            try await eventually("both jobs are a success") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "2"
            }
            let lines = try String(contentsOfFile: out.path, encoding: .utf8)
                .split(separator: "\n").map { $0.filter { $0 != " " } }
            #expect(lines.sorted() == [#"{"purchase":7}"#, #"{"purchase":9}"#])
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "2")
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0), "\(worker.standardError)")
        }
    }

    @Test func `What takes long draws a line on a terminal, and takes it away`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let lines = [String](repeating: #"{"kind":"noop"}"#, count: 1200)
            let file = try TemporaryFile(lines.joined(separator: "\n"), name: "jobs.ndjson")
            /// What was drawn, in order; a drawing begins where the one before is taken away.
            func drawn(_ words: [String]) async throws -> [String] {
                let run = try await Pty.start(words, environment: environment)
                #expect(try await run.wait() == .code(0), "\(words): \(run.lines)")
                return run.standardOutput.components(separatedBy: "\u{1B}[2K\n")
            }
            let enqueue = try await drawn(["enqueue", "--ndjson", file.path])
            #expect(enqueue.dropLast() == ["", "500 jobs", "1000 jobs"], "\(enqueue)")
            #expect(enqueue.last?.hasPrefix("1200 stored\n") == true, "\(enqueue)")

            let cancel = try await drawn(["jobs", "cancel", "--kind", "noop"])
            try #require(cancel.count == 3, "\(cancel)")
            #expect(
                cancel[1].wholeMatch(
                    of: #/\[=+ *\] 1200 of about \d+ looked at, 1200 match/#) != nil, "\(cancel)")
            #expect(cancel[2].hasPrefix("1200 cancelled\n"), "\(cancel)")

            let verify = try await drawn(["verify", "--pause", "0s"])
            #expect(verify.count > 2 && verify.last?.hasPrefix("no violation; ") == true)
        }
    }
}
