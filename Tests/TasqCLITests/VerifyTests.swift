import Foundation
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `tasq verify`: each violation planted by hand, and a busy system that has none.
@Suite(.medium) struct VerifyTests {
    /// A database and a Redis prefix of their own.
    private func withStores(
        _ body: (TestDatabase, [String: String], any RedisServer) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let redis = try await TestServers.redis()
            try await body(
                database,
                [
                    "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                    "TASQ_REDIS_PREFIX": database.keyPrefix,
                ], redis)
        }
    }

    private func verify(
        _ environment: [String: String], _ more: String..., pause: String = "100ms"
    ) async throws -> TasqProgram.Run {
        let child = try await TasqProgram.start(
            ["verify", "--pause", pause] + more, environment: environment)
        let exit = try await child.wait()
        return TasqProgram.Run(
            exit: exit, output: child.standardOutput, errors: child.standardError)
    }

    @Test func `What stands as it should is clean, with jobs in every status`() async throws {
        try await withStores { database, environment, redis in
            var ids: [String] = []
            for arguments in [
                ["a"], ["b", "--delay", "1h"], ["c", "--unique-key", "u"], ["d", "--queue", "q"],
            ] {
                let child = try await TasqProgram.start(
                    ["enqueue"] + arguments, environment: environment)
                #expect(try await child.wait() == .code(0))
                ids.append(child.standardOutput)
            }
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'success', finished_at = now() WHERE kind = 'd'
                """)
            // What is in Redis of the job that is over goes with it.
            // An announcement has a second, which a machine at its limit may not give it.
            let due = "\(database.keyPrefix):{default}:ready:1"
            _ = try await redis.command("del", due, "\(database.keyPrefix):{q}:ready:1")
            _ = try await redis.command("lpush", due, ids[0], ids[2])
            let run = try await verify(environment)
            #expect(run.exit == .code(0), "\(run.output)\(run.errors)")
            #expect(run.output == "no violation; 5 rows and 2 announced ids looked at")
            let json = try await verify(environment, "--json")
            #expect(json.exit == .code(0))
            #expect(
                json.output == #"{"violations":0,"more":false,"rows":5,"announced":2,"#
                    + #""waiting_to_be_dropped":0}"#)
        }
    }

    @Test(arguments: [
        (
            "claim-without-worker",
            """
            UPDATE tasq.job SET status = 'executing', attempt = 1;
            INSERT INTO tasq.executing_job
            SELECT id, gen_random_uuid(), gen_random_uuid(), 1, now() FROM tasq.job
            """
        ),
        ("executing-without-claim", "UPDATE tasq.job SET status = 'executing', attempt = 1"),
        (
            "claim-of-a-job-not-executing",
            """
            INSERT INTO tasq.worker VALUES (gen_random_uuid(), 'h', 1, '{default}', 1, 'v', 1, 1);
            INSERT INTO tasq.executing_job
            SELECT j.id, gen_random_uuid(), w.id, 1, now() FROM tasq.job AS j, tasq.worker AS w
            """
        ),
        (
            "attempt-miscounted",
            """
            INSERT INTO tasq.worker VALUES (gen_random_uuid(), 'h', 1, '{default}', 1, 'v', 1, 1);
            UPDATE tasq.job SET status = 'executing', attempt = 2;
            INSERT INTO tasq.executing_job
            SELECT j.id, gen_random_uuid(), w.id, 1, now() FROM tasq.job AS j, tasq.worker AS w
            """
        ),
        (
            "unique-key-of-a-finished-job",
            """
            INSERT INTO tasq.unique_key SELECT 'k', id FROM tasq.job;
            UPDATE tasq.job SET status = 'success', finished_at = now(), unique_key = 'k'
            """
        ),
        ("unique-key-not-held", "UPDATE tasq.job SET unique_key = 'k'"),
        (
            "unique-key-its-job-has-not",
            "INSERT INTO tasq.unique_key SELECT 'k', id FROM tasq.job"
        ),
        ("queued-not-due", "UPDATE tasq.job SET run_at = now() + interval '5 years'"),
        (
            "scheduled-overdue",
            "UPDATE tasq.job SET status = 'scheduled', run_at = now() - interval '25 hours'"
        ),
        ("never-due", "UPDATE tasq.job SET status = 'scheduled', run_at = 'infinity'"),
        ("body-missing", "DELETE FROM tasq.payload"),
        ("no-attempt-left", "UPDATE tasq.job SET attempt = max_attempts"),
    ])
    func `A violation planted in the tables is found`(kind: String, sql: String) async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let id = try await TasqProgram.run("enqueue", "noop", environment: environment).output
            let clean = try await verify(environment)
            #expect(clean.exit == .code(0))
            try await database.execute(sql)
            let run = try await verify(environment)
            #expect(run.exit == .code(1))
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 1 && lines[0].hasPrefix("\(kind) \(id): "), "\(run.output)")
            #expect(run.errors.hasPrefix("tasq: 1 violations; "))
            let json = try await verify(environment, "--json")
            let objects = json.output.split(separator: "\n")
            try #require(objects.count == 2, "\(json.output)")
            #expect(objects[0].hasPrefix(#"{"violation":"\#(kind)","subject":"\#(id)""#))
            #expect(objects[1].hasPrefix(#"{"violations":1,"more":false,"rows":"#))
        }
    }

    @Test func `An index that is gone or broken and an epoch that is gone are found by name`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            try await database.execute(
                """
                DROP INDEX tasq.job_scheduled; DELETE FROM tasq.setting;
                UPDATE pg_index SET indisvalid = false
                WHERE indexrelid = 'tasq.payload_received'::regclass
                """)
            let run = try await verify(environment)
            #expect(run.exit == .code(1))
            #expect(
                run.output.split(separator: "\n").map { $0.prefix { $0 != ":" } } == [
                    "epoch-missing setting epoch", "index-missing job_scheduled",
                    "index-missing payload_received",
                ], "\(run.output)")
        }
    }

    /// A migration that adds an index adds it to verify_schema.sql too.
    @Test func `Every index of the schema is asked for`() async throws {
        try await withDatabase { database in
            let names = try await database.execute(
                "SELECT indexname FROM pg_indexes WHERE schemaname = 'tasq'")
            try await database.execute(
                """
                ALTER TABLE tasq.job SET SCHEMA public;
                UPDATE pg_index SET indisvalid = false WHERE indexrelid IN (
                    SELECT oid FROM pg_class WHERE relnamespace = 'tasq'::regnamespace)
                """)
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: .silent)
            let found = try await store.findings(in: .schema, after: "", limit: 1).findings
            await store.close()
            #expect(
                Set(found.map(\.subject)) == Set(names.split(separator: "\n").map(String.init)))
        }
    }

    @Test
    func
        `A queued job that is not in Redis is found, and ids there that are not queued are a note`()
        async throws
    {
        try await withStores { database, environment, redis in
            let list = "\(database.keyPrefix):{default}:ready:1"
            let id = try await TasqProgram.run("enqueue", "noop", environment: environment).output
            _ = try await redis.command("del", list)
            let missing = try await verify(environment)
            #expect(missing.exit == .code(1))
            #expect(missing.output.hasPrefix("queued-not-announced \(id): "))

            // A paused queue's announcements are dropped, so none need be there.
            try await database.execute("INSERT INTO tasq.queue_setting VALUES ('default', true)")
            let paused = try await verify(environment)
            #expect(paused.exit == .code(0), "\(paused.output)")
            try await database.execute("DELETE FROM tasq.queue_setting")

            let stranger = JobID().description
            _ = try await redis.command("lpush", list, id, stranger, "rubbish")
            let orphan = "\(database.keyPrefix):{elsewhere}:ready:0"
            let other = JobID().description
            _ = try await redis.command("lpush", orphan, other)
            let stale = try await verify(environment)
            #expect(stale.exit == .code(1))
            let lines = Set(stale.output.split(separator: "\n").map { $0.prefix { $0 != ":" } })
            #expect(
                lines == ["announced-no-id default"], "\(stale.output)")
            #expect(
                stale.errors.contains("3 announced ids looked at, 2 of them no longer queued"),
                "\(stale.errors)")
            _ = try await redis.command("lrem", list, "0", "rubbish")
            try await database.execute(
                "UPDATE tasq.job SET status = 'success', finished_at = now()")
            let over = try await verify(environment)
            #expect(over.exit == .code(0))
            #expect(
                over.output.hasSuffix(
                    " 3 of them no longer queued: workers drop them in their turn"))
            #expect(!over.output.contains(id))
        }
    }

    @Test func `Ids in Redis that are not queued are named one by one where that is asked for`()
        async throws
    {
        try await withStores { database, environment, redis in
            let id = try await TasqProgram.run("enqueue", "noop", environment: environment).output
            try await database.execute(
                "UPDATE tasq.job SET status = 'success', finished_at = now()")
            let other = JobID().description
            _ = try await redis.command("del", "\(database.keyPrefix):{default}:ready:1")
            _ = try await redis.command("lpush", "\(database.keyPrefix):{default}:ready:1", id)
            _ = try await redis.command("lpush", "\(database.keyPrefix):{gone}:ready:0", other)
            let named = try await verify(environment, "--ids")
            #expect(named.exit == .code(1))
            let names = named.output.split(separator: "\n").map { String($0.prefix { $0 != ":" }) }
            #expect(names == [id, other].sorted().map { "announced-not-queued \($0)" })
            #expect(named.errors.hasPrefix("tasq: 2 violations; "), "\(named.errors)")
            let json = try await verify(environment, "--ids", "--json")
            #expect(json.exit == .code(1) && json.output.split(separator: "\n").count == 3)
            for id in [id, other] {
                let object = #"{"violation":"announced-not-queued","subject":"\#(id)","#
                #expect(json.output.contains(object), "\(json.output)")
            }
            let summary =
                #"{"violations":2,"more":false,"rows":1,"announced":2,"waiting_to_be_dropped":2}"#
            #expect(json.output.hasSuffix(summary), "\(json.output)")
            // Neither is one without being asked for, and a repair leaves both to workers.
            #expect(try await verify(environment).exit == .code(0))
            let repair = try await TasqProgram.run(
                "repair", "--pause", "0s", environment: environment)
            #expect(repair.exit == .code(0) && repair.output == "nothing to mend")
        }
    }

    @Test func `A Redis that cannot be read is told in one line, its exit code says what to mend`()
        async throws
    {
        let redis = try await PrivateRedis.start(arguments: ["--requirepass", "hunter2"])
        let place = "127.0.0.1:\(redis.port)"
        let cases: [(url: String, code: Int32, text: String)] = [
            ("redis://\(place)", 77, "asks for a password"),
            ("redis://:hunter3@\(place)", 77, "refused the user or the password"),
            ("redis://:hunter2@\(place)/99", 78, "has no database of the number"),
            (
                "redis+sentinel://:hunter2@\(place)/bells?sentinel_password=hunter2", 78,
                "sentinel \(place): is no sentinel"
            ),
            ("redis+cluster://:hunter2@\(place)", 78, "is not part of a cluster"),
            ("redis://127.0.0.1:9", 69, "connection refused"),
        ]
        try await withDatabase { database in
            for (url, code, text) in cases {
                let run = try await verify(["DATABASE_URL": database.url, "REDIS_URL": url])
                #expect(run.exit == .code(code), "\(url): \(run.errors)")
                #expect(run.errors.contains(text), "\(run.errors)")
                #expect(run.errorLines.count == 1, "\(run.errors)")
                #expect(!run.errors.contains("hunter"))
            }
        }
        await redis.stop()
    }

    @Test func `Long tables and lists are walked in pages and passes, and nothing is left out`()
        async throws
    {
        try await withStores { database, environment, redis in
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: .silent)
            let announcer = RedisAnnouncer(
                try RedisSettings(url: redis.url, prefix: database.keyPrefix), logger: .silent)
            let queue = Queue(store: store, announcer: announcer)
            let jobs = try (0..<23).map { number in
                try NewJob(kind: Name("noop"), priority: Priority(number % 4), payload: Payload([]))
            }
            let ids = try await queue.enqueue(jobs).map(\.id)
            await queue.flush()
            let verification = Verification(
                catalog: store, store: store, announcer: announcer, pause: .zero, pageLimit: 3,
                idsAtOnce: 4)
            let clean = try await verification.run()
            #expect(clean.violations.isEmpty && clean.announced == 23 && clean.rows == 23)
            _ = try await redis.command(
                "lrem", "\(database.keyPrefix):{default}:ready:1", "0", ids[5].description)
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'executing', attempt = 1 WHERE id = '\(ids[22])'
                """)
            let found = Set(try await verification.run().violations)
            #expect(
                found == [
                    Violation(kind: .queuedNotAnnounced, subject: ids[5].description),
                    Violation(kind: .executingWithoutClaim, subject: ids[22].description),
                ])
            await announcer.close()
            await store.close()
        }
    }

    @Test func `A busy system is clean`() async throws {
        try await withStores { database, environment, _ in
            let file = try TemporaryFile("handlers:\n  nap: { sleep: 5ms }\n  noop: { noop: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path, "--concurrency", "8"], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            let lines = (0..<6000).map { #"{"kind":"\#($0 % 4 == 0 ? "nap" : "noop")"}"# }
                .joined(separator: "\n")
            let enqueue = try await TasqProgram.start(
                ["enqueue", "--ndjson", "-"], environment: environment, input: lines)
            var looks = 0
            while true {
                let run = try await verify(
                    environment, pause: "\(Int(1000 * Slowness.factor))ms")
                #expect(run.exit == .code(0), "\(run.output)\(run.errors)")
                looks += 1
                let left = try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status <> 'success'")
                let all = try await database.execute("SELECT count(*) FROM tasq.job")
                if left == "0", all == "6000" { break }
                try #require(looks < 100)
            }
            #expect(try await enqueue.wait() == .code(0))
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
    }
}
