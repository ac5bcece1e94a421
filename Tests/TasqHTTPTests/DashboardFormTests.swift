import NIOHTTP1
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// What the pages for people change, and who may.
@Suite(.medium)
struct DashboardFormTests {
    private static func tokens() throws -> [AdminToken] {
        [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
            try AdminToken("other", role: .operate),
        ]
    }

    @Test func `A job is retried, cancelled and deleted from its page, each time asked first`()
        async throws
    {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let id = try await stack.enqueue(#"{"kind":"noop","delay":"1h"}"#)
            func status() async throws -> String {
                try await database.execute("SELECT status FROM tasq.job WHERE id = '\(id)'")
            }
            let page = try await browser.get("/jobs/\(id)").text
            for action in ["retry", "cancel", "delete"] {
                #expect(page.contains("href=\"/jobs/\(id)/\(action)\""), "\(page)")
                let asked = try await browser.get("/jobs/\(id)/\(action)")
                #expect(asked.status == 200 && asked.text.contains("noop"), "\(asked.text)")
            }
            #expect(try await status() == "scheduled", "nothing is done by looking")

            let retried = try await browser.confirm("/jobs/\(id)/retry")
            #expect(retried.status == 200 && retried.text.contains("The job is queued."))
            #expect(try await status() == "queued")
            #expect(!retried.text.contains("/jobs/\(id)/retry"), "there is nothing to retry")
            let cancelled = try await browser.confirm("/jobs/\(id)/cancel")
            #expect(cancelled.text.contains("The job is cancelled."))
            #expect(try await status() == "cancelled")
            let deleted = try await browser.confirm("/jobs/\(id)/delete")
            #expect(deleted.status == 200 && deleted.text.contains("The job is deleted."))
            #expect(try await status() == "")
        }
    }

    @Test func `What a job's status forbids is said on a page, and nothing is done`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            let asked = try await browser.get("/jobs/\(id)/cancel")
            try await stack.end("success", "{}")
            let sent = try await browser.send(asked)
            for answer in [sent, try await browser.get("/jobs/\(id)/cancel")] {
                #expect(answer.status == 409)
                #expect(answer["content-type"] == "text/html; charset=utf-8")
                #expect(answer.text.contains("the job is success"), "\(answer.text)")
            }
            let rows = try await database.execute("SELECT status FROM tasq.job")
            #expect(rows == "success")
            for path in ["/jobs/x/retry", "/jobs/\(JobID())/retry", "/events/\(id)/replay"] {
                let missing = try await browser.get(path)
                #expect(missing.status == 404, "\(path)")
                #expect(missing["content-type"] == "text/html; charset=utf-8", "\(path)")
            }
        }
    }

    @Test func `A queue is paused and resumed, whatever it is called`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            for queue in ["q", ".."] {
                _ = try await stack.enqueue(#"{"kind":"noop","queue":"\#(queue)"}"#)
                for (word, isPaused, said) in [
                    ("pause", "t", "The queue is paused."), ("resume", "f", "The queue is open"),
                ] {
                    let path = "/queues/\(word)?queue=\(queue)"
                    #expect(try await browser.get("/queues").text.contains("href=\"\(path)\""))
                    let page = try await browser.confirm(path)
                    #expect(page.status == 200 && page.text.contains(said), "\(page.text)")
                    let paused = try await database.execute(
                        "SELECT paused FROM tasq.queue_setting WHERE queue = '\(queue)'")
                    #expect(paused == isPaused, "\(queue)")
                }
            }
            for path in ["/queues/pause?queue=none", "/queues/resume?queue=none", "/queues/pause"] {
                #expect(try await browser.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `A schedule is shown, paused and resumed`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let put = try await stack.ask(
                "PUT", "/v1/schedules/nightly", #"{"cron": "30 2 1 1 *", "kind": "report"}"#)
            #expect(put.status == 200)
            let page = try await browser.get("/schedules")
            // The next five.
            #expect(page.text.components(of: "-01-01 02:30:00") == 5, "\(page.text)")
            for (word, isPaused) in [("pause", "t"), ("resume", "f")] {
                let path = "/schedules/\(word)?schedule=nightly"
                #expect(try await browser.get("/schedules").text.contains("href=\"\(path)\""))
                let asked = try await browser.get(path)
                #expect(asked.text.components(of: "-01-01T02:30:00Z<") == 5, "\(asked.text)")
                #expect(try await browser.confirm(path).status == 200)
                let paused = try await database.execute("SELECT paused FROM tasq.schedule")
                #expect(paused == isPaused)
            }
            for path in ["/schedules/pause?schedule=none", "/schedules/resume"] {
                #expect(try await browser.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `A schedule is edited on a page that shows its next ticks first`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let body =
                #"{"cron": "@daily", "kind": "k", "jitter": "5s", "payload": {"at": "{tick}"}}"#
            #expect(try await stack.ask("PUT", "/v1/schedules/s", body).status == 200)
            let row = """
                SELECT cron, zone, clock_change, missed, jitter_us, convert_from(payload, 'UTF8')
                FROM tasq.schedule
                """
            let path = "/schedules/edit?schedule=s"
            #expect(try await browser.get("/schedules").text.contains("href=\"\(path)\""))
            let plain = try await browser.get(path)
            #expect(plain.text.contains("name=\"cron\" value=\"@daily\""), "\(plain.text)")
            let asked = try await browser.get(
                path + "&cron=30+2+1+1+*&zone=Asia%2FTokyo&clock_change=twice&missed=all")
            #expect(asked.text.components(of: "-01-01T02:30:00+09:00<") == 5, "\(asked.text)")
            for (text, word) in [
                ("&cron=61+*+*+*+*", "minute"), ("&cron=0+0+31+2+*", "never"),
                ("&zone=Nowhere/Atlantis", "zone"),
            ] {
                let page = try await browser.get(path + text)
                #expect(page.status == 200 && page.askingForm == nil, "\(text)")
                #expect(page.text.contains("class=\"error\"") && page.text.contains(word))
            }
            #expect(try await browser.get(path + "&missed=some").status == 400)
            let form = try #require(plain.askingForm)
            let bad = form.body.replacing("%40daily", with: "61")
            let refused = try await browser.post(form.target, bad, from: browser.origin)
            #expect(refused.status == 400 && refused.text.contains("five fields"))
            let before = try await database.execute(row)
            #expect(before == #"@daily|UTC|once|latest|5000000|{"at": "{tick}"}"#)
            let saved = try await browser.send(asked)
            #expect(saved.status == 303 && saved["location"] == "/schedules", "\(saved.text)")
            let after = try await database.execute(row)
            #expect(after == #"30 2 1 1 *|Asia/Tokyo|twice|all|5000000|{"at": "{tick}"}"#)
            for path in ["/schedules/edit?schedule=none", "/schedules/edit"] {
                #expect(try await browser.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `An event is replayed from its page, which then shows the new job`() async throws {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let delivered = try await stack.deliver(Array("{}".utf8))
            let id = try #require(member("id", of: delivered.text))
            let before = try await browser.get("/events/\(id)").text
            #expect(before.contains("href=\"/events/\(id)/replay\""))
            let page = try await browser.confirm("/events/\(id)/replay")
            #expect(page.text.contains("The event is replayed."), "\(page.text)")
            let rows = try await database.execute(
                "SELECT id FROM tasq.job WHERE payload_id = '\(id)'")
            let jobs = rows.split(separator: "\n")
            #expect(jobs.count == 2)
            for job in jobs { #expect(page.text.contains("/jobs/\(job)")) }
            try await database.execute("DELETE FROM tasq.job")
            let nothing = try await browser.send(browser.get("/events/\(id)/replay"))
            #expect(nothing.status == 409 && nothing.text.contains("no job left"))
        }
    }

    @Test func `Who may only read is shown no form and no way to one`() async throws {
        try await Stack.with(tokens: Self.tokens()) { stack, _ in
            let bearer = ["Authorization: Bearer operator"]
            let made = try await stack.ask("POST", "/v1/jobs", #"{"kind":"noop"}"#, headers: bearer)
            let id = try #require(member("id", of: made.text))
            let delivered = try await stack.deliver(Array("{}".utf8))
            let event = try #require(member("id", of: delivered.text))
            let reader = try await Browser(stack, loggedInWith: "reader")
            let person = try await Browser(stack, loggedInWith: "operator")
            for path in ["/", "/jobs", "/jobs/\(id)", "/queues", "/events/\(event)"] {
                let page = try await reader.get(path)
                #expect(page.status == 200 && page.askingForm == nil, "\(path)")
                #expect(!page.text.contains("class=\"button\""), "\(path): \(page.text)")
                let same = try await person.get(path).text
                #expect(same.contains("class=\"button\""), "\(path): \(same)")
            }
        }
    }

    @Test func `Every form refuses whoever may not send it, and does nothing`() async throws {
        try await Stack.with(tokens: Self.tokens()) { stack, database in
            let bearer = ["Authorization: Bearer operator"]
            let made = try await stack.ask("POST", "/v1/jobs", #"{"kind":"noop"}"#, headers: bearer)
            let id = try #require(member("id", of: made.text))
            let person = try await Browser(stack, loggedInWith: "operator")
            let other = try await Browser(stack, loggedInWith: "other")
            let reader = try await Browser(stack, loggedInWith: "reader")
            let own = try await code(of: person)
            let foreign = try await code(of: other)
            #expect(own != foreign)
            let wrong = "\(own.dropLast())\(own.last == "0" ? "1" : "0")"
            let forms = try adminRoutes().filter { route in
                let path = route.path.joined(separator: "/")
                return route.method == "POST" && !path.hasPrefix("/v1/") && !path.hasPrefix("/log")
            }
            #expect(forms.count >= 6)
            for route in forms {
                let path = route.path.map { $0.first == "{" ? id : String($0) }
                    .joined(separator: "/")
                let out = try await Browser(stack).post(path, "code=\(own)", from: person.origin)
                #expect(out.status == 303 && out["location"] == "/login", "\(path)")
                for (browser, code, origin, said) in [
                    (reader, own, person.origin, "role does not allow this"),
                    (person, own, "Origin: http://evil.example", "other sites"),
                    (person, own, "Origin: null", "other sites"),
                    (person, own, nil, "other sites"),
                    (person, "", person.origin, "not one of this session"),
                    (person, wrong, person.origin, "not one of this session"),
                    (person, foreign, person.origin, "not one of this session"),
                ] as [(Browser, String, String?, String)] {
                    let body = "queue=default&code=\(code)"
                    let fields = path.hasPrefix("/queues/") ? body : "code=\(code)"
                    let answer = try await browser.post(path, fields, from: origin)
                    #expect(answer.status == 403, "\(path): \(said)")
                    #expect(answer.text.contains(said), "\(path): \(answer.text)")
                }
            }
            let rows = try await database.execute(
                """
                SELECT status, (SELECT count(*) FROM tasq.queue_setting),
                    (SELECT count(*) FROM tasq.bulk)
                FROM tasq.job
                """)
            #expect(rows == "queued|0|0")
        }
    }

    @Test func `Without tokens, too, a form wants its page's code, and comes to this computer`()
        async throws
    {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            let path = "/jobs/\(id)/cancel"
            let asked = try await browser.get(path)
            let form = try #require(asked.askingForm)
            for body in ["", "code=", "code=\(String(repeating: "0", count: 64))"] {
                let answer = try await browser.post(path, body, from: browser.origin)
                #expect(answer.status == 403, "\(body)")
                #expect(answer.text.contains("not one of this session"), "\(answer.text)")
            }
            let metrics = try await stack.ask("GET", "/metrics").text
            #expect(metrics.contains(#"tasq_http_rejected_total{reason="stale-form"} 3"#))
            let bare = try await browser.post(path, form.body, from: nil)
            #expect(bare.status == 403 && bare.text.contains("other sites"), "\(bare.text)")
            // A name of somebody else's, which for a moment leads here.
            for head in ["GET \(path)", "POST \(path)", "GET /jobs/\(id)/payload"] {
                let request =
                    "\(head) HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
                    + "Connection: close\r\nContent-Length: \(form.body.utf8.count)\r\n\r\n"
                    + form.body
                let said = try await RawConnection.exchange(
                    with: stack.admin, Array(request.utf8))
                #expect(said.hasPrefix("HTTP/1.1 403 "), "\(head): \(said)")
                #expect(!said.contains("noop"), "\(head): \(said)")
            }
            #expect(try await database.execute("SELECT status FROM tasq.job") == "queued")
            #expect(try await browser.send(asked).status == 303)
        }
    }

    @Test func `A code is good at every server with the same tokens, and at no other`() throws {
        let head = try RequestHead(
            HTTPRequestHead(
                version: .http1_1, method: .GET, uri: "/",
                headers: ["Host": "a", "Cookie": "tasq_session=1.00"]), id: RequestID())
        let tokens = try Self.tokens()
        let code = FormCode(tokens: tokens).text(for: head)
        let turned = FormCode(tokens: Array(tokens.reversed())).text(for: head)
        let fewer = FormCode(tokens: Array(tokens.dropLast())).text(for: head)
        #expect(code.utf8.count == 64 && turned == code && fewer != code)
        // Without any, each server has a secret of its own.
        let (one, other) = (FormCode(tokens: []), FormCode(tokens: []))
        #expect(one.text(for: head) == one.text(for: head))
        #expect(one.text(for: head) != other.text(for: head))
    }

    /// The code of a session's forms.
    private func code(of browser: Browser) async throws -> String {
        let form = try await browser.get("/queues/pause?queue=default").askingForm
        let body = try #require(form).body
        return String(body.split(separator: "code=").last ?? "")
    }

    @Test func `A page lets a browser say where its forms come from`() async throws {
        try await Stack.with { stack, _ in
            for path in ["/", "/login"] {
                // With `no-referrer` browsers send the origin `null`, and no form would be taken.
                let page = try await stack.ask("GET", path)
                #expect(page["referrer-policy"] == "same-origin", "\(path)")
                // No other site's page shows it, whole or in parts.
                #expect(page["x-frame-options"] == "DENY", "\(path)")
                #expect(page["cross-origin-resource-policy"] == "same-origin", "\(path)")
                #expect(page["cache-control"] == "no-store", "\(path)")
            }
        }
    }

    @Test func `The line that tells what was done is one of a few, whatever the address says`()
        async throws
    {
        try await Stack.with { stack, _ in
            let page = try await Browser(stack).get("/jobs?done=%3Cb%3Ehello")
            #expect(page.status == 200 && !page.text.contains("hello"))
            #expect(!page.text.contains("role=\"status\""))
        }
    }
}
