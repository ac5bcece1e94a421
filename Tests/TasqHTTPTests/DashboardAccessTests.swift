import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The pages for those who do not see them, have a keyboard alone, or see little contrast: what can
/// be told without a browser. LongAxeTests looks at them in one.
struct DashboardAccessTests {
    /// What of the open routes is no page.
    private static let others: Set = [
        "/healthz", "/readyz", "/find", "/jobs/{id}/payload", "/dashboard.css", "/dashboard.js",
    ]

    /// Something of every kind on the pages; their paths.
    private func fill(_ stack: Stack, _ database: TestDatabase) async throws -> [String] {
        let failed = try await stack.enqueue(#"{"kind":"bad","key":"k"}"#)
        try await stack.end("fail", #"{"error":"no luck"}"#)
        try await database.execute("UPDATE tasq.job SET status = 'error', finished_at = now()")
        let job = try await stack.enqueue(#"{"kind":"late","delay":"1h"}"#)
        let delivered = try await stack.deliver(Array("{}".utf8))
        let event = try #require(member("id", of: delivered.text))
        let worker = WorkerRecord(
            host: "host-7", processID: 4711, queues: [.defaultQueue], concurrency: 1,
            version: "test", heartbeat: .seconds(2), lease: .seconds(15))
        try await stack.store.register(worker)
        let schedule = #"{"cron":"@daily","kind":"report"}"#
        _ = try await stack.ask("PUT", "/v1/schedules/nightly", schedule)
        _ = try await stack.ask("PUT", "/v1/limits/full", #"{"max_depth": 1}"#)
        let reason = HoldReason(of: "http://a.test:80", .failures(5, last: "answered 500")).text
        try await database.putOff(3, for: reason)
        // Another server's, which goes on.
        let bulk = BulkID()
        try await database.execute(
            """
            INSERT INTO tasq.bulk (id, action, kind, dry_run, holder, held_until)
            VALUES ('\(bulk)', 'cancel', 'a', false, gen_random_uuid(), now() + interval '1 hour');
            INSERT INTO tasq.tally
            SELECT now() - n * interval '15 s', 1000000 - n * 150, 1000000 - n * 75,
                1000000 - n * 75, 1000000 - n * 15, 1234, 2000, 70000
            FROM generate_series(1, 40) AS n
            """)
        return [
            "/", "/jobs", "/jobs?status=error&queue=default&since=2020-01-01T00:00:00Z",
            "/jobs?kind=none", "/jobs?retrying=true", "/jobs/\(failed)", "/jobs/\(job)",
            "/jobs/\(job)/retry", "/jobs/\(job)/cancel", "/jobs/\(job)/delete", "/queues",
            "/queues/pause?queue=default", "/queues/resume?queue=default", "/held-back", "/workers",
            "/schedules",
            "/schedules/pause?schedule=nightly", "/schedules/resume?schedule=nightly",
            "/schedules/edit?schedule=nightly", "/schedules/edit?schedule=nightly&cron=x",
            "/events", "/events?source=github", "/events/\(event)", "/events/\(event)/replay",
            "/bulk?action=cancel&kind=late", "/bulk?action=delete", "/bulk?action=retry&kind=none",
            "/bulk/\(bulk)", "/login", "/jobs/\(job)?done=retry",
            // What is refused is a page, too.
            "/jobs/x", "/jobs?cursor=x", "/find?id=x", "/bulk",
        ]
    }

    @Test(.medium) func `Nothing on any page is in the way of who does not see it`() async throws {
        try await Stack.with { stack, database in
            let paths = try await fill(stack, database)
            for path in paths {
                let text = try await stack.ask("GET", path).text
                #expect(PageTags(text).barriers == [], "\(path): \(text)")
            }
            for route in try adminRoutes() where route.method == "GET" && route.role == nil {
                let name = route.path.joined(separator: "/")
                if Self.others.contains(name) { continue }
                let isSeen = paths.contains { path in
                    let parts = path.prefix { $0 != "?" }.split(
                        separator: "/", omittingEmptySubsequences: false)
                    return route.match(parts) != nil
                }
                #expect(isSeen, "\(name)")
            }
        }
    }

    @Test(.medium) func `With a login, too, whoever has logged in`() async throws {
        let tokens = [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
        ]
        try await Stack.with(tokens: tokens, redis: .down) { stack, _ in
            for token in ["reader", "operator"] {
                let browser = try await Browser(stack, loggedInWith: token)
                for path in ["/", "/jobs", "/queues/pause?queue=x"] {
                    let text = try await browser.get(path).text
                    #expect(PageTags(text).barriers == [], "\(path): \(text)")
                    #expect(text.contains("Log out") && text.contains("role=\"alert\""))
                }
            }
            let origin = "Origin: http://\(stack.admin)"
            let wrong = try await stack.ask("POST", "/login", "token=wrong", headers: [origin])
            #expect(PageTags(wrong.text).barriers == [], "\(wrong.text)")
        }
    }

    /// Else the tests above would prove nothing.
    @Test(arguments: [
        ("<p>", "<p> is not closed"), ("</p>", "</p> closes nothing"),
        ("<p id=x></p>", "<p> has id without quotes"),
        ("<p a=\"1\" a=\"2\"></p>", "<p> has a twice"),
        ("<p id=\"x\"></p><p id=\"x\"></p>", "2 of id=x"), ("<h1>b</h1>", "2 of <h1>"),
        ("<h3>b</h3>", "<h3> after <h1>"), ("<svg></svg>", "a nameless <svg>"),
        ("<svg role=\"img\" aria-label=\"\"></svg>", "a nameless <svg>"),
        ("<img src=\"x\">", "an <img> without alt"), ("<a href=\"/\"> </a>", "a nameless <a>"),
        ("<form><button></button></form>", "a nameless <button>"),
        ("<a href=\"\">x</a>", "an <a> that leads nowhere: x"),
        ("<nav aria-label=\"x\"></nav><nav></nav>", "<nav> named [\"x\", \"\"]"),
        ("<p tabindex=\"1\"></p>", "tabindex of <p>"),
        ("<form><input name=\"x\"></form>", "no label of x"),
        ("<form><label><select name=\"x\"><option>y</option></select></label>", "no label of x"),
        ("<label>x <input></label>", "a field outside of a form"),
        ("<table></table>", "a table without headings"),
        ("<table><th>x</th></table>", "a <th> without scope: x"),
        ("<table><th scope=\"col\"></th></table>", "an empty <th>"),
        ("<li>x</li>", "a <li> in <main>"),
        ("<dl><p><dt>x</dt></p></dl>", "a <dt> in <p>"),
    ])
    func `What is in the way is noticed`(part: String, barrier: String) {
        func page(_ part: String) -> PageTags {
            PageTags(
                "<!DOCTYPE html><html lang=\"en\"><head><title>x</title></head><body><main>"
                    + "<h1>a</h1>\(part)</main></body></html>")
        }
        #expect(page("").barriers == [])
        #expect(page(part).barriers.contains(barrier), "\(page(part).barriers)")
    }

    @Test func `A page without a language, a title or a main part is noticed`() {
        #expect(
            PageTags("<!DOCTYPE html><html><body></body></html>").barriers
                == ["no lang", "no title", "0 of <h1>", "0 of <main>"])
    }

    /// At least 4.5 to 1, as WCAG 2.2 asks of text (success criterion 1.4.3).
    @Test(arguments: ["light", "dark"])
    func `Every colour of text stands out from what is behind it`(scheme: String) throws {
        let style = EmbeddedFile.text("TasqHTTP/Dashboard/dashboard.css")
        let blocks = style.matches(of: /:root \{([^}]*)\}/).map { String($0.output.1) }
        try #require(blocks.count == 2, "of the light scheme and of the dark one")
        var colours: [String: Double] = [:]
        for match in blocks[scheme == "light" ? 0 : 1].matches(of: /--([a-z]+): #([0-9a-f]+);/) {
            colours[String(match.output.1)] = try luminance(String(match.output.2))
        }
        for text in ["text", "dim", "link", "a", "b", "good", "bad"] {
            for back in ["back", "card"] {
                let pair = [try #require(colours[text]), try #require(colours[back])].sorted()
                let contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
                #expect(contrast >= 4.5, "\(text) on \(back): \(contrast)")
            }
        }
    }

    /// The relative luminance of a colour of three or six digits, as WCAG defines it.
    private func luminance(_ digits: String) throws -> Double {
        let full = digits.count == 3 ? digits.map { "\($0)\($0)" }.joined() : digits
        let value = try #require(Int(full, radix: 16))
        let parts = [value >> 16, value >> 8 & 0xFF, value & 0xFF].map { part -> Double in
            let share = Double(part) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
}
