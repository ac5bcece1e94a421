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
            let python = [
                "TASQ_URL": String(url),
                "EXAMPLE_LOG": log.path, "EXAMPLE_LEASE": "\(Int(10 * Slowness.factor))s",
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            ]
            let lines = String(
                repeating: "{\"kind\":\"nap\",\"payload\":{\"seconds\":0.01}}\n", count: Self.jobs)
            let enqueue = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: environment, input: lines)
            #expect(enqueue.exit == .code(0), "\(enqueue.errors)")
            var workers: [ChildProcess] = []
            for _ in 0..<2 {
                workers.append(
                    try await ChildProcess.start(
                        "/usr/bin/env", ["python3", Self.script], environment: python,
                        directory: "/", input: ""))
            }
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
            server.signal(SIGTERM)
            #expect(try await server.wait() == .code(0))

            try checkRuns(in: log.path)
            #expect(try await database.execute("SELECT count(*) FROM tasq.executing_job") == "0")
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE attempt <> 1 + crashes OR crashes > 1")
                    == "0")
        }
    }

    /// Every job ended once, and no run of a job began before the one before it had ended or its
    /// worker was dead.
    private func checkRuns(in path: String) throws {
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
            #expect(ends.count == 1, "\(job) ended \(ends.count) times")
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
