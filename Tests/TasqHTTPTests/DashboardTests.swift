import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The pages for people.
@Suite(.medium)
struct DashboardTests {
    @Test func `Every page is drawn, with a policy that allows nothing inline`() async throws {
        try await Stack.with { stack, _ in
            let id = try await stack.enqueue(#"{"kind":"mail","key":"k"}"#)
            try await stack.end("fail", #"{"error":"no luck"}"#)
            let event = try await stack.deliver(Array("{}".utf8))
            let eventID = try #require(member("id", of: event.text))
            for (path, part) in [
                ("/", "Throughput"), ("/jobs", id),
                ("/jobs?kind=none&queue=", "No job is like that"),
                ("/jobs?key=k", id), ("/jobs/\(id)", "no luck"), ("/queues", "default"),
                ("/held-back", "No queue has a limit."), ("/workers", "claims/1"),
                ("/events", eventID), ("/events/\(eventID)", "push"),
            ] {
                let answer = try await stack.ask("GET", path)
                #expect(answer.status == 200, "\(path): \(answer.text)")
                #expect(answer.text.contains(part), "\(path): \(answer.text)")
                let policy = answer["content-security-policy"] ?? ""
                #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
                // Under any stricter one a browser's form has no origin, and the login refuses it.
                #expect(answer["referrer-policy"] == "same-origin")
                #expect(!answer.text.contains("style=") && !answer.text.contains("<script>"))
            }
            for path in ["/dashboard.css", "/dashboard.js"] {
                #expect(try await stack.ask("GET", path).status == 200)
            }
            for path in ["/jobs/x", "/jobs/\(JobID())", "/events/\(PayloadID())"] {
                #expect(try await stack.ask("GET", path).status == 404)
            }
        }
    }

    @Test func `A search that finds little tells how far it went, and goes on by a link`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"rare"}"#)
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'success', 1, 3, now(), now()
                FROM generate_series(1, \(PostgresStore.walkLimit * 3 / 2))
                """)
            let list = try await stack.ask("GET", "/v1/jobs?kind=rare")
            let cursor = try #require(member("next_cursor", of: list.text))
            #expect(list.text.hasPrefix(#"{"jobs":[],"#), "\(list.text)")
            let rest = try await stack.ask("GET", "/v1/jobs?kind=rare&cursor=\(cursor)")
            #expect(rest.text.contains(id) && rest.text.hasSuffix(#""next_cursor":null}"#))

            let page = try await stack.ask("GET", "/jobs?kind=rare").text
            #expect(page.contains("Searched back to ") && page.contains("None so far."))
            let link = try #require(
                page.components(separatedBy: #"<a href="/jobs?kind=rare&amp;cursor="#).dropFirst()
                    .first?.prefix { $0 != "\"" })
            let next = try await stack.ask("GET", "/jobs?kind=rare&cursor=\(link)").text
            #expect(next.contains(id) && !next.contains("Searched back to "))
        }
    }

    @Test func `Charts are the differences of the sums that were noted`() async throws {
        try await Stack.with { stack, database in
            // They begin anew at the sums of now, which are smaller.
            try await database.execute(
                """
                INSERT INTO tasq.tally
                SELECT now() - n * interval '15 s', 1000000 - n * 150, 1000000 - n * 75, 1000000 - n * 75,
                    1000000 - n * 15, 1234, 2000, 70000
                FROM generate_series(1, 40) AS n
                """)
            let page = try await stack.ask("GET", "/").text
            for (title, peak) in [
                ("Throughput", "10 /s"), ("Failures", "1 /s"), ("Pickup latency", "70 ms"),
                ("Unfinished", "1234 jobs"),
            ] {
                #expect(page.contains("\(title) <span>peak <b>\(peak)</b>"), "\(title): \(page)")
            }
            // The axes say how much that is, and when it was.
            for top in ["<span>10 /s</span><span>5</span>", "<span>80 ms</span><span>40</span>"] {
                #expect(page.contains(top), "\(top): \(page)")
            }
            let times = page.matches(of: /class="times"[^>]*>(<span>\d\d:\d\d<\/span>){4}</)
            #expect(times.count == 4, "\(page)")
            #expect(page.contains("Times are in UTC."), "\(page)")
            #expect(page.contains("<polyline class=\"bad\""), "\(page)")
        }
    }

    @Test func `What strangers wrote is shown as text`() async throws {
        try await Stack.with { stack, _ in
            let nasty = #"<img src=x onerror=alert(1)>'&"#
            let id = try await stack.enqueue(
                #"{"kind":"mail","key":"<img src=x onerror=alert(1)>'&"}"#)
            try await stack.end("fail", #"{"error":"<script>alert(1)</script>\u202e"}"#)
            for path in ["/jobs/\(id)", "/jobs", "/jobs?key=%3Cimg%20src=x%3E%22"] {
                let text = try await stack.ask("GET", path).text
                #expect(!text.contains(nasty) && !text.contains("<script>alert"))
                #expect(!text.contains("<img") && !text.contains("\u{202e}"), "\(path): \(text)")
            }
        }
    }

    @Test func `A login gives a cookie that reads, and writes only from its own origin`()
        async throws
    {
        let tokens = [try AdminToken("operator", role: .operate)]
        try await Stack.with(tokens: tokens) { stack, _ in
            let origin = "Origin: http://\(stack.admin)"
            let away = try await stack.ask("GET", "/jobs")
            #expect(away.status == 303 && away["location"] == "/login")
            #expect(try await stack.ask("GET", "/login").status == 200)
            for (body, headers, status) in [
                ("token=wrong", [origin], 401), ("", [origin], 401), ("a=b", [origin], 400),
                ("token=operator", [], 403), ("token=operator", ["Origin: http://evil"], 403),
            ] {
                let answer = try await stack.ask("POST", "/login", body, headers: headers)
                #expect(answer.status == status && answer["set-cookie"] == nil, "\(body)")
            }
            let login = try await stack.ask("POST", "/login", "token=operator", headers: [origin])
            #expect(login.status == 303)
            let set = try #require(login["set-cookie"])
            #expect(set.contains("HttpOnly") && set.contains("SameSite=Strict"))
            #expect(!set.contains("operator"))
            let cookie = "Cookie: a=b; \(set.prefix { $0 != ";" })"
            for path in ["/", "/v1/jobs"] {
                #expect(try await stack.ask("GET", path, headers: [cookie]).status == 200)
            }
            let job = #"{"kind":"noop"}"#
            let foreign = try await stack.ask("POST", "/v1/jobs", job, headers: [cookie])
            #expect(foreign.status == 403)
            #expect(member("code", of: foreign.text) == "foreign-origin", "\(foreign.text)")
            let own = try await stack.ask("POST", "/v1/jobs", job, headers: [cookie, origin])
            #expect(own.status == 201)
            for forged in ["9999999999.00", "x", "1.\(set.suffix(64))", ""] {
                let header = "Cookie: \(DashboardSession.cookie)=\(forged)"
                #expect(try await stack.ask("GET", "/v1/jobs", headers: [header]).status == 401)
            }
            let out = try await stack.ask("POST", "/logout", headers: [cookie, origin])
            #expect(out.status == 303 && out["set-cookie"]?.contains("Max-Age=0") == true)
        }
    }
}
