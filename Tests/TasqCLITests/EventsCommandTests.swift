import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq events list`, `show` and `replay`.
@Suite(.medium) struct EventsCommandTests {
    /// A stored event whose one job is in a status, and the event's id.
    private func store(
        _ source: String, _ status: String, in database: TestDatabase
    ) async throws -> String {
        let id = PayloadID()
        try await database.execute(
            """
            INSERT INTO tasq.payload (id, source, event_id, content_type, headers, body)
            VALUES ('\(id)', '\(source)', 'd-\(id)', 'application/json',
                convert_to(E'x-github-event: push\\nx-api-token: hunter2\\n', 'UTF8'),
                convert_to(E'{"n":\\n1}', 'UTF8'));
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
            VALUES (tasq.uuid_v7(), '\(id)', 'hooks', 'push', '\(status)', 1, 7, now(),
                CASE WHEN '\(status)' IN ('success', 'error') THEN now() END)
            """)
        return id.description
    }

    @Test func `Events are listed by source, time and what became of their jobs, page by page`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            var ids: [String] = []
            for (source, status) in [
                ("github", "success"), ("github", "error"), ("stripe", "error"),
                ("github", "queued"),
            ] {
                ids.append(try await store(source, status, in: database))
            }
            // The body of a job is no event.
            _ = try await TasqProgram.run("enqueue", "noop", environment: environment)
            func list(_ more: String...) async throws -> (ids: [String], cursor: String?) {
                let child = try await TasqProgram.start(
                    ["events", "list", "--json"] + more, environment: environment)
                #expect(try await child.wait() == .code(0), "\(child.standardError)")
                let found = child.standardOutput.split(separator: "\n").map { line in
                    String(line.dropFirst(#"{"id":""#.count).prefix(36))
                }
                let rest = child.standardError.components(separatedBy: "more: --cursor ")
                return (
                    found,
                    rest.dropFirst().first?.trimmingCharacters(in: .whitespacesAndNewlines)
                )
            }
            #expect(try await list().ids == ids.reversed())
            let first = try await list("--limit", "3")
            #expect(first.ids == Array(ids.reversed().prefix(3)))
            let second = try await list("--limit", "3", "--cursor", try #require(first.cursor))
            #expect(second.ids == [ids[0]] && second.cursor == nil)
            #expect(try await list("--source", "stripe").ids == [ids[2]])
            #expect(try await list("--status", "error").ids == [ids[2], ids[1]])
            #expect(try await list("--status", "error", "--source", "github").ids == [ids[1]])
            #expect(try await list("--since", "yesterday").ids.count == 4)
            #expect(try await list("--until", "yesterday").ids.isEmpty)

            let table = try await TasqProgram.run("events", "list", environment: environment)
            let lines = table.output.split(separator: "\n")
            #expect(lines.count == 5 && lines[0].hasPrefix("ID"), "\(table.output)")
            #expect(lines[1].contains("github") && lines[1].contains("1 queued"))
            #expect(lines[2].contains("stripe") && lines[2].contains("1 error"))
            let json = try await TasqProgram.run(
                "events", "list", "--source", "stripe", "--json", environment: environment)
            for part in [
                #""source":"stripe","event_id":"d-\#(ids[2])""#, #""bytes":8"#,
                #"["x-github-event","push"],["x-api-token","***"]"#, #""outcomes":{"error":1}"#,
            ] {
                #expect(json.output.contains(part), "\(part): \(json.output)")
            }
        }
    }

    @Test func `An event is shown with its jobs and body, and no credential`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let id = try await store("github", "error", in: database)
            let shown = try await TasqProgram.run("events", "show", id, environment: environment)
            #expect(shown.exit == .code(0), "\(shown.errors)")
            for part in [
                "source        github\n", "provider's id d-\(id)\n",
                "headers       x-github-event: push\n", "x-api-token: ***\n",
                "body          8 bytes, application/json\n", "  {\"n\":\n", "  1}\n", "hooks",
            ] {
                #expect(shown.output.contains(part), "\(part): \(shown.output)")
            }
            let json = try await TasqProgram.run(
                "events", "show", id, "--json", environment: environment)
            #expect(json.output.contains(#""body":"{\"n\":\n1}""#), "\(json.output)")
            #expect(json.output.contains(#""payload_id":"\#(id)""#), "\(json.output)")
            #expect(!(shown.output + json.output).contains("hunter2"))
            let job = try await TasqProgram.run("enqueue", "noop", environment: environment).output
            for (stranger, code) in [(job, Int32(1)), (PayloadID().description, 1), ("17", 64)] {
                let none = try await TasqProgram.run(
                    "events", "show", stranger, environment: environment)
                #expect(none.exit == .code(code) && none.errorLines.count == 1, "\(none.errors)")
            }
        }
    }

    @Test func `Events are replayed by id, and each that is none is a line`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let id = try await store("github", "success", in: database)
            let bare = try await store("stripe", "error", in: database)
            try await database.execute("DELETE FROM tasq.job WHERE payload_id = '\(bare)'")
            let stranger = PayloadID().description
            let run = try await TasqProgram.run(
                "events", "replay", id, stranger, bare, environment: environment)
            #expect(run.exit == .code(1))
            #expect(
                run.errorLines.map(String.init) == [
                    "tasq: event \(stranger) is not there",
                    "tasq: event \(bare) has no job left to copy",
                ])
            let made = try await database.execute(
                """
                SELECT id FROM tasq.job
                WHERE payload_id = '\(id)' AND status = 'queued' AND queue = 'hooks'
                    AND kind = 'push' AND max_attempts = 7
                """)
            #expect(run.output == "\(id) replayed as \(made)")
            let json = try await TasqProgram.run(
                "events", "replay", id, "--json", environment: environment)
            #expect(json.output.hasPrefix(#"{"id":"\#(id)","jobs":[""#), "\(json.output)")
        }
    }

    @Test(arguments: [["replay"], ["events", "replay"]])
    func `Events are replayed by filter, the oldest first; all of them only if that is said`(
        words: [String]
    ) async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            var ids: [String] = []
            for status in ["success", "error", "success"] {
                ids.append(try await store("github", status, in: database))
            }
            func replay(_ more: String...) async throws -> TasqProgram.Run {
                let child = try await TasqProgram.start(words + more, environment: environment)
                let exit = try await child.wait()
                return TasqProgram.Run(
                    exit: exit, output: child.standardOutput, errors: child.standardError)
            }
            for filter in [[], ["--since", "36500d"], ["--until", "0s"]] {
                let child = try await TasqProgram.start(words + filter, environment: environment)
                #expect(try await child.wait() == .code(1), "\(filter)")
                #expect(
                    child.standardError.hasPrefix(
                        "tasq: the filters leave out no event: give --yes to replay every event"),
                    "\(child.standardError)")
            }
            #expect(try await replay("--dry-run").output == "3 match")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "3")
            let failed = try await replay("--status", "error", "--rate", "1000/s", "--json")
            #expect(
                failed.output
                    == #"{"dry_run":false,"matched":1,"replayed":1,"jobs":1,"passed_over":0}"#,
                "\(failed.errors)")
            #expect(try await replay("--source", "other").output == "0 replayed as 0 jobs")
            let all = try await replay("--yes")
            #expect(all.output == "3 replayed as 3 jobs", "\(all.errors)")
            let order = try await database.execute(
                """
                SELECT payload_id FROM tasq.job WHERE status = 'queued'
                ORDER BY enqueued_at, id
                """)
            #expect(order.split(separator: "\n").map(String.init) == [ids[1]] + ids)
            // A key that is taken keeps a job from being made.
            try await database.execute(
                "UPDATE tasq.job SET unique_key = 'only' WHERE payload_id = '\(ids[0])'")
            _ = try await replay("--until", "0s", "--source", "github")
            let again = try await replay("--source", "github", "--rate", "5000")
            #expect(again.output.hasPrefix("2 replayed as 2 jobs, 1 passed over"), "\(again)")
            let taken = try await TasqProgram.run(
                "events", "replay", ids[0], environment: environment)
            #expect(taken.exit == .code(1) && taken.output.isEmpty, "\(taken)")
            #expect(taken.errors.hasPrefix("tasq: event \(ids[0]) has a unique key"), "\(taken)")
        }
    }

    @Test(arguments: [
        (["--rate", "0"], "--rate must be a whole number"), (["--rate", "5/m"], "--rate"),
        (["--since", "soon"], "--since must be a time"), (["--source", "a b"], "--source must be"),
        (["--status", "done"], "--status must be one of"), (["17"], "the id must be a UUID"),
        (["019ab3c4-5d6e-7f80-9123-456789abcdef", "--status", "error"], "give ids or filters"),
    ])
    func `What is wrong with a replay is named before anything is asked`(
        arguments: [String], rule: String
    ) async throws {
        for words in [["replay"], ["events", "replay"]] {
            let child = try await TasqProgram.start(
                words + arguments, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
            #expect(try await child.wait() == .code(64))
            #expect(child.standardError.hasPrefix("tasq: \(rule)"), "\(child.standardError)")
        }
    }
}
