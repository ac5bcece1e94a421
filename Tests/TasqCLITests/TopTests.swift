import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq top`, on a terminal made by Python's pty and without one.
@Suite(.medium) struct TopTests {
    @Test func `Without a terminal it prints one frame and ends`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            _ = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "ci", environment: environment)
            _ = try await TasqProgram.run("queues", "pause", "ci", environment: environment)
            try await database.execute(
                """
                SELECT tasq.enqueue('noop', queue => 'mail') FROM generate_series(1, 3);
                UPDATE tasq.job SET status = 'error', finished_at = now() WHERE queue = 'mail'
                """)
            let run = try await TasqProgram.run("top", environment: environment)
            #expect(run.exit == .code(0), "\(run.errors)")
            #expect(!run.output.contains("\u{1B}"))
            for text in ["per second  enqueue", "pickup p50", "QUEUE", "WORKER"] {
                #expect(run.output.contains(text), "\(run.output)")
            }
            #expect(
                run.output.firstMatch(of: #/\nci +paused +1 +0 +0 /#) != nil, "\(run.output)")
            // A queue of which nothing but failures is left.
            #expect(
                run.output.firstMatch(of: #/\nmail +open +0 +0 +0 +- +0 +3\n/#) != nil,
                "\(run.output)")
        }
    }

    @Test func `--once --json is one object with the state, the rates and the waits`() async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let file = try TemporaryFile("handlers: { noop: { noop: {} } }")
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path, "--concurrency", "3"], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            for _ in 0..<5 {
                _ = try await TasqProgram.run("enqueue", "noop", environment: environment)
            }
            try await eventually("they have run") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "5"
            }
            let run = try await TasqProgram.run(
                "top", "--once", "--json", environment: environment)
            #expect(run.exit == .code(0), "\(run.errors)")
            let top = try JSONDecoder().decode(Top.self, from: Data(run.output.utf8))
            #expect(top.queues.map(\.name) == ["default"] && top.queues[0].queued == 0)
            #expect(top.workers.map(\.concurrency) == [3])
            #expect(top.workers.map(\.executing) == [0])
            let pickup = try #require(top.pickup_ms)
            #expect(try #require(pickup.p50) <= #require(pickup.p99))
            #expect(top.rates != nil)
            worker.signal(SIGTERM)
            _ = try await worker.wait()
        }
    }

    private struct Top: Decodable {
        struct Queue: Decodable {
            let name: String
            let queued: Int
        }
        struct Worker: Decodable {
            let concurrency: Int
            let executing: Int
        }
        struct Rates: Decodable {
            let enqueued, started, succeeded, failed: Double
        }
        struct Pickup: Decodable {
            let p50, p99: Double?
        }
        let time: String
        let queues: [Queue]
        let workers: [Worker]
        let rates: Rates?
        let pickup_ms: Pickup?
    }

    @Test func `A database that is away ends --once with 69 and a wrong schema with 78`()
        async throws
    {
        let away = try await TasqProgram.run(
            "top", "--once", environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(away.exit == .code(69))
        #expect(away.errorLines.count == 1)
        try await TestDatabase.with(template: "empty", migrate: { _ in }) { database in
            let empty = try await TasqProgram.run(
                "top", "--once", environment: ["DATABASE_URL": database.url])
            #expect(empty.exit == .code(78), "\(empty.errors)")
        }
    }

    @Test(arguments: [false, true])
    func `--json goes on while PostgreSQL is away, and ends with its reader`(json: Bool)
        async throws
    {
        let postgres = try await PrivatePostgres.start(durable: false)
        let url = postgres.url(database: "postgres")
        #expect(try await TasqProgram.run("migrate", "--database-url", url).exit == .code(0))
        let environment = ["DATABASE_URL": url]
        let top =
            json
            ? try await TasqProgram.start(["top", "--json"], environment: environment)
            : try await Pty.start(["top"], environment: environment)
        let (good, bad) = json ? ("\"queues\":", "\"error\":\"") : ("QUEUE", "connection refused")
        _ = try await top.waitForLine(containing: good)
        await postgres.stop(.immediate)
        _ = try await top.waitForLine(containing: bad)
        #expect(top.exit == nil)
        top.signal(SIGTERM)
        let exit = try await top.wait()
        #expect(json ? exit == .signal(SIGTERM) : exit == .code(0), "\(top.standardOutput)")
    }

    @Test(arguments: ["q", "\u{3}"])
    func `A key ends it and the terminal is as it was`(key: String) async throws {
        try await withDatabase { database in
            let top = try await Pty.start(
                ["top"], environment: ["DATABASE_URL": database.url], keys: key)
            #expect(try await top.wait() == .code(0), "\(top.standardError)")
            let output = top.standardOutput
            let entered = try #require(output.firstRange(of: "\u{1B}[?1049h"))
            let left = try #require(output.firstRange(of: "\u{1B}[?25h\u{1B}[?1049l"))
            #expect(entered.lowerBound < left.lowerBound)
            #expect(output.contains("\u{1B}[1mQUEUE"))
            #expect(output.contains("settings restored"))
            #expect(output.contains("echo was off"))
        }
    }

    @Test func `NO_COLOR is honoured, and a frame fits the terminal whatever its size`()
        async throws
    {
        try await withDatabase { database in
            for queue in 0..<40 {
                _ = try await database.execute(
                    "SELECT tasq.enqueue('noop', queue => 'queue-of-some-length-\(queue)')")
            }
            let top = try await Pty.start(
                ["top"], environment: ["DATABASE_URL": database.url, "NO_COLOR": "1"], keys: "q",
                columns: 40, rows: 12, then: (columns: 60, rows: 20))
            #expect(try await top.wait() == .code(0), "\(top.standardError)")
            let frames = top.standardOutput.split(separator: "\u{1B}[H").dropFirst()
            #expect(!top.standardOutput.contains("\u{1B}[1m"))
            let sizes = frames.map { frame -> (lines: Int, width: Int) in
                let body = frame.split(separator: "\u{1B}[J").first ?? ""
                let lines = body.split(separator: "\n")
                return (
                    lines.count,
                    lines.map { $0.replacing("\u{1B}[K", with: "").count }.max() ?? 0
                )
            }
            #expect(sizes.allSatisfy { $0.lines <= 19 && $0.width <= 60 }, "\(sizes)")
            #expect(sizes.contains { $0.lines <= 11 && $0.width <= 40 && $0.lines > 5 }, "\(sizes)")
            #expect(sizes.contains { $0.lines > 11 }, "\(sizes)")
            #expect(top.standardOutput.contains("more queues"))
        }
    }
}

struct RateWindowTests {
    private func totals(_ count: Int) -> Glance.Totals {
        Glance.Totals(enqueued: count, started: count, ended: count, failed: count / 10)
    }

    @Test func `Rates are of the last seconds, and begin anew with the sums`() {
        var window = RateWindow()
        let time = { (second: Int64) in Timestamp(microseconds: second * 1_000_000) }
        #expect(window.add(totals(1000), at: time(0)) == nil)
        let first = window.add(totals(1100), at: time(1))
        #expect(first == .init(enqueued: 100, started: 100, succeeded: 90, failed: 10))
        for second in Int64(2)...20 { _ = window.add(totals(1100), at: time(second)) }
        #expect(window.add(totals(1600), at: time(21))?.enqueued == 100)
        #expect(window.add(totals(0), at: time(22)) == nil)
        #expect(window.add(totals(10), at: time(23))?.enqueued == 10)
        // A clock that steps back gives no rate.
        #expect(window.add(totals(20), at: time(5)) == nil)
    }
}
