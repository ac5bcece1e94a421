import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The page of one job.
@Suite(.medium)
struct DashboardJobTests {
    @Test func `A payload is shown in lines, and downloaded byte for byte`() async throws {
        try await Stack.with { stack, _ in
            let body = #"{ "a":[1,  {"b":"<script>x</script> \" }"}],"c":{} }"#
            let id = try await stack.enqueue(#"{"kind":"noop","payload":\#(body)}"#)
            let page = try await stack.ask("GET", "/jobs/\(id)").text
            let lines = """
                {
                  "a": [
                    1,
                    {
                      "b": "<script>x</script> \\" }"
                    }
                  ],
                  "c": {}
                }</pre>
                """
            let shown = escaped(String(lines.dropLast("</pre>".count))) + "</pre>"
            #expect(page.contains(">\(shown)"), "\(page)")
            #expect(page.contains("\(body.utf8.count) bytes of"), "\(page)")
            let raw = try await stack.ask("GET", "/jobs/\(id)/payload")
            #expect(raw.status == 200 && raw.body == Array(body.utf8))
            #expect(raw["content-disposition"]?.hasPrefix("attachment") == true)
            #expect(raw["content-security-policy"]?.contains("sandbox") == true)
            for path in ["/jobs/x/payload", "/jobs/\(JobID())/payload"] {
                #expect(try await stack.ask("GET", path).status == 404, "\(path)")
            }
        }
        let tokens = [try AdminToken("reader", role: .read)]
        try await Stack.with(tokens: tokens) { stack, _ in
            let nobody = try await stack.ask("GET", "/jobs/\(JobID())/payload")
            #expect(nobody.status == 303 && nobody["location"] == "/login")
        }
    }

    @Test func `Of a large payload the beginning is shown, of one that is no text nothing`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            // Cut at 65 536 bytes, in the middle of a character.
            try await database.execute(
                "UPDATE tasq.payload SET body = convert_to('x' || repeat('ä', 16777215), 'UTF8')")
            let large = try await stack.ask("GET", "/jobs/\(id)")
            #expect(large.status == 200 && large.body.count < 100_000)
            #expect(large.text.contains("33554431 bytes of"), "\(large.text.prefix(3000))")
            #expect(large.text.contains("of which the beginning is shown"))
            #expect(large.text.contains("ä\n…</pre>"))
            let head = try await stack.ask("HEAD", "/jobs/\(id)/payload")
            #expect(head["content-length"] == "33554431")
            // Brackets only: the lines would be many times as long as the body.
            try await database.execute(
                "UPDATE tasq.payload SET body = convert_to(repeat('[', 60000), 'UTF8')")
            let deep = try await stack.ask("GET", "/jobs/\(id)")
            #expect(deep.status == 200 && deep.body.count < 400_000)
            try await database.execute("UPDATE tasq.payload SET body = '\\x00ff'")
            let binary = try await stack.ask("GET", "/jobs/\(id)").text
            #expect(binary.contains("It is not text.") && binary.contains("2 bytes of"))
            try await database.execute("DELETE FROM tasq.payload")
            let gone = try await stack.ask("GET", "/jobs/\(id)")
            #expect(gone.status == 200 && gone.text.contains("It is not stored any more."))
        }
    }

    @Test func `Every attempt is shown, the one that succeeded too, and where one runs`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            try await stack.end("fail", #"{"error":"no luck"}"#)
            try await database.execute("UPDATE tasq.job SET status = 'queued', run_at = now()")
            let worker = WorkerRecord(
                host: "host-7", processID: 4711, queues: [.defaultQueue], concurrency: 1,
                version: "test", heartbeat: .seconds(2), lease: .seconds(15))
            try await stack.store.register(worker)
            let claimed = try await stack.store.sweep(
                upTo: 1, for: worker.id, from: worker.queues)
            #expect(claimed.jobs.count == 1)
            func cells() async throws -> String {
                let page = try await stack.ask("GET", "/jobs/\(id)").text
                let start = try #require(page.firstRange(of: "<h2>Attempts</h2>"))
                let end = try #require(page.firstRange(of: "<h2>Payload</h2>"))
                return String(page[start.upperBound..<end.lowerBound])
            }
            let running = try await cells()
            #expect(running.contains("no luck") && running.contains(">executing</span>"))
            #expect(running.contains(">host-7 4711</td>"), "\(running)")
            try await database.execute(
                """
                DELETE FROM tasq.executing_job;
                UPDATE tasq.job SET status = 'success', claimed_at = now() - interval '90 s', finished_at = now()
                """)
            let done = try await cells()
            #expect(done.contains(">retry</span>") && done.contains(">success</span>"), "\(done)")
            #expect(done.contains("data-label=\"Took\">90 s</td>"), "\(done)")
        }
    }

    @Test func `A webhook's job shows its headers but no secret, its event and the other jobs`()
        async throws
    {
        try await Stack.with { stack, database in
            let delivered = try await stack.deliver(Array("{}".utf8))
            let event = try #require(member("id", of: delivered.text))
            let replayed = try await stack.ask("POST", "/v1/events/\(event)/replay")
            #expect(replayed.status == 202)
            try await database.execute(
                "UPDATE tasq.payload SET headers = headers || 'x-api-token: hunter2'::bytea")
            let rows = try await database.execute("SELECT id FROM tasq.job ORDER BY id")
            let jobs = rows.split(separator: "\n")
            #expect(jobs.count == 2)
            for (job, other) in zip(jobs, jobs.reversed()) {
                let page = try await stack.ask("GET", "/jobs/\(job)").text
                for part in [
                    "<dt>x-github-event</dt><dd>push</dd>", "<dt>x-api-token</dt><dd>***</dd>",
                    "href=\"/events/\(event)\"", "<a href=\"/jobs/\(other)\">",
                ] {
                    #expect(page.contains(part), "\(part): \(page)")
                }
                #expect(!page.contains("hunter2"))
            }
        }
    }

    @Test(arguments: [
        ("", ""), ("{}", "{}"), ("[ ]", "[]"), ("[[],[1]]", "[\n  [],\n  [\n    1\n  ]\n]"),
        (#"{"a":"{[,:]} \\","b" : -1.5e3}"#, "{\n  \"a\": \"{[,:]} \\\\\",\n  \"b\": -1.5e3\n}"),
        (#"{"a":"cut of"#, "{\n  \"a\": \"cut of"), ("}}", "\n}\n}"),
        ("[no  json at\nall]", "[\n  no json at all\n]"),
    ])
    func `Lines change nothing but blanks`(json: String, lines: String) {
        let pretty = PrettyJSON.lines(of: json.utf8, limit: 1000)
        #expect(String(decoding: pretty.text, as: UTF8.self) == lines && !pretty.isCut)
        let cut = PrettyJSON.lines(of: json.utf8, limit: 3)
        #expect(cut.text.count < 100 && cut.isCut == (pretty.text.count > 3 && json.count > 2))
    }
}
