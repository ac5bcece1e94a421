import Foundation
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// The real program: arguments, exit codes, what it says and where.
@Suite(.medium) struct ProgramTests {
    @Test(arguments: [
        ["frobnicate"], ["--nope"], ["jobs", "list", "--nope"], ["jobs", "show"],
        ["jobs", "show", "17", "--database-url", "postgres://x"],
        ["jobs", "list", "--limit", "0"], ["jobs", "list", "--status", "done"],
        ["jobs", "list", "--cursor", "1"], ["jobs", "list", "--since", "soon"],
        ["enqueue"], ["enqueue", "a b", "--database-url", "postgres://x"],
        ["enqueue", "a", "--delay", "5", "--database-url", "postgres://x"],
        ["enqueue", "a", "--priority", "4", "--database-url", "postgres://x"],
        ["enqueue", "a", "--max-attempts", "0", "--database-url", "postgres://x"],
        ["enqueue", "a", "--run-at", "2026-02-30T00:00:00Z", "--database-url", "postgres://x"],
        ["enqueue", "a", "--delay", "1s", "--run-at", "2026-11-23T00:00:00Z"],
        ["enqueue", "a", "--ndjson", "-"], ["dev", "--port", "0"],
    ])
    func `A usage error exits 64 with one line`(arguments: [String]) async throws {
        let child = try await TasqProgram.start(arguments)
        #expect(try await child.wait() == .code(64))
        #expect(child.standardError.split(separator: "\n").count == 1)
        #expect(child.standardError.hasPrefix("tasq: "))
        #expect(child.standardOutput.isEmpty)
    }

    @Test(arguments: [
        (#"enqueue noop --key $'\xff'"#, 4), (#"enqueue noop --payload $'"\xff"'"#, 4),
        (#"jobs list --kind=$'a\xc3'"#, 3), (#"$'\xed\xa0\x80'"#, 1),
    ])
    func `An argument that is not UTF-8 is refused by its place`(
        words: String, place: Int
    ) async throws {
        let child = try await ChildProcess.start(
            "/bin/bash", ["-c", "exec \"$0\" \(words)", TasqProgram.path],
            environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"], directory: "/")
        #expect(try await child.wait() == .code(64))
        #expect(
            child.standardError == "tasq: argument \(place) is not UTF-8; see tasq --help")
        #expect(child.standardOutput.isEmpty)
    }

    @Test(arguments: [
        ["--help"], ["work", "--help"], ["help", "enqueue"], ["--version"], ["verify", "--help"],
        ["jobs", "cancel", "--help"], ["queues", "pause", "--help"], ["explain", "--help"],
    ])
    func `Help exits 0 and goes to standard output`(arguments: [String]) async throws {
        let child = try await TasqProgram.start(arguments)
        #expect(try await child.wait() == .code(0))
        #expect(!child.standardOutput.isEmpty)
        #expect(child.standardError.isEmpty)
    }

    @Test func `Help tells every handler and every name of a scheme`() async throws {
        let work = try await TasqProgram.run("work", "--help").output
        for action in HandlerEntry.actions {
            #expect(work.contains("\n\(action.name): "), "\(action.name)")
        }
        let webhook = try await TasqProgram.run("webhook", "verify", "--help").output
        for preset in SignaturePreset.all {
            #expect(webhook.contains("\n\(preset.name): "), "\(preset.name)")
        }
    }

    @Test(arguments: [["work"], ["serve"], ["migrate"], ["jobs", "list"], ["enqueue", "a"]])
    func `Without a database URL every command exits 78`(arguments: [String]) async throws {
        let child = try await TasqProgram.start(arguments)
        #expect(try await child.wait() == .code(78))
        #expect(child.standardError.contains("DATABASE_URL"))
    }

    @Test func `Every mistake of a configuration is a line of its own`() async throws {
        let file = try TemporaryFile("worker: { leese: 5s, concurrency: 0 }\nhandlerz: {}")
        let run = try await TasqProgram.run(
            "work", "--config", file.path, environment: ["TASQ_LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78))
        #expect(run.errorLines.count == 5)
    }

    @Test(arguments: [
        ["jobs", "list"], ["enqueue", "a"], ["migrate"], ["queues", "list"], ["verify"],
        ["queues", "pause", "q"], ["jobs", "cancel", "--all"],
        ["explain", "019ab3c4-5d6e-7f80-9123-456789abcdef"],
    ])
    func `A database that is not there exits 69 and names its address`(
        arguments: [String]
    ) async throws {
        let child = try await TasqProgram.start(
            arguments, environment: ["DATABASE_URL": "postgres://u:hunter2@127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(69))
        #expect(child.standardError.contains("127.0.0.1:9"))
        #expect(!child.standardError.contains("hunter2"))
        #expect(child.standardError.split(separator: "\n").count == 1)
    }

    @Test func `A database without the schema exits 78 and says to migrate`() async throws {
        let server = try await TestServers.postgres()
        let name = "bare\(UInt32.random(in: 0 ... .max))"
        try await server.createDatabase(name)
        let url = ["DATABASE_URL": server.url(database: name)]
        for arguments in [["jobs", "list"], ["enqueue", "a"], ["work"], ["serve"]] {
            let environment = url.merging(
                ["TASQ_HTTP_INGEST": "127.0.0.1:0", "TASQ_HTTP_ADMIN": "127.0.0.1:0"]) { $1 }
            let child = try await TasqProgram.start(arguments, environment: environment)
            #expect(try await child.wait() == .code(78), "\(arguments)")
            #expect(child.standardError.contains("tasq migrate"), "\(arguments)")
        }
        #expect(try await TasqProgram.run("migrate", "--status", environment: url).exit == .code(1))
        let dry = try await TasqProgram.run("migrate", "--dry-run", environment: url)
        #expect(dry.exit == .code(0) && dry.output.contains("would apply"))
        let pending = try await TasqProgram.run(
            "migrate", "--status", "--json", environment: url)
        #expect(pending.exit == .code(1) && pending.output.hasPrefix(#"{"version":0,"newest":"#))
        #expect(pending.output.contains(#""pending":["core","#), "\(pending.output)")
        let first = try await TasqProgram.run("migrate", environment: url)
        #expect(first.exit == .code(0) && first.output.contains("applied"))
        let second = try await TasqProgram.run("migrate", environment: url)
        #expect(second.exit == .code(0) && second.output == "up to date")
        let third = try await TasqProgram.run("migrate", "--json", environment: url)
        #expect(third.output == #"{"applied":[]}"#)
        #expect(try await TasqProgram.run("migrate", "--status", environment: url).exit == .code(0))
        try await server.dropDatabase(name)
    }

    @Test(arguments: [["work"], ["serve"], ["verify", "--pause", "0s"]])
    func `A newer schema is worked on where it says that it may be, and refused where not`(
        words: [String]
    ) async throws {
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
            let arguments = words + ["--config", file.path]
            let environment = [
                "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            ]
            try await database.execute(
                "INSERT INTO tasq.schema_version (number, name, oldest) VALUES (9999, 'later', 1)")
            let works = try await TasqProgram.start(arguments, environment: environment)
            let sign = ["work": "worker registered", "serve": "admin http://"][words[0]]
            if let sign {
                _ = try await works.waitForLine(containing: sign)
                works.signal(15)
            }
            #expect(try await works.wait() == .code(0), "\(works.standardError)")
            try await database.execute(
                "UPDATE tasq.schema_version SET oldest = 9999 WHERE number = 9999")
            let refused = try await TasqProgram.start(arguments, environment: environment)
            #expect(try await refused.wait() == .code(78))
            #expect(
                refused.standardError.contains("schema is at version 9999"),
                "\(refused.standardError)")
        }
    }

    @Test func `migrate and doctor say of a newer schema whether this program works on it`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for (oldest, code, words) in [
                ("1", 0, "newer than this program, which works on it"),
                ("9999", 78, "install a newer tasq"),
            ] as [(String, Int32, String)] {
                try await database.execute(
                    """
                    DELETE FROM tasq.schema_version WHERE number = 9999;
                    INSERT INTO tasq.schema_version (number, name, oldest)
                    VALUES (9999, 'later', \(oldest))
                    """)
                let status = try await TasqProgram.run(
                    "migrate", "--status", environment: environment)
                #expect(status.exit == .code(code), "\(status.errors)")
                #expect((status.output + status.errors).contains(words), "\(status.output)")
                let migrate = try await TasqProgram.run("migrate", environment: environment)
                #expect(migrate.exit == .code(code), "\(migrate.output)\(migrate.errors)")
                let doctor = try await TasqProgram.run("doctor", environment: environment)
                #expect(doctor.output.contains(words), "\(doctor.output)")
            }
        }
    }

    @Test(arguments: [
        "DROP SCHEMA tasq CASCADE",
        "INSERT INTO tasq.schema_version (number, name) VALUES (9999, 'later')",
    ])
    func `A server that finds another schema says so in one line and does not listen`(
        sql: String
    ) async throws {
        try await withDatabase { database in
            try await database.execute(sql)
            let run = try await TasqProgram.run(
                "serve",
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_LOG_LEVEL": "warning",
                ])
            #expect(run.exit == .code(78))
            #expect(run.output.isEmpty)
            #expect(run.errorLines.count == 1, "\(run.errors)")
            #expect(run.errors.contains("schema is at version"), "\(run.errors)")
        }
    }

    @Test(arguments: [
        (
            "DELETE FROM tasq.schema_version WHERE number > 1", [["work"], ["serve"], ["verify"]],
            "run `tasq migrate`"
        ),
        (
            "INSERT INTO tasq.schema_version (number, name) VALUES (9999, 'later')",
            [["work"], ["verify"], ["migrate"]], "run a newer tasq"
        ),
    ])
    func `An older schema and a newer one exit 78, each with its mend`(
        sql: String, commands: [[String]], mend: String
    ) async throws {
        try await withDatabase { database in
            try await database.execute(sql)
            for words in commands {
                let child = try await TasqProgram.start(
                    words,
                    environment: [
                        "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                        "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_LOG_LEVEL": "error",
                    ])
                #expect(try await child.wait() == .code(78), "\(words): \(child.standardError)")
                #expect(child.standardError.hasSuffix(mend), "\(words): \(child.standardError)")
                #expect(child.standardError.split(separator: "\n").count == 1)
                #expect(child.standardOutput.isEmpty)
            }
        }
    }

    @Test func `A reader that stops reading ends the program quietly`() async throws {
        try await withDatabase { database in
            let lines = String(repeating: "{\"kind\":\"a\"}\n", count: 900)
            _ = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: ["DATABASE_URL": database.url],
                input: lines)
            let child = try await ChildProcess.start(
                "/bin/bash",
                [
                    "-c", "\"$0\" jobs list --limit 900 --json | head -1; echo ${PIPESTATUS[0]}",
                    TasqProgram.path,
                ],
                environment: ["DATABASE_URL": database.url])
            _ = try await child.wait()
            let lines2 = child.standardOutput.split(separator: "\n")
            #expect(lines2.count == 2)
            #expect(lines2.last == "0")
            #expect(!child.standardError.contains("rror"))
        }
    }
}
