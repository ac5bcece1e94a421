import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What comes in and goes out when it is not what it should be.
@Suite(.medium) struct StreamBadInputTests {
    private static let deep = String(repeating: "[", count: 1_000_000)
    private static let bodies: [[UInt8]] =
        [
            "", "{", "nul", "{} x", "\u{FEFF}{}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}",
            "{\"a\":01}", "{'a':1}", "NaN", "{\"a\":1,}", deep,
            String(deep.prefix(129)) + "1"
                + String(repeating: "]", count: 129),
        ].map { Array($0.utf8) } + [
            [0x22, 0x00, 0x22], [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22],
            [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFF, 0xFE],
            Array("\"".utf8) + [UInt8](repeating: 0x78, count: JobLimits.payloadBytes) + [0x22],
        ]

    @Test func `A payload that is no JSON, or too large, exits 65 by any way in, without a row`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for body in Self.bodies {
                let file = try TemporaryFile("", name: "body")
                try Data(body).write(to: URL(fileURLWithPath: file.path))
                let run = try await TasqProgram.run(
                    "enqueue", "a", "--payload", "@" + file.path, environment: environment)
                let shown = String(decoding: body.prefix(40), as: UTF8.self)
                #expect(run.exit == .code(65), "\(shown): \(run.errors)")
                #expect(run.errorLines.count == 1, "\(shown)")
                let line = try TemporaryFile("", name: "lines")
                try Data(Array("{\"kind\":\"a\",\"payload\":".utf8) + body + Array("}\n".utf8))
                    .write(to: URL(fileURLWithPath: line.path))
                let bulk = try await TasqProgram.run(
                    "enqueue", "--ndjson", line.path, environment: environment)
                #expect(bulk.exit == .code(65), "\(shown): \(bulk.errors)")
                #expect(bulk.errors.contains("line 1"), "\(shown): \(bulk.errors)")
            }
            let count = try await database.execute("SELECT count(*) FROM tasq.payload")
            #expect(count == "0")
        }
    }

    @Test func `What is JSON passes through untouched, whatever it holds`() async throws {
        let bodies = [
            "1e400", "-0", "1E+1000000", "9007199254740993", String(repeating: "9", count: 200_000),
            "{\"a\":1,\"a\":2}", " \t{ \"b\" : 1 } ", "\"\\ud83d\\ude00 ' \\\" ; --\"", "null",
            "{\"__proto__\":{}}", "\"$(id) `id` %s%n <script>\"",
        ]
        try await withDatabase { database in
            for body in bodies {
                let file = try TemporaryFile(body, name: "body")
                let run = try await TasqProgram.run(
                    "enqueue", "a", "--payload", "@" + file.path,
                    environment: ["DATABASE_URL": database.url])
                #expect(run.exit == .code(0), "\(body.prefix(40)): \(run.errors)")
                let id = try #require(JobID(run.output))
                let stored = try await database.execute(
                    "SELECT encode(body, 'hex') FROM tasq.payload WHERE id = '\(id)'")
                #expect(stored == body.utf8.map { String(format: "%02x", $0) }.joined())
            }
        }
    }

    @Test func `A key of any text is a parameter, and the tables stand`() async throws {
        try await withDatabase { database in
            for key in [
                "'; DROP TABLE tasq.job; --", "%s%n", "{}", "a\nb", "\u{202E}😀", "\\", "$1",
                String(repeating: "k", count: 200),
            ] {
                let run = try await TasqProgram.run(
                    "enqueue", "a", "--key=" + key, "--unique-key=" + key,
                    environment: ["DATABASE_URL": database.url])
                #expect(run.exit == .code(0), "\(key): \(run.errors)")
                let list = try await TasqProgram.run(
                    "jobs", "list", "--json", "--key=" + key,
                    environment: ["DATABASE_URL": database.url])
                #expect(list.output.split(separator: "\n").count == 1, "\(key)")
                #expect(list.output.contains(run.output), "\(key)")
            }
            for key in ["", String(repeating: "k", count: 201)] {
                for flag in ["--key=", "--unique-key="] {
                    let run = try await TasqProgram.run(
                        "enqueue", "a", flag + key, environment: ["DATABASE_URL": database.url])
                    #expect(run.exit == .code(64), "\(flag): \(run.errors)")
                    #expect(run.errors.contains(flag.dropLast()), "\(run.errors)")
                }
            }
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "8")
        }
    }

    /// A descriptor that is closed must not become the database's connection.
    @Test(arguments: [
        ("enqueue a <&-", 0, 1), ("enqueue a >&-", 0, 1), ("enqueue a 2>&-", 0, 1),
        ("enqueue a <&- >&- 2>&-", 0, 1), ("enqueue --ndjson - <&-", 0, 0),
        ("enqueue a --payload - <&-", 65, 0), ("jobs list --json >&-", 0, 0),
        ("enqueue --ndjson /dev/stdin </dev/null", 0, 0),
        ("jobs list > /dev/full", 70, 0), ("--help > /dev/full", 70, 0),
        ("enqueue a --payload @/", 65, 0), ("enqueue --ndjson /", 65, 0),
    ])
    func `Standard streams may be closed, full or no files at all`(
        command: String, code: Int32, jobs: Int
    ) async throws {
        try await withDatabase { database in
            let child = try await ChildProcess.start(
                "/bin/bash", ["-c", "\"$0\" \(command)", TasqProgram.path],
                environment: ["DATABASE_URL": database.url], directory: "/")
            let exit = try await child.wait()
            #expect(exit == .code(code), "\(child.lines)")
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "\(jobs)")
        }
    }

    /// A log line must not end up in the database's connection.
    @Test(arguments: ["2>&-", "<&- >&- 2>&-"])
    func `A worker with closed streams works`(streams: String) async throws {
        try await withDatabase { database in
            let file = try TemporaryFile("log_level: trace\nhandlers:\n  \"*\": { log: {} }")
            let worker = try await ChildProcess.start(
                "/bin/bash",
                ["-c", "exec \"$0\" work --config \"$1\" \(streams)", TasqProgram.path, file.path],
                environment: ["DATABASE_URL": database.url], directory: "/")
            try await database.execute("SELECT tasq.enqueue('a') FROM generate_series(1, 20)")
            try await eventually("the jobs are a success") {
                let count = try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'")
                return count == "20"
            }
            worker.signal(15)
            let exit = try await worker.wait()
            #expect(exit == .code(0))
        }
    }

    /// As when whatever takes the log stands still: it fills up, and whoever has something to say waits.
    @Test func `A worker whose log nobody reads ends with 70 once nothing of it goes on`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile(
                """
                worker: { heartbeat: 200ms, lease: 3s, concurrency: 64 }
                handlers:
                  "*": { log: {} }
                """)
            let unread = """
                log=$(mktemp -u) && mkfifo "$log" && exec 9<>"$log" && rm "$log" || exit 1
                exec "$0" work --config "$1" 2>&9
                """
            let worker = try await ChildProcess.start(
                "/bin/bash", ["-c", unread, TasqProgram.path, file.path],
                environment: ["DATABASE_URL": database.url], directory: "/")
            // Some hundred lines fill it.
            try await database.execute("SELECT tasq.enqueue('a') FROM generate_series(1, 5000)")
            let exit = try await worker.wait()
            #expect(exit == .code(70))
            let ended = try await database.execute(
                """
                SELECT count(*) FILTER (WHERE status = 'success') BETWEEN 1 AND 4999,
                    count(*) FILTER (WHERE status = 'error')
                FROM tasq.job
                """)
            #expect(ended == "t|0", "it worked until then")
        }
    }

    @Test func `Without HOME and any other variable it works as ever`() async throws {
        try await withDatabase { database in
            let child = try await ChildProcess.start(
                "/usr/bin/env",
                ["-i", TasqProgram.path, "enqueue", "a", "--database-url", database.url],
                directory: "/")
            let exit = try await child.wait()
            #expect(exit == .code(0), "\(child.standardError)")
        }
    }
}
