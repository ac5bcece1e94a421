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

/// `tasq schedules`, and the schedules of a configuration.
@Suite(.medium) struct SchedulesTests {
    @Test func `A schedule is added, listed, paused, resumed, run and deleted`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            func run(_ words: String...) async throws -> TasqProgram.Run {
                let child = try await TasqProgram.start(
                    ["schedules"] + words, environment: environment)
                let exit = try await child.wait()
                return .init(
                    exit: exit, output: child.standardOutput, errors: child.standardError)
            }
            let added = try await run(
                "add", "nightly", "30 2 * * MON-FRI", "report", "--zone", "Europe/Berlin",
                "--payload", #"{"at":"{tick}"}"#, "--missed", "all", "--jitter", "5s")
            #expect(added.exit == .code(0), "\(added.errors)")
            let lines = added.output.split(separator: "\n")
            #expect(lines.count == 5 && lines.allSatisfy { $0.contains("T02:30:00+0") })
            let list = try await run("list")
            #expect(list.output.contains("nightly") && list.output.contains("30 2 * * MON-FRI"))
            let json = try await run("list", "--json")
            #expect(json.output.contains(#""missed":"all","jitter":"5s""#))
            let next = try await run("next", "nightly", "--count", "5")
            #expect(next.output == added.output)
            #expect(try await run("pause", "nightly").output == "nightly is paused")
            let paused = try await run("pause", "nightly", "--json").output
            #expect(paused.contains(#""paused":true"#), "\(paused)")
            let resumed = try await run("resume", "nightly")
            #expect(resumed.output == "nightly is open\n" + added.output)
            let again = try await run("resume", "nightly", "--json").output
            #expect(again.contains(#""paused":false"#), "\(again)")
            for text in [paused, again, json.output] {
                #expect(text.ranges(of: ":30:00.000Z").count == 5, "\(text)")
                #expect(text.ranges(of: "T02:30:00+0").count == 5, "\(text)")
                #expect(text.hasSuffix(#""remarks":[]}"#), "\(text)")
                #expect(text.contains(#""payload_text":"{\"at\":\"{tick}\"}""#), "\(text)")
            }
            let id = try await run("run", "nightly").output
            let body = try await database.execute(
                "SELECT convert_from(body, 'UTF8') FROM tasq.payload")
            #expect(body.hasPrefix(#"{"at":"20"#) && body.hasSuffix(#"Z"}"#), "\(body)")
            let explained = try await TasqProgram.run("explain", id, environment: environment)
            #expect(explained.output.contains("put in by the schedule `nightly`"))
            #expect(try await run("delete", "nightly").output == "nightly is gone")
            for word in ["next", "pause", "resume", "run", "delete"] {
                let missing = try await run(word, "nightly")
                #expect(missing.exit == .code(1) && missing.errors.contains("nightly"))
            }
        }
    }

    @Test func `A schedule that does not tick is told with the reason, and goes on when resumed`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            try await database.execute(
                """
                SELECT tasq.put_schedule('lost', '@daily', 'noop', zone => 'Nowhere/Atlantis');
                UPDATE tasq.schedule
                SET problem = 'zone must be there', next_at = 'infinity', planned = true
                """)
            let list = try await TasqProgram.run("schedules", "list", environment: environment)
            #expect(list.output.contains("stuck"), "\(list.output)")
            #expect(
                list.output.hasSuffix(
                    "lost does not tick: zone must be there; once that is mended: "
                        + "tasq schedules resume lost"), "\(list.output)")
            try await database.execute("UPDATE tasq.schedule SET zone = 'UTC'")
            let resumed = try await TasqProgram.run(
                "schedules", "resume", "lost", environment: environment)
            let lines = resumed.output.split(separator: "\n")
            #expect(lines.count == 6 && lines[0] == "lost is open", "\(resumed.output)")
            #expect(lines.dropFirst().allSatisfy { $0.hasSuffix("T00:00:00Z") })
            let row = "SELECT problem IS NULL, planned, next_at <= now() FROM tasq.schedule"
            #expect(try await database.execute(row) == "t|f|t")
        }
    }

    @Test func `A cron text is told what it means, without a server`() async throws {
        let run = try await TasqProgram.run(
            "schedules", "next", "0 0 */2 * 1", "--after", "2026-11-30T00:00:00Z", "--count", "2")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(
            run.output == """
                2026-12-07T00:00:00Z
                2026-12-21T00:00:00Z
                # A day must match both the day of month and the day of week, for one of them starts \
                with a star.
                """)
        let changed = try await TasqProgram.run(
            "schedules", "next", "30 2 * * *", "--zone", "Europe/Berlin", "--clock-change", "twice",
            "--after", "2026-10-24T12:00:00Z", "--count", "2", "--json")
        #expect(
            changed.output
                == #"{"cron":"30 2 * * *","zone":"Europe/Berlin","clock_change":"twice","#
                + #""ticks":["2026-10-25T00:30:00Z","2026-10-25T01:30:00Z"],"#
                + #""local":["2026-10-25T02:30:00+02:00","2026-10-25T02:30:00+01:00"],"#
                + #""remarks":[]}"#)
        // The start itself may tick, the end may not.
        let bounded = try await TasqProgram.run(
            "schedules", "next", "@daily", "--start", "2050-01-10T00:00:00Z", "--end",
            "2050-01-12T00:00:00Z", "--after", "2050-01-01T00:00:00Z", "--count", "5")
        #expect(bounded.exit == .code(0), "\(bounded.errors)")
        let ticks = bounded.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(ticks == ["2050-01-10T00:00:00Z", "2050-01-11T00:00:00Z"])
    }

    @Test(arguments: [
        (["next", "61 * * * *"], "minute"), (["next", "0 0 31 2 *"], "never"),
        (["next", "0 0 * * L5"], "FRIL"), (["next", "@daily", "--zone", "Nowhere/X"], "--zone"),
        (["next", "@daily", "--count", "1001"], "--count"),
        (["next", "@daily", "--after", "tomorrow"], "--after"),
        (["next", "@daily", "--clock-change", "thrice"], "--clock-change"),
        (["next", "name", "--zone", "UTC"], "its own zone"),
        (["add", "a b", "@daily", "k"], "the name"), (["add", "a", "@daily", "k k"], "the kind"),
        (["add", "a", "* * *", "k"], "five fields"),
        (["add", "a", "@daily", "k", "--jitter", "2d"], "--jitter"),
        (["add", "a", "@daily", "k", "--missed", "some"], "--missed"),
        (["add", "a", "@daily", "k", "--end", "2001-01-01T00:00:00Z"], "--end"),
        (["run", "a b"], "the schedule"), (["add", "a", "@daily"], "kind"),
    ])
    func `What is no schedule is refused by name before a server is asked`(
        words: [String], word: String
    ) async throws {
        let child = try await TasqProgram.start(
            ["schedules"] + words, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/none"])
        #expect(try await child.wait() == .code(64), "\(words)")
        #expect(child.standardError.contains(word), "\(child.standardError)")
    }

    @Test func `A payload that is no JSON is refused, also if only the tick's time makes it one`()
        async throws
    {
        let bad = try await TasqProgram.run(
            "schedules", "add", "a", "@daily", "k", "--payload", "{at: 1}",
            environment: ["DATABASE_URL": "postgres://127.0.0.1:9/none"])
        #expect(bad.exit == .code(65) && bad.errors.contains("payload"))
        try await withDatabase { database in
            let good = try await TasqProgram.run(
                "schedules", "add", "a", "@daily", "k", "--payload", #"{"at": {tick_unix}}"#,
                environment: ["DATABASE_URL": database.url])
            #expect(good.exit == .code(0), "\(good.errors)")
        }
    }

    @Test func `A configuration's schedules are stored at the start and after a reload`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile(
                """
                handlers:
                  report: { noop: {}, queue: reports, max_attempts: 3 }
                schedules:
                  a: { cron: "* * * * * *", kind: report, payload: '{"at":"{tick}"}' }
                  old: { cron: "@daily", kind: report, end: "2001-01-01T00:00:00Z" }
                """)
            let worker = try await TasqProgram.start(
                ["work", "--queue", "reports", "--config", file.path],
                environment: ["DATABASE_URL": database.url])
            try await eventually("a tick has run") {
                let row = "SELECT count(*) > 0 FROM tasq.job WHERE status = 'success'"
                return try await database.execute(row) == "t"
            }
            let rows = "SELECT name, queue, max_attempts, configured FROM tasq.schedule ORDER BY 1"
            #expect(try await database.execute(rows) == "a|reports|3|t\nold|reports|3|t")
            try file.replace(
                """
                handlers:
                  report: { noop: {} }
                schedules:
                  b: { cron: "@daily", kind: report }
                """)
            worker.signal(SIGHUP)
            try await eventually("the others are gone") {
                try await database.execute(rows) == "b|default|20|t"
            }
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
        }
    }

    @Test(arguments: [
        ("a: { kind: k }", "schedules.a.cron is missing"),
        ("a: { cron: '@daily' }", "schedules.a.kind is missing"), ("a:", "at least a cron text"),
        ("a: { cron: '61 * * * *', kind: k }", "schedules.a.cron must have 0-59"),
        ("a: { cron: '0 0 30 2 *', kind: k }", "can never fire"),
        ("a: { cron: '@daily', kind: k, zone: Nowhere/X }", "schedules.a.zone must be"),
        ("a: { cron: '@daily', kind: k, payload: '{' }", "schedules.a.payload must be JSON"),
        ("a: { cron: '@daily', kind: k, mised: all }", "did you mean missed?"),
        ("a b: { cron: '@daily', kind: k }", "is not a name"),
    ])
    func `A schedule of a configuration that makes no sense is told with its line`(
        line: String, text: String
    ) async throws {
        try await expectMistake(below: "schedules", line, text)
    }

    /// Each second has its tick, whoever dies.
    @Test func `Three workers fire each tick once while one after the other is killed`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let file = try TemporaryFile("handlers:\n  noop: { noop: {} }")
            func start() async throws -> ChildProcess {
                try await TasqProgram.start(
                    ["work", "--config", file.path], environment: environment)
            }
            var workers = [try await start(), try await start(), try await start()]
            _ = try await TasqProgram.run(
                "schedules", "add", "each", "* * * * * *", "noop", "--missed", "all",
                environment: environment)
            for round in 1...2 {
                try await eventually("more ticks are fired") {
                    let count = try await database.execute(
                        "SELECT count(*) FROM tasq.schedule_tick")
                    return (Int(count) ?? 0) >= round * 4
                }
                // The one that holds the term, if it can be told, dies first.
                let holder = try await database.execute(
                    """
                    SELECT pid FROM tasq.worker w JOIN tasq.leader l ON l.holder = w.id
                    """)
                let index = workers.firstIndex { "\($0.pid)" == holder } ?? 0
                workers[index].signal(SIGKILL)
                #expect(try await workers[index].wait() == .signal(SIGKILL))
                workers[index] = try await start()
            }
            try await eventually("ticks go on") {
                let count = try await database.execute("SELECT count(*) FROM tasq.schedule_tick")
                return (Int(count) ?? 0) >= 12
            }
            for worker in workers { worker.signal(SIGTERM) }
            for worker in workers { #expect(try await worker.wait() == .code(0)) }
            #expect(
                try await database.execute(
                    """
                    SELECT extract(epoch FROM max(tick) - min(tick))::int + 1 = count(*),
                        count(DISTINCT job_id) = count(*),
                        count(*) = (SELECT count(*) FROM tasq.job)
                    FROM tasq.schedule_tick
                    """) == "t|t|t")
        }
    }
}
