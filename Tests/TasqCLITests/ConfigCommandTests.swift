import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq config check` and `tasq config show` as people run them.
@Suite(.medium) struct ConfigCommandTests {
    @Test func `check says all mistakes at once, with line and nearest key, and exits 78`()
        async throws
    {
        let file = try TemporaryFile(
            """
            worker:
              concurency: 3
              lease: 5 s
            handlers:
              a: { sleep: 5 }
            sources:
              s: { verify: github, secrets: [env:MISSING] }
            """)
        let run = try await TasqProgram.run(
            "config", "check", "--config", file.path,
            environment: ["TASQ_HTTP_ADMIN": "0.0.0.0:1", "TASQ_WORKER_LEESE": "5s"])
        #expect(run.exit == .code(78))
        #expect(run.output.isEmpty)
        let expected = [
            "tasq: \(file.path):3: worker.lease must be",
            "tasq: \(file.path):2: unknown key worker.concurency; did you mean concurrency?",
            "tasq: TASQ_WORKER_LEESE: unknown variable; did you mean TASQ_WORKER_LEASE?",
            "tasq: \(file.path):7: env:MISSING is not set",
            "tasq: \(file.path):5: handlers.a.sleep must be",
            "tasq: database_url: is not set: pass --database-url or set DATABASE_URL",
            "tasq: TASQ_HTTP_ADMIN: http.admin must stay on loopback",
        ]
        #expect(run.errorLines.count == expected.count, "\(run.errors)")
        for text in expected { #expect(run.errors.contains(text), "\(text)") }
        let json = try await TasqProgram.run(
            "config", "check", "--json", "--config", file.path,
            "--database-url", "postgres://h/d")
        #expect(json.exit == .code(78))
        #expect(json.output.hasPrefix("{\"valid\":false,\"problems\":[{\"place\":\"\(file.path):"))
        #expect(json.errors.isEmpty)
    }

    @Test func `check accepts what serve and work would, and reaches no server`() async throws {
        let file = try TemporaryFile("handlers:\n  \"*\": { noop: {} }")
        let environment = [
            "DATABASE_URL": "postgres://u:hunter2@127.0.0.1:9/d",
            "REDIS_URL": "redis://127.0.0.1:9",
        ]
        let run = try await TasqProgram.run(
            "config", "check", "--config", file.path, environment: environment)
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(run.output == "\(file.path): valid, 0 sources, 1 handlers")
        let json = try await TasqProgram.run(
            "config", "check", "--config", file.path, "--json", environment: environment)
        #expect(json.output == "{\"valid\":true,\"problems\":[],\"schedules\":[]}")
        let bare = try await TasqProgram.run("config", "check", environment: environment)
        #expect(bare.output == "no file: valid, 0 sources, 0 handlers")
    }

    @Test func `check tells when each schedule will tick, and how its text may be read`()
        async throws
    {
        let file = try TemporaryFile(
            """
            schedules:
              new-year: { cron: "30 2 1 1 *", zone: Asia/Tokyo, kind: k }
              odd: { cron: "0 0 */2 * 1", kind: k }
              over: { cron: "@daily", kind: k, end: "2001-01-01T00:00:00Z" }
            """)
        func check(_ more: String...) async throws -> TasqProgram.Run {
            let words = ["config", "check", "--config", file.path] + more
            let child = try await TasqProgram.start(
                words, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/none"])
            let exit = try await child.wait()
            return .init(exit: exit, output: child.standardOutput, errors: child.standardError)
        }
        let run = try await check()
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(run.output.contains("schedule new-year: 30 2 1 1 *\n"), "\(run.output)")
        #expect(run.output.ranges(of: "-01-01T02:30:00+09:00  ").count == 5, "\(run.output)")
        #expect(run.output.contains("# A day must match both"), "\(run.output)")
        #expect(run.output.contains("schedule over: @daily\nit ticks no more"), "\(run.output)")
        let json = try await check("--json")
        #expect(json.output.contains(#"{"name":"new-year","timing":{"cron":"30 2 1 1 *""#))
        #expect(json.output.ranges(of: "-01-01T02:30:00+09:00").count == 5, "\(json.output)")
    }

    @Test func `check says that a system has no certificate authorities`() async throws {
        let authority = try await CertificateAuthority()
        let file = try TemporaryFile("handlers:\n  a: { http: { url: \"https://h.example/\" } }")
        func check(_ more: [String: String]) async throws -> TasqProgram.Run {
            let nowhere = [
                "DATABASE_URL": "postgres://h/d", "SSL_CERT_FILE": "/nowhere",
                "SSL_CERT_DIR": "/nowhere",
            ]
            return try await TasqProgram.run(
                "config", "check", "--config", file.path,
                environment: nowhere.merging(more) { $1 })
        }
        let target = try await check([:])
        #expect(target.exit == .code(78))
        #expect(
            target.errors.contains(
                ":2: handlers.a.http.url is https, and this system has no certificate authorities"),
            "\(target.errors)")
        let redis = try await check(["REDIS_URL": "rediss://127.0.0.1:1"])
        #expect(redis.errorLines.count == 2 && redis.errors.contains("or give cacert"))
        // As OpenSSL finds them: in a file, or by their hashes.
        let hashed = try TemporaryFile("", name: "0a1b2c3d.0")
        for place in [
            ["SSL_CERT_FILE": authority.certificate],
            ["SSL_CERT_DIR": "/nowhere:" + hashed.directory],
        ] {
            let found = try await check(place)
            #expect(found.exit == .code(0), "\(found.errors)")
        }
    }

    @Test(arguments: ["", "# nothing yet\n"])
    func `A file that says nothing is named all the same`(text: String) async throws {
        let file = try TemporaryFile(text)
        let run = try await TasqProgram.run(
            "config", "check", "--config", file.path, "--database-url", "postgres://h/d")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(run.output == "\(file.path): valid, 0 sources, 0 handlers")
    }

    @Test func `show says where each value came from and no secret`() async throws {
        let file = try TemporaryFile(
            """
            worker:
              lease: 20s
              heartbeat: 3s
            admin_token: hunter2admin
            admin_tokens: { read: [hunter2read, env:READER] }
            sources:
              s: { verify: github, secrets: [env:ONE, hunter2source], kind: push }
            handlers:
              mail:
                http: { url: "https://h.example/x?t=hunter2query", sign: hunter2sign, headers: { X: hunter2header } }
              run: { command: [/bin/true], env: { KEY: hunter2env } }
            """)
        let environment = [
            "DATABASE_URL": "postgres://u:hunter2@db.example:5433/d", "TASQ_WORKER_HEARTBEAT": "4s",
            "REDIS_URL": "env:REDIS",
        ]
        let run = try await TasqProgram.run(
            "config", "show", "--json", "--config", file.path, "--log-level", "debug",
            environment: environment)
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(!(run.output + run.errors).contains("hunter2"))
        func line(_ key: String, _ value: String, _ source: String, _ place: String) -> String {
            "{\"key\":\"\(key)\",\"value\":\(value),\"source\":\"\(source)\",\"place\":\(place)}"
        }
        for expected in [
            line("log_level", "\"debug\"", "flag", "\"--log-level\""),
            line("worker.heartbeat", "\"4s\"", "environment", "\"TASQ_WORKER_HEARTBEAT\""),
            line("worker.lease", "\"20s\"", "file", "\"\(file.path):2\""),
            line("worker.concurrency", "\"64\"", "default", "null"),
            line("http.ingest", "\"0.0.0.0:8080\"", "default", "null"),
            line("http.admin", "\"127.0.0.1:8081\"", "default", "null"),
            line(
                "database_url", "\"postgres db.example:5433/d (hidden)\"", "environment",
                "\"DATABASE_URL\""),
            line("redis_url", "\"env:REDIS\"", "environment", "\"REDIS_URL\""),
            line("admin_token", "\"(hidden)\"", "file", "\"\(file.path):4\""),
            line("admin_tokens.read[1]", "\"env:READER\"", "file", "\"\(file.path):5\""),
            line("sources.s.secrets[0]", "\"env:ONE\"", "file", "\"\(file.path):7\""),
            line("sources.s.secrets[1]", "\"(hidden)\"", "file", "\"\(file.path):7\""),
            line(
                "handlers.mail.http.url", "\"https://h.example/x?(hidden)\"", "file",
                "\"\(file.path):10\""),
            line("handlers.mail.http.sign", "\"(hidden)\"", "file", "\"\(file.path):10\""),
            line("handlers.mail.http.headers.X", "\"(hidden)\"", "file", "\"\(file.path):10\""),
            line("handlers.run.env.KEY", "\"(hidden)\"", "file", "\"\(file.path):11\""),
        ] { #expect(run.output.contains(expected), "\(expected)\n\(run.output)") }
        let table = try await TasqProgram.run(
            "config", "show", "--config", file.path, environment: environment)
        #expect(table.output.hasPrefix("KEY"))
        #expect(!table.output.contains("hunter2"))
        let row = table.output.split(separator: "\n").first { $0.hasPrefix("worker.heartbeat ") }
        #expect(
            row?.split(separator: " ").map(String.init)
                == ["worker.heartbeat", "4s", "TASQ_WORKER_HEARTBEAT"])
    }

    @Test func `Without a file show says every scalar key, in order`()
        async throws
    {
        let run = try await TasqProgram.run("config", "show", "--json")
        let keys = run.output.split(separator: "\n").compactMap { line in
            line.split(separator: "\"").dropFirst(3).first.map(String.init)
        }
        #expect(keys == Setting.all.map(\.key))
    }
}
