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

/// Workers in another language, over HTTP: Tests/Examples/worker.py.
@Suite(.medium) struct ForeignWorkerTests {
    private static let jobs = 1000

    static var script: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Examples/worker.py").path
    }

    @Test(arguments: [false, true])
    func `A thousand jobs survive the death of one of two Python workers`(
        hasRedis: Bool
    ) async throws {
        try await withServer(hasRedis: hasRedis) { database, environment, python in
            let lines = String(
                repeating: "{\"kind\":\"nap\",\"payload\":{\"seconds\":0.01}}\n", count: Self.jobs)
            let enqueue = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: environment, input: lines)
            #expect(enqueue.exit == .code(0), "\(enqueue.errors)")
            let workers = [try await worker(python), try await worker(python)]
            let ended = "SELECT count(*) FROM tasq.job WHERE status = 'success'"
            try await eventually(
                "half of the jobs are done",
                {
                    try await Int(database.execute(ended)) ?? 0 >= Self.jobs / 2
                })
            workers[0].signal(SIGKILL)
            _ = try await workers[0].wait()
            try await eventually(
                within: .seconds(90).onThisMachine, "all jobs are a success",
                {
                    try await database.execute(ended) == "\(Self.jobs)"
                })
            workers[1].signal(SIGTERM)
            #expect(try await workers[1].wait() == .code(0), "\(workers[1].standardError)")

            let crashed = try await database.execute("SELECT id FROM tasq.job WHERE crashes > 0")
            try checkRuns(
                in: try #require(python["EXAMPLE_LOG"]), crashed: crashed.split(separator: "\n"))
            #expect(try await database.execute("SELECT count(*) FROM tasq.executing_job") == "0")
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE attempt <> 1 + crashes OR crashes > 1")
                    == "0")
        }
    }

    @Test func `A Python worker goes by kind, puts jobs in once, and is one worker of the list`()
        async throws
    {
        try await withServer { database, environment, python in
            for (kind, payload) in [("naps", #"{"count": 3}"#), ("other", "{}")] {
                let enqueue = try await TasqProgram.run(
                    "enqueue", kind, "--payload", payload, environment: environment)
                #expect(enqueue.exit == .code(0), "\(enqueue.errors)")
            }
            let child = try await worker(python)
            let ended = "SELECT kind, count(*) FROM tasq.job WHERE status = 'success' GROUP BY 1"
            try await eventually("the naps that were put in are over") {
                try await Set(database.execute(ended).split(separator: "\n")) == [
                    "nap|3", "naps|1",
                ]
            }
            // Run again, it puts in what is there.
            try await database.execute(
                "UPDATE tasq.job SET status = 'queued', attempt = 0, finished_at = NULL "
                    + "WHERE kind = 'naps'")
            try await eventually("it has run again") {
                try await database.execute(ended).contains("naps|1")
            }
            #expect(
                try await database.execute("SELECT count(*) FROM tasq.job WHERE kind = 'nap'")
                    == "3")
            // What it has no function for is put off and costs nothing.
            try await eventually("the other job is handed back") {
                try await database.execute(
                    "SELECT status, attempt, crashes FROM tasq.job WHERE kind = 'other'")
                    == "scheduled|0|0"
            }
            let list = try await TasqProgram.run(
                "workers", "list", "--json", environment: environment)
            #expect(list.output.split(separator: "\n").count == 1, "\(list.output)")
            #expect(list.output.contains(#""concurrency":8"#), "\(list.output)")
            child.signal(SIGTERM)
            #expect(try await child.wait() == .code(0), "\(child.standardError)")
        }
    }

    @Test func `A Python worker that is told to stop hands back what it has not started`()
        async throws
    {
        try await withServer { database, _, python in
            let patience = ["EXAMPLE_WAIT": "30"]
            let child = try await worker(python.merging(patience) { $1 })
            try await eventually("it waits for jobs") {
                try await database.execute("SELECT count(*) FROM tasq.worker") == "1"
            }
            // The answer with the claims lies there for it when it hears of its end.
            child.signal(SIGSTOP)
            try await database.execute("SELECT tasq.enqueue('nap') FROM generate_series(1, 3)")
            try await eventually("they are claimed for it") {
                try await database.execute("SELECT count(*) FROM tasq.executing_job") == "3"
            }
            child.signal(SIGTERM)
            child.signal(SIGCONT)
            #expect(try await child.wait() == .code(0), "\(child.standardError)")
            #expect(
                try await database.execute(
                    "SELECT DISTINCT status, attempt, crashes FROM tasq.job") == "queued|0|0")
            #expect(
                try String(contentsOfFile: try #require(python["EXAMPLE_LOG"]), encoding: .utf8)
                    .isEmpty)
        }
    }

    private typealias Environment = [String: String]

    /// A server, and what it takes to run the program and the example beside it.
    private func withServer(
        hasRedis: Bool = false,
        _ body: (TestDatabase, Environment, Environment) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            var environment = [
                "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            ]
            if hasRedis {
                environment["REDIS_URL"] = try await TestServers.redis().url
                environment["TASQ_REDIS_PREFIX"] = database.keyPrefix
            }
            let server = try await TasqProgram.start(["serve"], environment: environment)
            let line = try await server.waitForLine(containing: "admin http")
            let url = try #require(line.split(separator: " ").last)
            let log = try TemporaryFile("", name: "runs")
            try await body(
                database, environment,
                [
                    "TASQ_URL": String(url),
                    "EXAMPLE_LOG": log.path, "EXAMPLE_LEASE": "\(Int(10 * Slowness.factor))s",
                    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
                ])
            #expect(FileManager.default.fileExists(atPath: log.path))
            server.signal(SIGTERM)
            #expect(try await server.wait() == .code(0))
        }
    }

    private func worker(_ environment: [String: String]) async throws -> ChildProcess {
        try await ChildProcess.start(
            "/usr/bin/env", ["python3", Self.script], environment: environment, directory: "/",
            input: "")
    }

    /// Every job ended once, or twice where the dead worker had not come to say so, and no run of a
    /// job began before the one before it had ended or its worker was dead.
    private func checkRuns(in path: String, crashed: [Substring]) throws {
        var begun: [Substring: [Substring: Int]] = [:]
        var ended: [Substring: [Substring: Int]] = [:]
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            let time = try #require(Int(words[3]))
            if words[0] == "begin" {
                begun[words[1], default: [:]][words[2]] = time
            } else {
                ended[words[1], default: [:]][words[2]] = time
            }
        }
        #expect(ended.count == Self.jobs)
        var overlaps = 0
        for (job, runs) in begun {
            let ends = ended[job] ?? [:]
            #expect(
                (1...(crashed.contains(job) ? 2 : 1)).contains(ends.count),
                "\(job) ended \(ends.count) times")
            for (claim, begin) in runs {
                for (other, end) in ends where other != claim {
                    if begin >= (runs[other] ?? 0), begin <= end { overlaps += 1 }
                }
            }
        }
        #expect(overlaps == 0)
        print(
            "two Python workers, one killed half-way:", begun.values.reduce(0) { $0 + $1.count },
            "runs of \(begun.count) jobs, \(ended.count) ended, \(overlaps) overlapping")
    }
}
