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

/// The whole path with real processes: enqueue, work, look.
@Suite(.medium) struct WorkTests {
    @Test(arguments: [false, true])
    func `Jobs are run with Redis and without, and SIGTERM ends the worker with 0`(
        hasRedis: Bool
    ) async throws {
        try await withDatabase { database in
            var environment = ["DATABASE_URL": database.url]
            if hasRedis {
                environment["REDIS_URL"] = try await TestServers.redis().url
                environment["TASQ_REDIS_PREFIX"] = database.keyPrefix
            }
            let mark = try TemporaryFile("", name: "mark")
            let file = try TemporaryFile(
                """
                handlers:
                  "noop*": { noop: {} }
                  note: { log: {} }
                  nap: { sleep: 10ms }
                  mark: { command: [/bin/sh, -c, 'cat >> "$0"', "\(mark.path)"] }
                """)
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            let list = try await TasqProgram.run("workers", "list", environment: environment)
            #expect(list.output.contains(" \(worker.pid) "), "\(list.output)")
            let json = try await TasqProgram.run(
                "workers", "list", "--json", environment: environment)
            #expect(json.output.contains("\"pid\":\(worker.pid),"), "\(json.output)")
            for kind in ["noop", "noop.other", "note", "nap", "mark"] {
                let run = try await TasqProgram.run(
                    "enqueue", kind, "--payload", "{\"secret\":\"hunter2\"}",
                    environment: environment)
                #expect(run.exit == .code(0), "\(run.errors)")
            }
            try await eventually("all jobs are a success") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "5"
            }
            #expect(
                try String(contentsOfFile: mark.path, encoding: .utf8) == "{\"secret\":\"hunter2\"}"
            )
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
            #expect(!worker.standardError.contains("hunter2"))
            #expect(worker.standardError.contains("bytes=20"))
            #expect(try await database.execute("SELECT count(*) FROM tasq.worker") == "0")
        }
    }

    @Test(arguments: ["", "trap '' TERM; "])
    func `A worker that is killed takes the programs it started with it`(
        beginning: String
    ) async throws {
        try await withDatabase { database in
            let pids = try TemporaryFile("", name: "pids")
            let script =
                beginning + "sleep 600 & echo $$ $! >> \"$0\"; while :; do sleep 600; done"
            let file = try TemporaryFile(
                """
                handlers:
                  stay: { command: [/bin/sh, -c, '\(script.replacing("'", with: "''"))', "\(pids.path)"] }
                  pass: { command: [/bin/sh, -c, 'sleep 600 & echo $! >> "$0"', "\(pids.path)"] }
                """)
            let environment = ["DATABASE_URL": database.url]
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            func begun() throws -> [Int32] {
                try String(contentsOfFile: pids.path, encoding: .utf8)
                    .split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
            }
            _ = try await TasqProgram.run("enqueue", "pass", environment: environment)
            try await eventually("what the first one left behind runs on") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "1"
            }
            let left = try begun()
            for _ in 0..<2 {
                _ = try await TasqProgram.run("enqueue", "stay", environment: environment)
            }
            try await eventually("two programs with a child each run") {
                try begun().count == 5
            }
            let numbers = Set(try begun()).subtracting(left)
            // Another one takes the place of a guard that was killed.
            let guardian = try #require(Self.child(of: worker.pid, saying: "_guard"))
            kill(guardian, SIGKILL)
            try await eventually("it is gone") { !isAlive(guardian) }
            _ = try await TasqProgram.run("enqueue", "pass", environment: environment)
            try await eventually("another program has run") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "2"
            }
            worker.signal(SIGKILL)
            _ = try await worker.wait()
            try await eventually("none of them is left") { numbers.allSatisfy { !isAlive($0) } }
            let spared = Set(try begun()).subtracting(numbers)
            #expect(spared.count == 2 && spared.allSatisfy { isAlive($0) })
            for number in spared { kill(number, SIGKILL) }
        }
    }

    /// The process with this parent and this word in its command line.
    private static func child(of parent: Int32, saying word: String) -> Int32? {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.lazy.compactMap { Int32($0) }.first { process in
            let files = ["status", "cmdline"].map { name in
                FileManager.default.contents(atPath: "/proc/\(process)/\(name)") ?? Data()
            }
            let texts = files.map { String(decoding: $0, as: UTF8.self) }
            return texts[0].contains("PPid:\t\(parent)\n") && texts[1].contains(word)
        }
    }

    @Test func `A job whose body is gone ends in error with that reason, and runs nothing`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let run = try await TasqProgram.run("enqueue", "noop", environment: environment)
            try await database.execute("DELETE FROM tasq.payload")
            let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            try await eventually("the job has ended") {
                try await database.execute(
                    "SELECT status FROM tasq.job WHERE finished_at IS NOT NULL") != ""
            }
            let shown = try await TasqProgram.run(
                "jobs", "show", run.output, environment: environment)
            #expect(shown.output.contains("error"), "\(shown.output)")
            #expect(shown.output.contains("body is missing"), "\(shown.output)")
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `A second signal hands running jobs back at once and exits with it`(
        number: Int32
    ) async throws {
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  nap: { sleep: 1h }")
            let environment = ["DATABASE_URL": database.url]
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            let job = try await TasqProgram.run("enqueue", "nap", environment: environment).output
            try await eventually("the job runs") {
                try await database.execute("SELECT status FROM tasq.job") == "executing"
            }
            worker.signal(number)
            _ = try await worker.waitForLine(containing: "shutting down")
            worker.signal(number)
            let exit = try await worker.wait()
            #expect(exit == .code(128 + number), "\(worker.standardError)")
            #expect(
                try await database.execute(
                    "SELECT status, attempt FROM tasq.job WHERE id = '\(job)'") == "queued|0")
        }
    }

    @Test func `A worker started without its database waits for it`() async throws {
        let worker = try await TasqProgram.start(
            ["work"], environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        _ = try await worker.waitForLine(containing: "waiting for postgres")
        #expect(worker.exit == nil)
        worker.signal(SIGTERM)
        #expect(try await worker.wait() == .code(0))
    }

    @Test func `A server prints its addresses, serves, and SIGTERM ends it with 0`() async throws {
        try await withDatabase { database in
            let server = try await TasqProgram.start(
                ["serve"],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0",
                ])
            let line = try await server.waitForLine(containing: "admin http://")
            let address = line.dropFirst("admin ".count)
            let ready = try await ChildProcess.start(
                "/usr/bin/env", ["curl", "-sf", "\(address)/readyz"])
            #expect(try await ready.wait() == .code(0))
            let metrics = try await ChildProcess.start(
                "/usr/bin/env", ["curl", "-sf", "\(address)/metrics"])
            #expect(try await metrics.wait() == .code(0))
            #expect(metrics.standardOutput.contains("tasq_enqueued_total 0"))
            server.signal(SIGTERM)
            #expect(try await server.wait() == .code(0))
        }
    }

    @Test func `A port that is taken is told in one line with its address, and exits 69`()
        async throws
    {
        try await withDatabase { database in
            var environment = [
                "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_LOG_LEVEL": "error",
            ]
            let server = try await TasqProgram.start(["serve"], environment: environment)
            let line = try await server.waitForLine(containing: "admin http://")
            let address = String(line.dropFirst("admin http://".count))
            environment["TASQ_HTTP_ADMIN"] = address
            environment["TASQ_WORKER_LISTEN"] = address
            for command in ["serve", "work"] {
                let run = try await TasqProgram.run(command, environment: environment)
                #expect(run.exit == .code(69), "\(command)")
                #expect(
                    run.errors == "tasq: cannot listen on \(address): the port is taken: stop "
                        + "what listens there, or set another in http.ingest, http.admin or "
                        + "worker.listen")
            }
            server.signal(SIGTERM)
            #expect(try await server.wait() == .code(0))
        }
    }

    @Test func `A connection that listens and was cut is made anew, and hears of commits`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
            let redis = try await TestServers.redis()
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path],
                environment: [
                    "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                    "TASQ_REDIS_PREFIX": database.keyPrefix,
                ])
            let listeners = """
                SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'
                """
            var first = ""
            try await eventually("it listens") {
                first = try await database.execute(listeners)
                return !first.isEmpty
            }
            try await database.execute("SELECT pg_terminate_backend(\(first))")
            try await eventually("another one listens") {
                let second = try await database.execute(listeners)
                return !second.isEmpty && second != first
            }
            let id = try await database.execute("SELECT tasq.enqueue('noop')")
            try await eventually("the job is done") {
                try await database.execute(
                    "SELECT status FROM tasq.job WHERE id = '\(id)'") == "success"
            }
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
    }

    @Test func `What would turn the text around it is not shown as it is`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let id = try await TasqProgram.run(
                "enqueue", "a", "--key", "k\u{202E}y", "--payload", "\"\u{2066}\"",
                environment: environment
            ).output
            let show = try await TasqProgram.run("jobs", "show", id, environment: environment)
            #expect(show.output.contains("k\u{FFFD}y"), "\(show.errors)")
            #expect(show.output.contains("\"\u{FFFD}\""))
            let json = try await TasqProgram.run(
                "jobs", "show", id, "--json", environment: environment)
            #expect(json.output.contains(#""key":"k\u202ey""#), "\(json.output)")
        }
    }

    @Test func `Lists page by cursor and show what stands in the table`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for kind in ["a", "b", "c"] {
                _ = try await TasqProgram.run("enqueue", kind, environment: environment)
            }
            let first = try await TasqProgram.run(
                "jobs", "list", "--limit", "2", "--json", environment: environment)
            let lines = first.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[0].contains("\"kind\":\"c\""))
            let cursor = try #require(first.errors.split(separator: " ").last)
            let second = try await TasqProgram.run(
                "jobs", "list", "--limit", "2", "--cursor", String(cursor), "--json",
                environment: environment)
            #expect(second.output.contains("\"kind\":\"a\""))
            #expect(second.output.split(separator: "\n").count == 1)
            #expect(second.errors.isEmpty)
            let queues = try await TasqProgram.run("queues", "list", environment: environment)
            #expect(queues.output.split(separator: "\n").count == 2)
            #expect(queues.output.contains("default"))
            let none = try await TasqProgram.run(
                "jobs", "list", "--kind", "b", "--until", "1h", environment: environment)
            #expect(none.exit == .code(0))
            #expect(none.output.split(separator: "\n").count == 1)
            let unknown = try await TasqProgram.run(
                "jobs", "show", JobID().description, environment: environment)
            #expect(unknown.exit == .code(1))
        }
    }
}
