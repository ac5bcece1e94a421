import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// URLs and servers that are not what they should be: the code says whose fault it is.
@Suite(.medium) struct ServerURLBadInputTests {
    @Test(arguments: [
        ("", "DATABASE_URL"), ("postgres://u:hunter2@ss@h/db", "percent-encode"),
        ("postgres://u:hunter2@h:port/db", "DATABASE_URL"),
        ("mysql://u:hunter2@h/db", "DATABASE_URL"),
        ("postgres://u:hunter2@h/db?nope=1", "DATABASE_URL"), ("hunter2", "DATABASE_URL"),
        ("postgres://u:hunter2@[::1/db", "DATABASE_URL"),
        ("host=h port=x password=hunter2", "port"),
        ("postgres://u:hunter2@127.0.0.1:9/db?sslmode=perhaps", "sslmode"),
    ])
    func `A database URL that cannot work exits 78 and is not repeated`(
        url: String, named: String
    ) async throws {
        let run = try await TasqProgram.run("queues", "list", environment: ["DATABASE_URL": url])
        #expect(run.exit == .code(78), "\(run.errors)")
        #expect(run.errorLines.count == 1)
        #expect(run.errors.contains(named), "\(run.errors)")
        #expect(!run.errors.contains("hunter2") && !run.errors.contains("ss@"))
    }

    @Test(arguments: [
        ("postgres://u:hunter2@127.0.0.1:9/db", "127.0.0.1:9"),
        ("postgres://u:hunter2@[::1]:9/db", "[::1]:9"),
        ("postgres://u:hunter2@no-such-host.invalid/db", "no-such-host.invalid"),
        ("host=127.0.0.1 port=9 password=hunter2", "127.0.0.1:9"),
        ("postgres://u:hunter2@127.0.0.1:9,127.0.0.1:10/db", "127.0.0.1:9"),
    ])
    func `A database that cannot be reached exits 69 and is named`(
        url: String, named: String
    ) async throws {
        let run = try await TasqProgram.run("queues", "list", environment: ["DATABASE_URL": url])
        #expect(run.exit == .code(69), "\(run.errors)")
        #expect(run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.contains(named), "\(run.errors)")
        #expect(!run.errors.contains("hunter2"))
    }

    @Test func `A wrong user, a missing right, database or schema have their codes`()
        async throws
    {
        try await withDatabase { database in
            let server = try await TestServers.postgres()
            let role = "reader\(UInt32.random(in: 0 ... .max))"
            try await server.execute("CREATE ROLE \(role) LOGIN")
            func with(_ url: String) -> String {
                url.replacing("://postgres@", with: "://\(role)@")
            }
            var results: [(String, Int32, String?)] = [
                (
                    database.url.replacing("://postgres@", with: "://nobody-here@"), 77,
                    "nobody-here"
                ),
                (server.url(database: "no_such_database"), 78, "no_such_database"),
                (with(database.url), 77, "denied"),
                (database.url + "?options=-csearch_path%3Dpg_catalog", 0, nil),
                (database.url + "?target_session_attrs=standby", 69, "standby"),
            ]
            results.append((server.url(database: "postgres"), 78, "tasq migrate"))
            for (url, code, named) in results {
                let run = try await TasqProgram.run(
                    "enqueue", "a", environment: ["DATABASE_URL": url])
                #expect(run.exit == .code(code), "\(url): \(run.errors)")
                if let named { #expect(run.errors.contains(named), "\(run.errors)") }
                #expect(run.errorLines.count == (code == 0 ? 0 : 1), "\(run.errors)")
            }
            try await server.execute("DROP ROLE \(role)")
        }
    }

    @Test(arguments: [
        ("redis://:hunter2@a,b", "several hosts"), ("redis+sentinel://:hunter2@s:26379", "watch"),
        ("redis+sentinel://s/m?sentinel_passwort=hunter2", "sentinel_password"),
        ("redis+cluster://:hunter2@n/1", "cluster has none"), ("hunter2", "REDIS_URL"),
        ("redis+cluster://:hunter2@n:x", "port"), ("rediss+sentinel://:hunter2@s", "watch"),
    ])
    func `A Redis URL that cannot work exits 78 and is not repeated`(
        url: String, named: String
    ) async throws {
        let run = try await TasqProgram.run(
            "doctor",
            environment: ["DATABASE_URL": "postgres://127.0.0.1:9/x", "REDIS_URL": url])
        #expect(run.exit == .code(78), "\(run.errors)")
        #expect(run.errorLines.count == 1)
        #expect(run.errors.contains(named), "\(run.errors)")
        #expect(!run.errors.contains("hunter2"))
    }

    @Test(arguments: [
        "redis://127.0.0.1:9", "rediss://127.0.0.1:9", "redis://no-such-host.invalid",
        "redis+sentinel://127.0.0.1:9/mymaster", "redis+cluster://127.0.0.1:9,127.0.0.1:10",
        "redis://:wrong@REDIS", "redis://REDIS/99",
    ])
    func `A Redis that is not there refuses no job`(url: String) async throws {
        try await withDatabase { database in
            let redis = try await TestServers.redis().url.replacing("redis://", with: "")
            let run = try await TasqProgram.run(
                "enqueue", "a",
                environment: [
                    "DATABASE_URL": database.url, "REDIS_URL": url.replacing("REDIS", with: redis),
                ])
            #expect(run.exit == .code(0), "\(run.errors)")
            #expect(JobID(run.output) != nil)
        }
    }

    @Test func `A worker whose user is locked out waits, says so, and goes on`() async throws {
        try await withDatabase { database in
            let role = "locked_\(database.name)"
            try await database.execute(
                "CREATE ROLE \(role) LOGIN SUPERUSER PASSWORD 'hunter2'")
            let url = database.url.replacing("//postgres@", with: "//\(role):hunter2@")
            let file = try TemporaryFile("handlers:\n  \"*\": { noop: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: ["DATABASE_URL": url])
            _ = try await worker.waitForLine(containing: "worker registered")
            try await database.execute("ALTER ROLE \(role) NOLOGIN")
            try await database.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE usename = '\(role)' AND datname = current_database();
                SELECT tasq.enqueue('a')
                """)
            _ = try await worker.waitForLine(containing: "postgres is out")
            try await database.execute("ALTER ROLE \(role) LOGIN")
            try await eventually(within: .seconds(60).onThisMachine, "the job is a success") {
                try await database.execute("SELECT status FROM tasq.job") == "success"
            }
            #expect(!worker.standardError.contains("hunter2"))
            #expect(worker.standardError.split(separator: "\n").count < 40)
            worker.signal(15)
            #expect(try await worker.wait() == .code(0), "\(worker.standardError)")
            try await database.execute(
                "REASSIGN OWNED BY \(role) TO postgres; DROP ROLE \(role)")
        }
    }

    @Test func `Rubbish on a worker's lists is dropped and the jobs behind it run`()
        async throws
    {
        try await withDatabase { database in
            let redis = try await TestServers.redis()
            let list = "\(database.keyPrefix):{default}:ready:1"
            let environment = [
                "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                "TASQ_REDIS_PREFIX": database.keyPrefix,
            ]
            let other = try await TasqProgram.run(
                "enqueue", "a", "--queue", "elsewhere", environment: environment)
            for element in [
                "17", "-1", "x'; DROP TABLE tasq.job; --", "%s%n", "\u{1}", JobID().description,
                other.output,
            ] { try await redis.command("LPUSH", list, element) }
            // Longer than an argument of a program may be.
            let long = "return redis.call('lpush', KEYS[1], string.rep('x', 1048576))"
            try await redis.command("EVAL", long, "1", list)
            try await redis.command("SET", "\(database.keyPrefix):{default}:ready:0", "text")
            let file = try TemporaryFile("handlers:\n  \"*\": { noop: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            _ = try await TasqProgram.run("enqueue", "a", environment: environment)
            try await eventually("the job behind the rubbish runs") {
                let count = try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'")
                return count == "1"
            }
            let elsewhere = try await database.execute(
                "SELECT status FROM tasq.job WHERE queue = 'elsewhere'")
            #expect(elsewhere == "queued")
            #expect(!worker.standardError.contains("DROP TABLE"))
            #expect(!worker.standardError.contains("xxxxxxxx"))
            worker.signal(15)
            let exit = try await worker.wait()
            #expect(exit == .code(0))
        }
    }

    @Test func `A worker whose Redis comes to ask for a password works by the table meanwhile`()
        async throws
    {
        let redis = try await PrivateRedis.start()
        let password = ["-a", "hunter2"]
        func waits(_ words: [String] = []) async throws {
            try await eventually("the worker waits at Redis") {
                try await redis.command(words + ["INFO", "clients"])
                    .contains("blocked_clients:1")
            }
        }
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  \"*\": { noop: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path],
                environment: ["DATABASE_URL": database.url, "REDIS_URL": redis.url])
            try await waits()
            try await redis.command("CONFIG", "SET", "requirepass", "hunter2")
            try await redis.command(password + ["CLIENT", "KILL", "TYPE", "normal"])
            let told = try await worker.waitForLine(containing: "asks for a password")
            #expect(told.contains("put it in REDIS_URL"), "\(told)")
            try await database.execute("SELECT tasq.enqueue('a')")
            try await eventually("the job is a success") {
                try await database.execute("SELECT status FROM tasq.job") == "success"
            }
            try await redis.command(password + ["CONFIG", "SET", "requirepass", ""])
            try await waits()
            #expect(worker.standardError.split(separator: "\n").count < 40)
            worker.signal(15)
            #expect(try await worker.wait() == .code(0), "\(worker.standardError)")
        }
        await redis.stop()
    }
}
