import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Jobs found by what an operator knows of them, and asked for before all are touched.
@Suite(.medium) struct FindTests {
    private func listed(
        _ environment: [String: String], _ arguments: String...
    ) async throws -> [String] {
        let child = try await TasqProgram.start(
            ["jobs", "list", "--json"] + arguments, environment: environment)
        #expect(try await child.wait() == .code(0), "\(child.standardError)")
        return child.standardOutput.split(separator: "\n").map { line in
            String(line.dropFirst(#"{"id":""#.count).prefix(36))
        }
    }

    @Test func `Jobs are found by a value in their payload, whatever stands around it`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            func enqueue(_ payload: String) async throws -> String {
                try await TasqProgram.run(
                    "enqueue", "mail", "--payload", payload, environment: environment
                ).output
            }
            let number = try await enqueue(#"{"order":{"id":42},"to":["a@b"]}"#)
            let escaped = try await enqueue(#"{"order": {"\u0069d": "4\u0032"}}"#)
            _ = try await enqueue(#"{"order":{"id":421},"id":42}"#)
            _ = try await enqueue("42")
            let found = try await listed(environment, "--payload", "/order/id=42")
            #expect(found == [escaped, number])
            #expect(try await listed(environment, "--payload=/to/0=a@b") == [number])
            #expect(try await listed(environment, "--payload", "/order/id=4").isEmpty)
            #expect(
                try await listed(
                    environment, "--payload", "/order/id=42", "--kind", "other"
                ).isEmpty)
            #expect(
                try await listed(environment, "--payload", "/order/id=42", "--limit", "1")
                    == [escaped])
            for since in ["yesterday", "2024-01-01", "1d", "2024-01-01T00:00:00Z"] {
                #expect(try await listed(environment, "--since", since).count == 4, "\(since)")
                #expect(try await listed(environment, "--until", since).isEmpty, "\(since)")
            }
        }
    }

    @Test func `A search through payloads goes on over many looks`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, content_type, body)
                SELECT tasq.uuid_v7(), 'application/json',
                    convert_to('{"n":"' || n || '","x":"' || repeat('x', 10000) || '"}', 'UTF8')
                FROM generate_series(1, 2500) AS n;
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT p.id, p.id, 'default', 'noop', 'queued', 1, 3, now() FROM tasq.payload AS p
                """)
            for number in [1, 1234, 2500] {
                let found = try await listed(environment, "--payload", "/n=\(number)")
                let expected = try await database.execute(
                    """
                    SELECT id FROM tasq.payload
                    WHERE position(convert_to('"n":"\(number)"', 'UTF8') IN body) > 0
                    """)
                #expect(found == [expected], "\(number)")
            }
            let terminal = try await Pty.start(
                ["jobs", "list", "--payload", "/n=0"], environment: environment)
            #expect(try await terminal.wait() == .code(0))
            #expect(terminal.standardOutput.contains("searched back to 20"), "\(terminal.lines)")
        }
    }

    @Test func `One search ends after so many looks, and says how to go on`() async throws {
        var search = ListSearch<Int, Int>(from: nil, limit: 5)
        try await search.run(pages: 3) { place, count in
            let place = (place ?? 10) - 1
            #expect(count == 5 - (9 - place) / 2)
            return (place.isMultiple(of: 2) ? [place] : [], place)
        } time: { place in
            Timestamp(microseconds: Int64(place))
        }
        #expect(search.rows == [8] && search.next == 7 && search.isCut)
        var rest = ListSearch<Int, Int>(from: search.next, limit: 2)
        try await rest.run(pages: 3) { place, _ in
            let place = (place ?? 10) - 1
            return (place.isMultiple(of: 2) ? [place] : [], place > 0 ? place : nil)
        } time: { place in
            Timestamp(microseconds: Int64(place))
        }
        #expect(rest.rows == [6, 4] && rest.next == 4 && !rest.isCut)
    }

    @Test func `A list has a reason's last line, show all of it, and a success none`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            var ids: [String] = []
            for _ in 0..<2 {
                ids.append(
                    try await TasqProgram.run("enqueue", "mail", environment: environment).output)
            }
            try await database.execute(
                """
                INSERT INTO tasq.attempt (job_id, claim, attempt, outcome, reason, started_at)
                SELECT j.id, gen_random_uuid(), 1, 'retry',
                    E'exit 1: Traceback:\\n\\tFile "a.py", line 7\\nKeyError: 42\\n', now()
                FROM tasq.job AS j;
                UPDATE tasq.job SET status = 'error', attempt = 1, finished_at = now();
                UPDATE tasq.job SET status = 'success', attempt = 2 WHERE id = '\(ids[1])'
                """)
            let list = try await TasqProgram.run("jobs", "list", environment: environment)
            let lines = list.output.split(separator: "\n")
            #expect(lines.count == 3, "\(list.output)")
            #expect(lines.contains { $0.hasPrefix(ids[0]) && $0.hasSuffix("  KeyError: 42") })
            #expect(lines.contains { $0.hasPrefix(ids[1]) && !$0.contains("KeyError") })
            #expect(try await listed(environment, "--reason", "keyerror") == [ids[0]])
            let failed = try await TasqProgram.run("jobs", "show", ids[0], environment: environment)
            let indent = String(repeating: " ", count: 14)
            #expect(
                failed.output.contains(
                    """
                    reason        exit 1: Traceback:
                    \(indent)    File "a.py", line 7
                    \(indent)KeyError: 42

                    """), "\(failed.output)")
            #expect(failed.output.components(separatedBy: "Traceback").count == 3)
            let well = try await TasqProgram.run("jobs", "show", ids[1], environment: environment)
            #expect(!well.output.contains("reason  "), "\(well.output)")
            // Of its attempts it is told.
            #expect(well.output.contains("KeyError: 42"))
            let json = try await TasqProgram.run(
                "jobs", "list", "--status", "success", "--json", environment: environment)
            #expect(json.output.contains(#""reason":null"#), "\(json.output)")
        }
    }

    @Test func `A job that has run for an hour is found`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            var ids: [String] = []
            for _ in 0..<3 {
                ids.append(
                    try await TasqProgram.run("enqueue", "long", environment: environment).output)
            }
            try await database.execute(
                """
                INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                SELECT j.id, gen_random_uuid(), gen_random_uuid(), 1,
                    now() - CASE WHEN j.id = '\(ids[0])' THEN interval '61 min' ELSE '59 min' END
                FROM tasq.job AS j WHERE j.id <> '\(ids[2])';
                UPDATE tasq.job AS j SET status = 'executing', attempt = 1, claimed_at = e.claimed_at
                FROM tasq.executing_job AS e WHERE e.job_id = j.id
                """)
            #expect(try await listed(environment, "--running-longer-than", "1h") == [ids[0]])
            let both = try await listed(environment, "--running-longer-than", "5m")
            #expect(Set(both) == Set(ids.prefix(2)))
        }
    }

    @Test(arguments: [
        (["--payload", "order=42"], "--payload must be a JSON pointer"),
        (["--payload", "/order"], "--payload must be a JSON pointer"),
        (["--payload", "/a~b=1"], "--payload must write ~ as ~0"),
        (["--running-longer-than", "soon"], "--running-longer-than must be a whole number"),
        (["--running-longer-than", "1h", "--status", "queued"], "--running-longer-than goes with"),
        (["--running-longer-than", "1h", "--retrying"], "--running-longer-than goes with"),
        (["--reason", ""], "--reason must be 1 to 2000 bytes"),
        (["--since", "tomorrow"], "--since must be a time in RFC 3339, a date, today, yesterday"),
    ])
    func `What is wrong with a filter is named before anything is asked`(
        arguments: [String], rule: String
    ) async throws {
        let child = try await TasqProgram.start(
            ["jobs", "list"] + arguments, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(64))
        #expect(child.standardError.hasPrefix("tasq: \(rule)"), "\(child.standardError)")
    }

    @Test func `Filters that leave out no job ask first, or want --yes`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            for _ in 0..<2 {
                _ = try await TasqProgram.run("enqueue", "noop", environment: environment)
            }
            let refused = try await TasqProgram.run(
                "jobs", "delete", "--since", "36500d", environment: environment)
            #expect(refused.exit == .code(1))
            #expect(
                refused.errorLines.map(String.init) == [
                    "tasq: the filters leave out no job: give --yes to delete every job, or a "
                        + "narrower filter"
                ])
            let dry = try await TasqProgram.run(
                "jobs", "delete", "--since", "36500d", "--dry-run", environment: environment)
            #expect(dry.output == "2 match")
            let declined = try await Self.answer(
                "n", "jobs", "delete", "--until", "0s", environment: environment)
            #expect(declined.standardOutput.contains("delete every job? [y/N]"))
            #expect(declined.exit == .code(1), "\(declined.standardOutput)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "2")
            let agreed = try await Self.answer(
                "y", "jobs", "cancel", "--since", "36500d", environment: environment)
            #expect(agreed.exit == .code(0), "\(agreed.standardOutput)")
            #expect(agreed.standardOutput.contains("2 cancelled"))
            let narrow = try await TasqProgram.run(
                "jobs", "delete", "--since", "36500d", "--status", "cancelled",
                environment: environment)
            #expect(narrow.output == "2 deleted", "\(narrow.errors)")
            _ = try await TasqProgram.run("enqueue", "noop", environment: environment)
            let yes = try await TasqProgram.run(
                "jobs", "delete", "--since", "36500d", "--yes", environment: environment)
            #expect(yes.output == "1 deleted", "\(yes.errors)")
        }
    }

    @Test func `A pause of a queue that nobody knows says so`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            _ = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "emails", environment: environment)
            for (word, state) in [("pause", "paused"), ("resume", "open")] {
                let known = try await TasqProgram.run(
                    "queues", word, "emails", environment: environment)
                #expect(known.output == "emails is \(state)")
            }
            let unknown = try await TasqProgram.run(
                "queues", "pause", "email", environment: environment)
            #expect(unknown.exit == .code(0))
            #expect(
                unknown.output == "email is paused; nobody knows it: no worker serves it, and no "
                    + "job of it was found")
            let open = try await TasqProgram.run(
                "queues", "resume", "email", environment: environment)
            #expect(open.output == "email is open")
            let other = try await TasqProgram.run(
                "queues", "resume", "mails", "--json", environment: environment)
            #expect(other.output == #"{"name":"mails","paused":false,"known":false}"#)
        }
    }

    /// Runs the program on a terminal, and answers its question.
    private static func answer(
        _ answer: String, _ arguments: String..., environment: [String: String]
    ) async throws -> (exit: ChildProcess.Exit, standardOutput: String) {
        let child = try await ChildProcess.start(
            "python3", ["-c", script, answer, TasqProgram.path] + arguments,
            environment: environment, directory: "/")
        let exit = try await child.wait()
        return (exit, child.standardOutput)
    }

    private static let script = """
        import os, pty, sys
        answer, *command = sys.argv[1:]
        child, main = pty.fork()
        if child == 0:
            os.execv(command[0], command)
        seen = b""
        while True:
            try:
                data = os.read(main, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
            if answer and b"[y/N]" in seen:
                os.write(main, (answer + "\\n").encode())
                answer = ""
        sys.stdout.write(seen.decode(errors="replace"))
        sys.stdout.flush()
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
}
