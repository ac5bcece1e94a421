import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Configuration files and variables nobody should write: exit 78, all of it told, no value shown.
@Suite(.medium) struct ConfigurationBadInputTests {
    @Test(
        arguments: [
            ("worker: { concurrency: 1000000000 }", "from 1 to 10000"),
            ("worker: { concurrency: -1 }", "from 1 to 10000"),
            ("worker: { lease: 5 s }", "worker.lease"), ("worker: { lease: 5sec }", "worker.lease"),
            ("worker: { lease: -5 }", "worker.lease"), ("worker: { grace: 1e308 }", "worker.grace"),
            ("worker: { heartbeat: 0s }", "worker.heartbeat"),
            ("worker: { concurrency: [1, 2] }", "worker.concurrency"),
            ("worker: [1]", "must be a mapping"), ("- a", "must be a mapping"),
            ("just text", "mapping"),
            ("handlers: { a: { noop: {}, timeout: 0s } }", "handlers.a.timeout"),
            ("handlers: { a: { noop: {}, timeout: -1s } }", "handlers.a.timeout"),
            ("handlers: { a: { noop: {}, max_attempts: 2147483648 } }", "from 1 to 1000"),
            ("handlers: { a: { noop: {}, priority: 9 } }", "from 0 to 3"),
            ("handlers: { a: { noop: {}, retry: { base: -1s } } }", "retry.base"),
            ("handlers: { a: { noop: {}, retry: { factor: .inf } } }", "retry.factor"),
            ("handlers: { a: { noop: {}, retry: { jitter: NaN } } }", "retry.jitter"),
            ("sources: { a: { verify: none, secrets: [x] } }", "sources.a.verify"),
            ("sources: { a: { verify: github } }", "sources.a.secrets"),
            ("sources: { a: { verify: github, secrets: [] } }", "sources.a.secrets"),
            ("sources: { a: { verify: github, secrets: [\"env:NOT_SET\"] } }", "NOT_SET"),
            ("handlers: { a: { http: { url: \"http://169.254.169.254/x\" } } }", "handlers.a.http"),
            ("? [a, b]\n: c", "plain text"), ("a: &x [*x]", "undefined alias"), ("\u{0}", "not"),
            ("a: \"\u{1}\"", "is not YAML"),
            ("\"\\x\": 1", "is not YAML"), ("{{{{", "is not YAML"), ("a:\n\t- b", "is not YAML"),
            (String(repeating: "[", count: 20_000), "nesting"),
            (String(repeating: "a: {", count: 20_000), "nesting"),
            (String(repeating: "#", count: 1_048_577), "at most 1048576 bytes"),
            ("handlers: { a: { command: [\"a\\0b\"] } }", "NUL"),
        ].map { (Long($0), $1) })
    func `A file nobody should write exits 78`(long: Long<String>, named: String) async throws {
        let text = long.value
        let file = try TemporaryFile(text)
        let run = try await TasqProgram.run(
            "config", "check", "--config", file.path,
            environment: ["DATABASE_URL": "postgres://h/d"])
        #expect(run.exit == .code(78), "\(text.prefix(60)): \(run.exit) \(run.errors)")
        #expect(run.errors.contains(named), "\(run.errors.prefix(300))")
        #expect(run.errors.contains(file.path))
    }

    @Test func `Aliases that multiply do not fill the memory`() async throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let references = [String](repeating: "*a\(level - 1)", count: 10)
            text += "a\(level): &a\(level) [\(references.joined(separator: ", "))]\n"
        }
        let file = try TemporaryFile(text + "handlers: { a: *a9 }\nsources: { a: *a9 }")
        let run = try await TasqProgram.run("config", "show", "--config", file.path)
        #expect(run.exit == .code(78), "\(run.errors.prefix(300))")
        #expect(run.errors.contains("must hold at most 100000 values"), "\(run.errors.prefix(300))")
    }

    @Test func `A directory, a file that is not text and one that is gone exit 78`() async throws {
        let file = try TemporaryFile("x", name: "bytes")
        try Data([0xFF, 0xFE, 0x00]).write(to: URL(fileURLWithPath: file.path))
        for path in [file.directory, file.path, file.directory + "/gone", "/dev/null/x"] {
            let run = try await TasqProgram.run("config", "show", "--config", path)
            #expect(run.exit == .code(78), "\(path)")
            #expect(run.errors.contains(path))
            #expect(run.errorLines.count == 1)
        }
    }

    @Test func `A file that everybody may write, and one that may not be read, exit 78`()
        async throws
    {
        let file = try TemporaryFile("worker: { lease: 20s }")
        // Root reads everything, unless that right is taken from it.
        let plain =
            geteuid() == 0
            ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] : []
        for (mode, rule) in [
            (0o666, "can be written by everybody: chmod o-w it"),
            (0o000, "cannot be read: check the path and its permissions"),
        ] {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: file.path)
            let child = try await ChildProcess.start(
                "/usr/bin/env",
                plain + [TasqProgram.path, "config", "check", "--config", file.path],
                environment: ["DATABASE_URL": "postgres://h/d"], directory: "/")
            #expect(try await child.wait() == .code(78), "\(child.lines)")
            #expect(child.standardError == "tasq: \(file.path): \(rule)")
        }
    }

    @Test func `Every way to write a key wrong is told at once, and no value`() async throws {
        let run = try await TasqProgram.run(
            "config", "check",
            environment: [
                "TASQ_WORKER_LEASE": "hunter2", "TASQ_HTTP_INGEST": "hunter2",
                "TASQ_LIMITS_BODY": "-1", "TASQ_FIND_WORK": "hunter2", "TASQ_SCHEMA": "pg_x",
                "TASQ_LOG_LEVEL": "hunter2", "TASQ_REDIS_PREFIX": "a b", "REDIS_URL": "hunter2",
                "DATABASE_URL": "hunter2", "TASQ_WORKER_LEESE": "1s",
            ])
        #expect(run.exit == .code(78))
        #expect(run.errorLines.count == 10, "\(run.errors)")
        #expect(!run.errors.contains("hunter2"))
    }
}
