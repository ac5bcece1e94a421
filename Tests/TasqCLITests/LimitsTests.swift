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

/// `tasq limits`, and what a program does at a queue over its limit.
@Suite(.medium) struct LimitsTests {
    @Test func `A limit is set, listed and cleared, and a full queue is 75 and one line`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let made = try await TasqProgram.run(
                "limits", "set", "slow", "--max-depth", "1", "--max-age", "90s",
                environment: environment)
            #expect(made.exit == .code(0), "\(made.errors)")
            #expect(made.output == "slow is limited: 0 of 1 jobs, 0 ms of 90s")
            let first = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "slow", "--unique-key", "u", environment: environment)
            #expect(first.exit == .code(0), "\(first.errors)")
            let full = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "slow", environment: environment)
            #expect(full.exit == .code(75) && full.output.isEmpty)
            #expect(full.errorLines.count == 1, "\(full.errors)")
            #expect(full.errors.hasPrefix("tasq: queue slow takes no more now"), "\(full.errors)")
            let known = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "slow", "--unique-key", "u", environment: environment)
            #expect(known.exit == .code(0) && known.output == first.output)
            let open = try await TasqProgram.run("enqueue", "noop", environment: environment)
            #expect(open.exit == .code(0), "\(open.errors)")
            let list = try await TasqProgram.run("limits", "list", environment: environment)
            let row = try #require(list.output.split(separator: "\n").last)
            #expect(row.hasPrefix("slow") && row.contains("full"), "\(list.output)")
            let json = try await TasqProgram.run(
                "limits", "list", "--json", environment: environment)
            #expect(json.output.hasPrefix(#"{"queue":"slow","max_depth":1,"max_age":"90s","#))
            #expect(json.output.hasSuffix(#""refuses":true}"#), "\(json.output)")
            let queues = try await TasqProgram.run("queues", "list", environment: environment)
            #expect(queues.output.contains("1 of 1 jobs"), "\(queues.output)")
            let told = try await TasqProgram.run(
                "queues", "list", "--json", environment: environment)
            #expect(told.output.contains(#""max_depth":1,"max_age":"90s","refuses":true"#))
            let explained = try await TasqProgram.run(
                "explain", first.output, "--json", environment: environment)
            #expect(explained.output.contains(#""queue_refuses":"true""#), "\(explained.output)")
            let cleared = try await TasqProgram.run(
                "limits", "clear", "slow", environment: environment)
            #expect(cleared.output == "slow has no limit any more")
            let again = try await TasqProgram.run(
                "limits", "clear", "slow", environment: environment)
            #expect(again.exit == .code(1), "\(again.errors)")
        }
    }

    @Test func `Lines that fill a queue stop at its limit, and batches that never fit are 1`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let lines = String(repeating: "{\"kind\":\"noop\"}\n", count: 1200)
            func enqueue(limit: String) async throws -> TasqProgram.Run {
                _ = try await TasqProgram.run(
                    "limits", "set", "default", "--max-depth", limit, environment: environment)
                return try await TasqProgram.run(
                    "enqueue", "--ndjson", "-", environment: environment, input: lines)
            }
            let never = try await enqueue(limit: "100")
            #expect(never.exit == .code(1), "\(never.errors)")
            #expect(never.errors.contains("never takes so many jobs at once"), "\(never.errors)")
            let some = try await enqueue(limit: "700")
            #expect(some.exit == .code(75), "\(some.errors)")
            #expect(some.errors.contains("500 jobs are stored, go on after them"), "\(some.errors)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "500")
        }
    }

    @Test(arguments: [
        (["set", "q"], "give --max-depth, --max-age or both"),
        (["set", "q", "--max-depth", "0"], "--max-depth must be a whole number from 1 to 1000000"),
        (["set", "q", "--max-depth=-1"], "--max-depth must be a whole number from 1"),
        (["set", "q", "--max-depth", "100000000000000000000"], "--max-depth must be"),
        (["set", "q", "--max-depth", "1e3"], "--max-depth must be"),
        (["set", "q", "--max-age", "0s"], "--max-age must be from 1s to 365d"),
        (["set", "q", "--max-age", "36500d"], "--max-age must be from 1s to 365d"),
        (["set", "q", "--max-age", "90"], "--max-age must be a whole number and a unit"),
        (["set", "a b", "--max-depth", "1"], "the queue must be"), (["clear", "a b"], "the queue"),
        (["set", "--max-depth", "1"], "queue"), (["set", "q", "--depth", "1"], "--depth"),
    ])
    func `What is no limit is refused by name before a server is asked`(
        words: [String], word: String
    ) async throws {
        let child = try await TasqProgram.start(
            ["limits"] + words, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/none"])
        #expect(try await child.wait() == .code(64), "\(words)")
        #expect(child.standardError.contains(word), "\(child.standardError)")
    }

    @Test func `A server puts its configuration's limits in, at the start and after a reload`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            _ = try await TasqProgram.run(
                "limits", "set", "own", "--max-depth", "1", environment: environment)
            _ = try await TasqProgram.run(
                "limits", "set", "a", "--max-depth", "1", environment: environment)
            let listeners = "http: { ingest: '127.0.0.1:0', admin: '127.0.0.1:0' }\n"
            let file = try TemporaryFile(
                listeners + "flow_limits: { a: { max_depth: 7 }, b: { max_age: 2m } }")
            let server = try await TasqProgram.start(
                ["serve", "--config", file.path], environment: environment)
            let rows = """
                SELECT queue, max_depth, max_age_us / 1000000, configured FROM tasq.flow_limit
                ORDER BY queue
                """
            try await eventually("they stand") {
                try await database.execute(rows) == "a|7||t\nb||120|t\nown|1||f"
            }
            // What is set by hand counts until the configuration is read again.
            _ = try await TasqProgram.run(
                "limits", "set", "a", "--max-depth", "9", environment: environment)
            #expect(try await database.execute(rows).hasPrefix("a|9||f\n"))
            try file.replace(listeners + "flow_limits: { a: { max_depth: 8 } }")
            server.signal(SIGHUP)
            try await eventually("the other is gone") {
                try await database.execute(rows) == "a|8||t\nown|1||f"
            }
            server.signal(SIGTERM)
            #expect(try await server.wait() == .code(0))
        }
    }

    @Test(arguments: [
        ("a:", "flow_limits.a must have a max_depth, a max_age or both"),
        ("a: {}", "flow_limits.a must have a max_depth, a max_age or both"),
        ("a: { max_depth: }", "flow_limits.a must have a max_depth"),
        ("a: { max_depth: 0 }", "flow_limits.a.max_depth must be a whole number from 1"),
        ("a: { max_depth: 100000000000000000000 }", "flow_limits.a.max_depth must be"),
        ("a: { max_age: 0s }", "flow_limits.a.max_age must be from 1s to 365d"),
        ("a: { max_age: 36500d }", "flow_limits.a.max_age must be from 1s to 365d"),
        ("a: { max_dept: 5 }", "did you mean max_depth?"), ("a: 5", "must be a mapping"),
        ("a b: { max_depth: 5 }", "is not a name"),
    ])
    func `A limit of a configuration that makes no sense is told with its line`(
        line: String, text: String
    ) async throws {
        try await expectMistake(below: "flow_limits", line, text)
    }
}
