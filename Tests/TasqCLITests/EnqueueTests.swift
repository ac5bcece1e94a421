import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

@Suite(.medium) struct EnqueueTests {
    @Test func `The id is printed and the row says what the flags said`() async throws {
        try await withDatabase { database in
            let run = try await TasqProgram.run(
                "enqueue", "report", "--queue", "slow", "--payload", "{\"a\": 1}", "--priority",
                "3",
                "--key", "k", "--unique-key", "u", "--max-attempts", "7", "--delay", "1h",
                environment: ["DATABASE_URL": database.url])
            #expect(run.exit == .code(0), "\(run.errors)")
            let id = try #require(JobID(run.output))
            let row = try await database.execute(
                """
                SELECT queue, kind, status, priority, max_attempts, run_at > now() + '59 min'
                FROM tasq.job WHERE id = '\(id)'
                """)
            #expect(row == "slow|report|scheduled|3|7|t")
            let again = try await TasqProgram.run(
                "enqueue", "report", "--unique-key", "u", "--json",
                environment: ["DATABASE_URL": database.url])
            #expect(again.output == "{\"id\":\"\(id)\",\"existed\":true}")
        }
    }

    @Test func `It waits for a Redis that is slow, and says when Redis could not be told`()
        async throws
    {
        let redis = try await PrivateRedis.start()
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url, "REDIS_URL": redis.url]
            redis.pause()
            let child = try await TasqProgram.start(
                ["enqueue", "report"], environment: environment)
            try await eventually("the job is stored") {
                try await database.execute("SELECT count(*) FROM tasq.job") == "1"
            }
            redis.resume()
            #expect(try await child.wait() == .code(0))
            #expect(child.standardError == "")
            let announced = try await redis.command("lrange", "tasq:{default}:ready:1", "0", "-1")
            #expect(announced == child.standardOutput)
            await redis.kill()
            let untold = try await TasqProgram.run("enqueue", "report", environment: environment)
            #expect(untold.exit == .code(0))
            #expect(untold.errors.contains("a job is stored but not announced"))
            #expect(JobID(untold.output) != nil)
        }
    }

    @Test func `The payload is kept as written, from a flag, a file or standard input`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let text = "{ \"b\":1,\t\"a\":[ ] }"
            let file = try TemporaryFile(text, name: "payload.json")
            let runs = [
                try await TasqProgram.run(
                    "enqueue", "a", "--payload", text, environment: environment),
                try await TasqProgram.run(
                    "enqueue", "a", "--payload", "@" + file.path, environment: environment),
                try await TasqProgram.run(
                    "enqueue", "a", "--payload", "-", environment: environment, input: text),
            ]
            for run in runs {
                let show = try await TasqProgram.run(
                    "jobs", "show", run.output, "--json", environment: environment)
                #expect(show.output.contains(JSON.string(text).text), "\(run.errors)")
            }
        }
    }

    @Test(arguments: ["{", "", "{\"a\":\"\\u0000\"}", "@/nowhere"])
    func `A payload that is not JSON exits 65 without a row`(payload: String) async throws {
        try await withDatabase { database in
            let run = try await TasqProgram.run(
                "enqueue", "a", "--payload", payload, environment: ["DATABASE_URL": database.url])
            #expect(run.exit == .code(65))
            #expect(run.errorLines.count == 1)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
        }
    }

    @Test func `A payload that is too large is told so, wherever it comes from`() async throws {
        let text = "\"" + String(repeating: "x", count: 2 * JobLimits.payloadBytes) + "\""
        let file = try TemporaryFile(text, name: "payload.json")
        for (payload, name) in [("@" + file.path, file.path), ("-", "standard input")] {
            let run = try await TasqProgram.run(
                "enqueue", "a", "--payload", payload,
                environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"], input: text)
            #expect(run.exit == .code(65))
            #expect(run.errors == "tasq: \(name) is larger than 1048576 bytes")
        }
    }

    @Test(arguments: [
        (["--payload", "@"], "have a path after the @"), (["--delay", "5"], "from 0s to 36500d"),
        (["--delay", "36501d"], "from 0s to 36500d"),
    ])
    func `A flag that cannot be used is told with what it may be`(
        flags: [String], rule: String
    ) async throws {
        let child = try await TasqProgram.start(
            ["enqueue", "a"] + flags, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(64))
        let text = child.standardError
        #expect(text.hasPrefix("tasq: \(flags[0]) must ") && text.hasSuffix(rule), "\(text)")
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test func `A kind's handler decides queue, priority, attempts and key`() async throws {
        try await withDatabase { database in
            let file = try TemporaryFile(
                """
                handlers:
                  report:
                    log: {}
                    queue: slow
                    priority: 2
                    max_attempts: 3
                    key: body:/customer
                """)
            let run = try await TasqProgram.run(
                "enqueue", "report", "--config", file.path, "--payload", "{\"customer\":\"c9\"}",
                environment: ["DATABASE_URL": database.url])
            let show = try await TasqProgram.run(
                "jobs", "show", run.output, "--json", environment: ["DATABASE_URL": database.url])
            for part in [
                "\"queue\":\"slow\"", "\"priority\":2", "\"max_attempts\":3", "\"key\":\"c9\"",
            ] { #expect(show.output.contains(part)) }
        }
    }

    @Test func `Lines go in by batches and the count is printed`() async throws {
        try await withDatabase { database in
            let lines = (0..<1234).map { "{\"kind\":\"bulk\",\"payload\":{\"n\":\($0)}}" }
            let file = try TemporaryFile(
                lines.joined(separator: "\n") + "\n\n  \n", name: "jobs.ndjson")
            let run = try await TasqProgram.run(
                "enqueue", "--ndjson", file.path, environment: ["DATABASE_URL": database.url])
            #expect(run.exit == .code(0))
            #expect(run.output == "1234 stored")
            #expect(run.errors.isEmpty)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "1234")
        }
    }

    @Test(arguments: [
        "{\"kind\":\"a\",\"priority\":9}", "{\"kind\":\"a b\"}", "nonsense", "[{\"kind\":\"a\"}]",
        "{\"kind\":\"a\",\"colour\":1}", "{\"kind\":\"a\",\"payload\":{\"x\":\"\\ud800\"}}", "{}",
    ])
    func `A bad line is named, its batch is not stored, earlier batches stay`(
        bad: String
    ) async throws {
        try await withDatabase { database in
            let good = [String](repeating: "{\"kind\":\"a\"}", count: 700)
            let text = (good + [bad] + good).joined(separator: "\n")
            let run = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: ["DATABASE_URL": database.url],
                input: text)
            #expect(run.exit == .code(65))
            #expect(run.errorLines.count == 1)
            #expect(run.errors.contains("line 701: "), "\(run.errors)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "500")
        }
    }

    @Test func `A line reader cuts lines across blocks and refuses endless ones`() throws {
        let long = String(repeating: "x", count: 70_000)
        let file = try TemporaryFile("a\n\(long)\nlast", name: "lines")
        var reader = try LineReader(file.path, limit: 80_000)
        #expect(try reader.next()?.bytes == Array("a".utf8))
        #expect(try reader.next()?.bytes == Array(long.utf8))
        let last = try reader.next()
        #expect(last?.number == 3)
        #expect(last?.bytes == Array("last".utf8))
        #expect(try reader.next() == nil)
        var narrow = try LineReader(file.path, limit: 1000)
        _ = try narrow.next()
        #expect(throws: LineReader.Fault.self) { try narrow.next() }
    }
}
