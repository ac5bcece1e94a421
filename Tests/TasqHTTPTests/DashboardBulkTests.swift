import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// What the pages for people do with all jobs that match.
@Suite(.medium)
struct DashboardBulkTests {
    private func fill(_ stack: Stack, _ count: Int, _ job: String) async throws {
        let jobs = Array(repeating: job, count: count).joined(separator: ",")
        let answer = try await stack.ask("POST", "/v1/jobs", "[\(jobs)]")
        #expect(answer.status == 201, "\(answer.text)")
    }

    /// The page of a bulk action once it has ended.
    private func ended(_ location: String?, in browser: Browser) async throws -> String {
        let path = try #require(location)
        var text = ""
        try await eventually("the bulk action ends") {
            text = try await browser.get(path).text
            return !text.contains("data-state=\"running\"")
        }
        return text
    }

    @Test func `All jobs that match are counted, and cancelled once that is confirmed`()
        async throws
    {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let key = "<b>&'\\\" +"
            try await fill(stack, 12, #"{"kind":"a","queue":"q","key":"\#(key)"}"#)
            try await fill(stack, 3, #"{"kind":"b","queue":"q"}"#)
            let filter = "queue=q&key=%3Cb%3E%26'%22%20%2B"
            let list = try await browser.get("/jobs?\(filter)").text
            let link = "/bulk?action=cancel&\(filter)"
            #expect(list.contains("href=\"\(escaped(link))\""), "\(list)")
            let asked = try await browser.get(link)
            #expect(asked.status == 200 && asked.text.contains("12 jobs match now."))
            #expect(!asked.text.contains("<b>&'"), "\(asked.text)")
            #expect(!asked.text.contains("name=\"all\""), "no box where a queue narrows it")
            let none = try await database.execute("SELECT count(*) FROM tasq.bulk")
            #expect(none == "0", "nothing is entered by counting")
            // What comes after the question was not asked about.
            try await fill(stack, 2, #"{"kind":"late","queue":"q","key":"\#(key)"}"#)

            let sent = try await browser.send(asked)
            #expect(sent.status == 303 && sent["location"]?.hasPrefix("/bulk/") == true)
            let page = try await ended(sent["location"], in: browser)
            #expect(page.contains("data-state=\"done\"") && page.contains("<dd>12</dd>"), "\(page)")
            let rows = try await database.execute(
                "SELECT kind, status, count(*) FROM tasq.job GROUP BY 1, 2 ORDER BY 1")
            #expect(rows == "a|cancelled|12\nb|queued|3\nlate|queued|2")
            // Sent twice, as by an impatient click, it is one and the same.
            let again = try await browser.send(asked)
            #expect(again["location"] == sent["location"])
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "1")
        }
    }

    @Test func `A key that no form carries as it is gets no form`() async throws {
        try await Stack.with { stack, _ in
            let asked = try await Browser(stack).get("/bulk?action=cancel&key=a%0Ab")
            #expect(asked.status == 400 && asked.text.contains("no form carries"), "\(asked.text)")
        }
    }

    @Test(arguments: ["action=delete", "action=delete&status=queued"])
    func `What leaves out no queue and no kind wants a tick in a box`(query: String) async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            try await fill(stack, 2, #"{"kind":"a"}"#)
            let asked = try await browser.get("/bulk?\(query)")
            #expect(asked.text.contains("type=\"checkbox\" name=\"all\""), "\(asked.text)")
            let refused = try await browser.send(asked)
            #expect(refused.status == 400 && refused.text.contains("all must be ticked"))
            #expect(try await database.execute("SELECT count(*) FROM tasq.bulk") == "0")
            let sent = try await browser.send(asked, and: "&all=yes")
            #expect(sent.status == 303, "\(sent.text)")
            _ = try await ended(sent["location"], in: browser)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
        }
    }

    @Test func `A filter is taken to the letter, and sent as it was counted`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            try await fill(stack, 2, #"{"kind":"a","key":"YQ=="}"#)
            try await fill(stack, 3, #"{"kind":"a"}"#)
            // A value that ends with the sign is one, and a time is told to the microsecond.
            let filter = "key=YQ==&since=2020-01-01T00:00:00.123456Z&queue="
            let asked = try await browser.get("/bulk?action=cancel&\(filter)")
            #expect(asked.text.contains("2 jobs match now."), "\(asked.text)")
            let form = try #require(asked.askingForm)
            #expect(form.body.contains("&key=YQ%3d%3d&"), "\(form.body)")
            #expect(form.body.contains("&since=2020-01-01T00%3a00%3a00%2e123456Z&"))
            let sent = try await browser.send(asked)
            _ = try await ended(sent["location"], in: browser)
            let rows = try await database.execute(
                "SELECT status, count(*) FROM tasq.job GROUP BY 1 ORDER BY 2")
            #expect(rows == "cancelled|2\nqueued|3")
        }
    }

    @Test func `What is tried again, and what failed with a text, is taken as it is listed`()
        async throws
    {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            for error in ["connection <refused>", "timeout"] {
                _ = try await stack.enqueue(#"{"kind":"a"}"#)
                try await stack.end("fail", #"{"delay":"1h","error":"\#(error)"}"#)
                _ = try await stack.enqueue(#"{"kind":"a"}"#)
                try await stack.end("fail", #"{"retry":false,"error":"\#(error)"}"#)
            }
            _ = try await stack.enqueue(#"{"kind":"a","delay":"1h"}"#)
            for (query, count, rows) in [
                ("action=retry&kind=a&reason=%3CREFUSED%3E", "1 job matches now.", "1|1|1"),
                ("action=retry&kind=a&retrying=true", "2 jobs match now.", "3|1|1"),
            ] {
                let asked = try await browser.get("/bulk?\(query)")
                #expect(asked.text.contains(count), "\(asked.text)")
                #expect(!asked.text.contains("<REFUSED>"))
                let page = try await ended(browser.send(asked)["location"], in: browser)
                #expect(page.contains("data-state=\"done\""), "\(page)")
                let found = try await database.execute(
                    """
                    SELECT count(*) FILTER (WHERE status = 'queued'),
                        count(*) FILTER (WHERE status = 'scheduled' AND attempt = 0),
                        count(*) FILTER (WHERE status = 'error')
                    FROM tasq.job
                    """)
                #expect(found == rows)
            }
        }
    }

    @Test func `A long history is counted as far as a bound, and the count says so`() async throws {
        try await Stack.with { stack, database in
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'queued', 1, 3, now()
                FROM generate_series(1, 10100)
                """)
            let page = try await Browser(stack).get("/bulk?action=cancel&kind=noop").text
            #expect(page.contains("At least 10000 jobs match."), "\(page)")
            // Nothing found so far is not nothing at all: it may still be asked for.
            let rare = try await Browser(stack).get("/bulk?action=cancel&kind=rare")
            #expect(rare.text.contains("At least 0 jobs match.") && rare.askingForm != nil)
            // Behind a long history, what has not ended is found all the same.
            try await database.execute(
                "UPDATE tasq.job SET status = 'success', finished_at = now()")
            for _ in 0..<3 { _ = try await stack.enqueue(#"{"kind":"rare"}"#) }
            let recent = try await Browser(stack).get("/bulk?action=cancel&kind=rare").text
            #expect(recent.contains("3 jobs match now."), "\(recent)")
        }
    }

    @Test func `What runs is called off from its page`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let id = BulkID()
            // Another server's, which wrote it down a moment ago.
            try await database.execute(
                """
                INSERT INTO tasq.bulk (id, action, kind, dry_run, holder, held_until)
                VALUES ('\(id)', 'cancel', 'a', false, gen_random_uuid(), now() + interval '1 hour')
                """)
            let page = try await browser.get("/bulk/\(id)")
            #expect(page["refresh"] != nil && page.text.contains("data-state=\"running\""))
            #expect(page.askingForm?.target == "/bulk/\(id)/stop")
            let stopped = try await browser.confirm("/bulk/\(id)")
            #expect(stopped["refresh"] == nil && stopped.text.contains("It is called off."))
            let state = try await database.execute("SELECT state FROM tasq.bulk")
            #expect(state == "cancelled")
            try await database.execute("UPDATE tasq.bulk SET state = 'done'")
            let late = try await browser.send(page)
            #expect(late.status == 409 && late.text.contains("it is done"), "\(late.text)")
        }
    }

    @Test func `What cannot be asked for is said, and who may only read cannot ask`() async throws {
        let tokens = [try AdminToken("reader", role: .read)]
        try await Stack.with { stack, _ in
            let browser = Browser(stack)
            for (query, said) in [
                ("", "action must be one of retry, cancel, delete"),
                ("action=explode", "action must be one of"),
                ("action=retry&status=success", "status must be one of error"),
                ("action=retry&status=none", "status must be one of scheduled"),
                ("action=cancel&kind=a%20b", "kind must be"), ("action=cancel&qeueu=q", "unknown"),
                ("action=cancel&running_longer_than=1h", "unknown"),
                ("action=cancel&retrying=true&status=queued", "retrying goes with the status"),
                (
                    "action=cancel&reason=" + String(repeating: "r", count: 2001),
                    "reason must be 1 to 2000 bytes"
                ),
            ] {
                let answer = try await browser.get("/bulk?\(query)")
                #expect(answer.status == 400 && answer.text.contains(said), "\(answer.text)")
            }
            let nothing = try await browser.get("/bulk?action=cancel&kind=none")
            #expect(nothing.text.contains("0 jobs match now.") && nothing.askingForm == nil)
            for path in ["/bulk/x", "/bulk/\(BulkID())"] {
                #expect(try await browser.get(path).status == 404)
            }
        }
        try await Stack.with(tokens: tokens) { stack, database in
            let reader = try await Browser(stack, loggedInWith: "reader")
            #expect(try await reader.get("/bulk?action=cancel&kind=a").status == 403)
            let id = BulkID()
            try await database.execute(
                """
                INSERT INTO tasq.bulk (id, action, kind, dry_run, holder, held_until)
                VALUES ('\(id)', 'cancel', 'a', false, gen_random_uuid(), now() + interval '1 hour')
                """)
            let page = try await reader.get("/bulk/\(id)")
            #expect(page.status == 200 && page.askingForm == nil)
            #expect(!page.text.contains("It only counts."))
            try await database.execute("UPDATE tasq.bulk SET dry_run = true")
            #expect(try await reader.get("/bulk/\(id)").text.contains("It only counts."))
        }
    }
}
