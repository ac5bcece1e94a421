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

/// `tasq jobs retry`, `cancel` and `delete`.
@Suite(.medium) struct JobActionTests {
    @Test func `Several jobs are acted on at once, and each refusal is a line`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            var ids: [String] = []
            for _ in 0..<2 {
                ids.append(
                    try await TasqProgram.run("enqueue", "noop", environment: environment).output)
            }
            let cancelled = try await TasqProgram.run(
                "jobs", "cancel", ids[0], ids[1], environment: environment)
            #expect(cancelled.exit == .code(0), "\(cancelled.errors)")
            #expect(
                cancelled.output
                    == ids.map { "\($0) cancelled (was queued)" }.joined(separator: "\n")
            )
            try await database.execute(
                "UPDATE tasq.job SET status = 'success' WHERE id = '\(ids[0])'")
            let stranger = JobID().description
            let retried = try await TasqProgram.run(
                "jobs", "retry", ids[0], ids[1], stranger, environment: environment)
            #expect(retried.exit == .code(1))
            #expect(retried.output == "\(ids[1]) queued (was cancelled)")
            #expect(
                retried.errorLines.map(String.init) == [
                    "tasq: job \(ids[0]) is success: retry takes error, cancelled, scheduled",
                    "tasq: job \(stranger) is not there",
                ])
            let json = try await TasqProgram.run(
                "jobs", "delete", ids[0], "--json", environment: environment)
            #expect(
                json.output
                    == #"{"id":"\#(ids[0])","result":"done","status":null,"was":"success"}"#)
        }
    }

    @Test func `Filters act on all that match, and a dry run only counts`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let lines = (0..<1200).map { #"{"kind":"k\#($0 % 2)","queue":"q"}"# }
                .joined(separator: "\n")
            _ = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: environment, input: lines)
            let dry = try await TasqProgram.run(
                "jobs", "cancel", "--kind", "k1", "--dry-run", environment: environment)
            #expect(dry.output == "600 match")
            let cancelled = try await TasqProgram.run(
                "jobs", "cancel", "--kind", "k1", "--queue", "q", "--since", "1h",
                environment: environment)
            #expect(cancelled.output == "600 cancelled")
            let none = try await TasqProgram.run(
                "jobs", "retry", "--queue", "q", environment: environment)
            #expect(none.output == "0 queued")
            let retried = try await TasqProgram.run(
                "jobs", "retry", "--status", "cancelled", "--json", environment: environment)
            #expect(
                retried.output
                    == #"{"action":"retry","dry_run":false,"matched":600,"changed":600,"passed_over":0}"#
            )
            let deleted = try await TasqProgram.run(
                "jobs", "delete", "--all", environment: environment)
            #expect(deleted.output == "1200 deleted")
            let left = try await database.execute("SELECT count(*) FROM tasq.payload")
            #expect(left == "0")
        }
    }

    @Test func `All that failed so, that are tried again, or that run for long are acted on`()
        async throws
    {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let kinds = ["dead", "dead", "other", "again", "delayed", "long", "short"]
            let lines = kinds.map { #"{"kind":"\#($0)"}"# }.joined(separator: "\n")
            _ = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: environment, input: lines)
            try await database.execute(
                """
                INSERT INTO tasq.attempt (job_id, claim, attempt, outcome, reason, started_at)
                SELECT id, gen_random_uuid(), 1, 'error',
                    CASE WHEN kind = 'other' THEN 'no luck' ELSE 'Connection refused' END, now()
                FROM tasq.job WHERE kind IN ('dead', 'other');
                UPDATE tasq.job SET status = 'error', attempt = 1, finished_at = now()
                WHERE kind IN ('dead', 'other');
                UPDATE tasq.job SET status = 'scheduled', run_at = now() + interval '1 hour',
                    attempt = CASE WHEN kind = 'again' THEN 1 ELSE 0 END
                WHERE kind IN ('again', 'delayed');
                INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
                SELECT id, gen_random_uuid(), gen_random_uuid(), 1,
                    now() - CASE WHEN kind = 'long' THEN interval '2 hours' ELSE interval '0' END
                FROM tasq.job WHERE kind IN ('long', 'short');
                UPDATE tasq.job AS j SET status = 'executing', attempt = 1, claimed_at = e.claimed_at
                FROM tasq.executing_job AS e WHERE e.job_id = j.id
                """)
            for (words, output) in [
                (["retry", "--reason", "connection refused", "--dry-run"], "2 match"),
                (["retry", "--reason", "connection refused"], "2 queued"),
                (["retry", "--retrying"], "1 queued"),
                (["cancel", "--running-longer-than", "1h"], "1 cancelled"),
                (["delete", "--reason", "luck", "--kind", "other"], "1 deleted"),
            ] {
                let child = try await TasqProgram.start(["jobs"] + words, environment: environment)
                #expect(try await child.wait() == .code(0), "\(child.standardError)")
                #expect(child.standardOutput == output, "\(words)")
            }
            let rows = try await database.execute(
                "SELECT kind, status FROM tasq.job ORDER BY kind, id")
            #expect(
                rows == "again|queued\ndead|queued\ndead|queued\ndelayed|scheduled\n"
                    + "long|cancelled\nshort|executing")
        }
    }

    @Test(arguments: [
        ["cancel"], ["delete", "--dry-run"], ["retry", "--status", "success"],
        ["cancel", "--all", "--queue", "q"], ["cancel", "7"], ["delete", "--status", "executing"],
        ["cancel", "019ab3c4-5d6e-7f80-9123-456789abcdef", "--queue", "q"],
        ["retry", "--queue", "a b"], ["retry", "--since", "soon"], ["cancel", "--key="],
        ["delete", "--running-longer-than", "1h"], ["retry", "--running-longer-than", "1h"],
        ["retry", "--retrying", "--all"], ["retry", "--reason", "x", "--status", "success"],
        ["cancel", "--retrying", "--status", "queued"], ["cancel", "--reason", ""],
        ["cancel", "--key", String(repeating: "k", count: 201)],
    ])
    func `A selection that is none, or is two, exits 64 with one line`(
        arguments: [String]
    ) async throws {
        let child = try await TasqProgram.start(
            ["jobs"] + arguments, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(64))
        #expect(child.standardError.split(separator: "\n").count == 1)
    }

    @Test func `A running job that is cancelled has its handler's task cancelled`() async throws {
        try await withDatabase { database in
            let mark = try TemporaryFile("", name: "mark")
            let file = try TemporaryFile(
                """
                worker: { heartbeat: 200ms, lease: 3s }
                handlers:
                  nap: { sleep: 1h }
                  none: { noop: {} }
                  long: { command: [/bin/sh, -c, 'echo $$ > "$0"; exec sleep 3600', "\(mark.path)"] }
                """)
            let environment = ["DATABASE_URL": database.url]
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path, "--concurrency", "2"], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            var ids: [String] = []
            for kind in ["nap", "long"] {
                ids.append(
                    try await TasqProgram.run("enqueue", kind, environment: environment).output)
            }
            try await eventually("both jobs run") {
                let running = try await database.execute("SELECT count(*) FROM tasq.executing_job")
                let process = try String(contentsOfFile: mark.path, encoding: .utf8)
                return running == "2" && process.hasSuffix("\n")
            }
            let child = try #require(
                Int32(
                    try String(contentsOfFile: mark.path, encoding: .utf8)
                        .trimmingCharacters(in: .whitespacesAndNewlines)))
            let run = try await TasqProgram.run(
                "jobs", "cancel", ids[0], ids[1], environment: environment)
            #expect(run.output.contains("\(ids[0]) cancelled (was executing)"), "\(run.errors)")
            try await eventually("the command's process is gone") { kill(child, 0) != 0 }
            try await eventually("both slots are free again") {
                worker.standardError.split(separator: "\n").count {
                    $0.contains("a running job was cancelled")
                } == 2
            }
            let next = try await TasqProgram.run("enqueue", "none", environment: environment)
            try await eventually("the next job is tried") {
                try await database.execute(
                    "SELECT attempt FROM tasq.job WHERE id = '\(next.output)'") == "1"
            }
            let statuses = try await database.execute(
                "SELECT status, count(*) FROM tasq.job WHERE kind <> 'none' GROUP BY 1")
            #expect(statuses == "cancelled|2")
            worker.signal(SIGTERM)
            #expect(try await worker.wait() == .code(0))
            let left = try await database.execute(
                "SELECT status, count(*) FROM tasq.job WHERE kind <> 'none' GROUP BY 1")
            #expect(left == "cancelled|2")
        }
    }
}
