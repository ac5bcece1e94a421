import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// How people find jobs and events on the pages.
@Suite(.medium)
struct DashboardFindTests {
    @Test func `An id leads to its job or its event, whatever blanks stand around it`()
        async throws
    {
        try await Stack.with { stack, _ in
            let job = try await stack.enqueue(#"{"kind":"noop"}"#)
            let delivered = try await stack.deliver(Array("{}".utf8))
            let event = try #require(member("id", of: delivered.text))
            let list = try await stack.ask("GET", "/jobs").text
            #expect(list.contains("method=\"get\" action=\"/find\""), "\(list)")
            for (text, place) in [
                (job, "/jobs/\(job)"), ("%20\(job.uppercased())%0D%0A", "/jobs/\(job)"),
                (event, "/events/\(event)"),
            ] {
                let answer = try await stack.ask("GET", "/find?id=\(text)")
                #expect(answer.status == 303 && answer["location"] == place, "\(answer.text)")
            }
            for (text, status, said) in [
                ("", 400, "id must be a UUID"), ("%3Cscript%3E", 400, "id must be a UUID"),
                (JobID().description, 404, "no job and no event has this id"),
            ] {
                let answer = try await stack.ask("GET", "/find?id=\(text)")
                #expect(answer.status == status && answer.text.contains(said), "\(answer.text)")
                #expect(answer["content-type"] == "text/html; charset=utf-8", "\(text)")
                #expect(!answer.text.contains("<script>"), "\(answer.text)")
            }
        }
        let tokens = [try AdminToken("reader", role: .read)]
        try await Stack.with(tokens: tokens) { stack, _ in
            let nobody = try await stack.ask("GET", "/find?id=\(JobID())")
            #expect(nobody.status == 303 && nobody["location"] == "/login")
        }
    }

    @Test func `A span of time is asked for by fields or a link, and kept as it was written`()
        async throws
    {
        try await Stack.with { stack, database in
            let new = try await stack.enqueue(#"{"kind":"noop"}"#)
            func time(secondsAgo: Int64) -> Timestamp {
                Timestamp(microseconds: Timestamp.now.microseconds - secondsAgo * 1_000_000)
            }
            let old = JobID(firstAt: time(secondsAgo: 10_800))
            try await database.execute(
                """
                INSERT INTO tasq.job (id, payload_id, queue, kind, status, priority, max_attempts,
                    run_at, enqueued_at)
                VALUES ('\(old)', gen_random_uuid(), 'default', 'noop', 'queued', 1, 3, now(),
                    now() - interval '3 hours')
                """)
            func ids(_ query: String) async throws -> [Bool] {
                let page = try await stack.ask("GET", query).text
                return [new, old.description].map { page.contains("href=\"/jobs/\($0)\"") }
            }
            let border = time(secondsAgo: 5400)
            #expect(try await ids("/jobs") == [true, true])
            #expect(try await ids("/jobs?since=\(border)") == [true, false])
            #expect(try await ids("/jobs?until=\(border)&status=queued") == [false, true])
            #expect(try await ids("/jobs?since=\(border)&until=\(border)") == [false, false])

            let page = try await stack.ask("GET", "/jobs?queue=default").text
            let match = page.firstMatch(of: /<a href="([^"]+)">1 h<\/a>/)
            let narrow = String(try #require(match).output.1).replacing("&amp;", with: "&")
            #expect(narrow.hasPrefix("/jobs?queue=default&since="), "\(narrow)")
            #expect(try await ids(narrow) == [true, false])
            let there = try await stack.ask("GET", narrow).text
            #expect(there.contains("<a href=\"/jobs?queue=default\">any time</a>"), "\(there)")
            #expect(!page.contains(">any time</a>"), "\(page)")
            for text in [
                "2020-01-01T00:00:00.123456Z", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
            ] {
                let page = try await stack.ask("GET", "/jobs?status=error&until=\(text)").text
                #expect(page.contains("name=\"until\" value=\"\(text)\""), "\(page)")
                // Tabs and actions keep to it.
                #expect(page.contains("<a href=\"/jobs?until=\(text)\""), "\(page)")
            }
        }
    }

    @Test(arguments: ["/jobs", "/events"])
    func `A cursor that no list has given is told, and not taken for the first page`(
        path: String
    ) async throws {
        try await Stack.with { stack, _ in
            _ = try await stack.enqueue(#"{"kind":"noop"}"#)
            for cursor in [
                "x", "%3Cscript%3E", "\(JobID()).5", String(repeating: "9", count: 500),
            ] {
                let answer = try await stack.ask("GET", "\(path)?cursor=\(cursor)")
                let said = "cursor must be one that this list has given"
                #expect(answer.status == 400 && answer.text.contains(said), "\(answer.text)")
                #expect(answer["content-type"] == "text/html; charset=utf-8")
                #expect(!answer.text.contains("<script>"), "\(answer.text)")
            }
            #expect(try await stack.ask("GET", "\(path)?cursor=\(JobID())").status == 200)
            // What was left empty was not given.
            #expect(try await stack.ask("GET", "\(path)?cursor=").status == 200)
        }
    }

    @Test func `A reason keeps its lines on the page of its job`() async throws {
        try await Stack.with { stack, _ in
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            try await stack.end("fail", #"{"error":"line one\n  <b>line two</b>"}"#)
            let page = try await stack.ask("GET", "/jobs/\(id)").text
            let reason = "<span class=\"reason\">line one\n  &lt;b&gt;line two&lt;/b&gt;</span>"
            // Of the job and of its attempt.
            #expect(page.components(of: reason) == 2, "\(page)")
            let style = try await stack.ask("GET", "/dashboard.css").text
            #expect(style.contains(".reason { white-space: pre-wrap; }"), "\(style)")
        }
    }
}
