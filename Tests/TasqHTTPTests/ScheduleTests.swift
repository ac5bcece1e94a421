import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// `/v1/schedules`.
@Suite(.medium) struct ScheduleTests {
    private func put(
        _ stack: Stack, _ name: String, _ body: String
    ) async throws -> RawAnswer {
        try await stack.ask("PUT", "/v1/schedules/\(name)", body)
    }

    @Test func `A schedule is put in, listed, paused, resumed, run and deleted`() async throws {
        try await Stack.with { stack, database in
            let made = try await put(
                stack, "nightly",
                #"""
                {"cron": "30 2 * * MON-FRI", "zone": "Europe/Berlin", "kind": "report",
                 "jitter": "5s", "payload": {"at": "{tick}"}}
                """#)
            #expect(made.status == 200, "\(made.text)")
            for part in [
                #""name":"nightly","cron":"30 2 * * MON-FRI","zone":"Europe/Berlin""#,
                #""clock_change":"once","missed":"latest","jitter":"5s","start":null,"end":null"#,
                #""kind":"report","queue":"default","priority":1,"max_attempts":20,"key":null"#,
                #""paused":false,"configured":false,"last_tick":null,"problem":null,"next":["20"#,
            ] {
                #expect(made.text.contains(part), "\(made.text)")
            }
            let list = try await stack.ask("GET", "/v1/schedules")
            #expect(list.status == 200 && list.text.hasPrefix(#"{"schedules":[{"name":"nightly""#))
            let paused = try await stack.ask("POST", "/v1/schedules/nightly/pause")
            #expect(paused.status == 200 && paused.text.contains(#""paused":true"#))
            let shown = try await stack.ask("GET", "/v1/schedules/nightly")
            #expect(shown.status == 200 && shown.text == paused.text, "\(shown.text)")
            #expect(shown.text.hasSuffix(#","payload":{"at": "{tick}"}}"#), "\(shown.text)")
            #expect(!list.text.contains("payload"), "of very many, that would be much")
            let run = try await stack.ask("POST", "/v1/schedules/nightly/run")
            #expect(run.status == 201 && run.text.hasPrefix(#"{"id":""#), "\(run.text)")
            #expect(
                try await database.execute(
                    """
                    SELECT j.kind, t.schedule
                    FROM tasq.job j JOIN tasq.schedule_tick t ON t.job_id = j.id
                    """) == "report|nightly")
            let resumed = try await stack.ask("POST", "/v1/schedules/nightly/resume")
            #expect(resumed.text.contains(#""paused":false"#), "\(resumed.text)")
            for answer in [made, paused, resumed] {
                #expect(answer.text.components(of: ":30:00.000Z") == 5, "five ticks, in UTC")
                #expect(answer.text.components(of: "T02:30:00+0") == 5, "and in Berlin")
            }
            #expect(try await stack.ask("DELETE", "/v1/schedules/nightly").status == 204)
            #expect(try await stack.ask("GET", "/v1/schedules").text == #"{"schedules":[]}"#)
        }
    }

    @Test func `A schedule tells when it would tick, and how it may be read, before it is put in`()
        async throws
    {
        try await Stack.with { stack, database in
            let asked = try await put(
                stack, "s", #"{"cron": "0 0 */2 * 1", "kind": "a", "dry_run": true}"#)
            #expect(asked.status == 200, "\(asked.text)")
            #expect(asked.text.components(of: "T00:00:00.000Z") == 5, "\(asked.text)")
            #expect(asked.text.contains(#""remarks":["A day must match both"#), "\(asked.text)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.schedule") == "0")
            // What is there stays, and tells whether it would be paused.
            _ = try await put(stack, "s", #"{"cron": "@daily", "kind": "a"}"#)
            _ = try await stack.ask("POST", "/v1/schedules/s/pause")
            let other = try await put(
                stack, "s",
                #"{"cron": "30 2 * * *", "zone": "Asia/Tokyo", "kind": "a", "dry_run": true}"#)
            #expect(other.text.contains(#""paused":true"#), "\(other.text)")
            #expect(other.text.components(of: "T02:30:00+09:00") == 5, "\(other.text)")
            #expect(other.text.contains(#""remarks":[]"#), "\(other.text)")
            #expect(try await database.execute("SELECT cron FROM tasq.schedule") == "@daily")
            // JSON it becomes only with the time in it.
            try await database.execute(
                "UPDATE tasq.schedule SET payload = convert_to('{\"at\":{tick_unix}}', 'UTF8')")
            let shown = try await stack.ask("GET", "/v1/schedules/s").text
            #expect(shown.contains(#""payload_text":"{\"at\":{tick_unix}}""#), "\(shown)")
        }
    }

    @Test func `What makes no sense is refused by the member, and what is not there is not found`()
        async throws
    {
        try await Stack.with { stack, database in
            for (body, word) in [
                (#"{"kind": "a"}"#, "cron"), (#"{"cron": "@daily"}"#, "kind"),
                (#"{"cron": "61 * * * *", "kind": "a"}"#, "minute"),
                (#"{"cron": "0 0 31 2 *", "kind": "a"}"#, "never"),
                (#"{"cron": "0 0 * * 5L", "kind": "a"}"#, "FRIL"),
                (#"{"cron": "@daily", "kind": "a", "zone": "Nowhere/Atlantis"}"#, "zone"),
                (#"{"cron": "@daily", "kind": "a", "end": "2001-01-01T00:00:00Z"}"#, "end"),
                (#"{"cron": "@daily", "kind": "a", "clock_change": "thrice"}"#, "clock_change"),
                (#"{"cron": "@daily", "kind": "a", "missed": "some"}"#, "missed"),
                (#"{"cron": "@daily", "kind": "a", "jitter": "2d"}"#, "jitter"),
                (#"{"cron": "@daily", "kind": "a", "every": 5}"#, "members"),
                (#"{"cron": 5, "kind": "a"}"#, "cron"), ("[]", "object"), ("{", "JSON"),
                (#"{"cron": "@daily", "kind": "a", "dry_run": 1}"#, "dry_run"),
                (#"{"cron": "61 * * * *", "kind": "a", "dry_run": true}"#, "minute"),
            ] {
                let answer = try await put(stack, "s", body)
                #expect(answer.status == 400 && answer.text.contains(word), "\(answer.text)")
            }
            let named = try await put(stack, "a%20b", #"{"cron": "@daily", "kind": "a"}"#)
            #expect(named.status == 400)
            #expect(try await database.execute("SELECT count(*) FROM tasq.schedule") == "0")
            for (method, path) in [
                ("GET", "/v1/schedules/none"), ("DELETE", "/v1/schedules/none"),
                ("POST", "/v1/schedules/none/pause"),
                ("POST", "/v1/schedules/none/resume"), ("POST", "/v1/schedules/none/run"),
            ] {
                #expect(try await stack.ask(method, path).status == 404)
            }
        }
    }
}
