import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The lists among the pages for people.
@Suite(.medium)
struct DashboardListTests {
    @Test func `A tab for each status tells how many there are, failures in red`() async throws {
        try await Stack.with { stack, database in
            let quiet = try await stack.ask("GET", "/jobs").text
            #expect(quiet.contains("class=\"calm\">error <b>0</b>"), "\(quiet)")
            #expect(quiet.contains("class=\"calm\">retrying <b>0</b>"), "\(quiet)")
            let bad = try await stack.enqueue(#"{"kind":"bad","queue":"q"}"#)
            _ = try await stack.enqueue(#"{"kind":"good","queue":"q"}"#)
            _ = try await stack.enqueue(#"{"kind":"good"}"#)
            _ = try await stack.enqueue(#"{"kind":"good","delay":"1h"}"#)
            let again = try await stack.enqueue(#"{"kind":"good","delay":"1h"}"#)
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'error', finished_at = now() WHERE id = '\(bad)';
                UPDATE tasq.job SET attempt = 1 WHERE id = '\(again)'
                """)
            let all = try await stack.ask("GET", "/jobs").text
            for part in [
                "<a href=\"/jobs?status=error\" class=\"error\">error <b>1</b></a>",
                "<a href=\"/jobs?status=queued\" class=\"calm\">queued <b>2</b></a>",
                "<a href=\"/jobs?retrying=true\" class=\"error\">retrying <b>1</b></a>",
                "<a href=\"/jobs?status=scheduled\" class=\"calm\">scheduled <b>2</b></a>",
                "<a href=\"/jobs?status=executing\" class=\"calm\">executing <b>0</b></a>",
                "<a href=\"/jobs\" class=\"calm\" aria-current=\"page\">all</a>",
            ] {
                #expect(all.contains(part), "\(part): \(all)")
            }
            // Of a queue the tabs tell what is on it, of a kind they tell no number.
            let queue = try await stack.ask("GET", "/jobs?queue=default").text
            #expect(queue.contains("error <b>0</b>") && queue.contains("queued <b>1</b>"))
            let kind = try await stack.ask("GET", "/jobs?kind=bad&status=error").text
            #expect(
                kind.contains(
                    "<a href=\"/jobs?status=error&amp;kind=bad\" class=\"error\" "
                        + "aria-current=\"page\">error</a>"), "\(kind)")
            #expect(kind.contains("<a href=\"/jobs?kind=bad\" class=\"calm\">all</a>"))
            let overview = try await stack.ask("GET", "/").text
            for part in [
                "<a class=\"card error\" href=\"/jobs?status=error\"><b>1</b>",
                "<a class=\"card error\" href=\"/jobs?retrying=true\"><b>1</b>",
                "<a class=\"error\" href=\"/jobs?status=error&amp;queue=q\">1</a></td>",
                "data-label=\"Error\">0</td>",
            ] {
                #expect(overview.contains(part), "\(part): \(overview)")
            }
        }
    }

    @Test func `What is tried again is a list of its own, which an action takes as a whole`()
        async throws
    {
        try await Stack.with { stack, database in
            let again = try await stack.enqueue(#"{"kind":"again"}"#)
            try await stack.end("fail", #"{"delay":"1h"}"#)
            let delayed = try await stack.enqueue(#"{"kind":"again","delay":"1h"}"#)
            let page = try await stack.ask("GET", "/jobs?retrying=true&queue=default").text
            #expect(page.contains(again) && !page.contains(delayed), "\(page)")
            #expect(
                page.contains(
                    "<a href=\"/jobs?retrying=true&amp;queue=default\" class=\"error\" "
                        + "aria-current=\"page\">retrying <b>1</b></a>"), "\(page)")
            // A form with other filters keeps to it, and every other tab leaves it.
            #expect(page.contains("<input type=\"hidden\" name=\"retrying\" value=\"true\">"))
            #expect(page.contains("<a href=\"/jobs?status=scheduled&amp;queue=default\""))
            #expect(page.contains("<a href=\"/jobs?queue=default\" class=\"calm\">all</a>"))
            for action in JobAction.allCases {
                let link = "/bulk?action=\(action.rawValue)&amp;retrying=true&amp;queue=default"
                #expect(page.contains(link), "\(page)")
            }
            let all = try await stack.ask("GET", "/jobs?status=scheduled").text
            #expect(all.contains(again) && all.contains(delayed), "\(all)")
            #expect(all.contains("/bulk?action=cancel"), "\(all)")
            for (query, said) in [
                ("retrying=true&status=error", "retrying goes with the status scheduled alone"),
                ("retrying=yes", "retrying must be true or false"),
            ] {
                let answer = try await stack.ask("GET", "/jobs?\(query)")
                #expect(answer.status == 400 && answer.text.contains(said), "\(answer.text)")
            }
        }
    }

    @Test func `Thousands of failures are counted to a bound that the page names`() async throws {
        try await Stack.with { stack, database in
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'error', 1, 3, now(), now()
                FROM generate_series(1, \(KindFailures.countLimit + 100))
                """)
            for (path, part) in [
                ("/jobs", "error <b>\(KindFailures.countLimit)+</b>"),
                ("/", "<b>\(KindFailures.countLimit)+</b><span>failed"),
            ] {
                let page = try await stack.ask("GET", path).text
                #expect(page.contains(part), "\(path): \(page)")
            }
        }
    }

    @Test func `What runs tells since when and where, what waits tells when it is due`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"long","queue":"q"}"#)
            _ = try await stack.enqueue(#"{"kind":"late","delay":"150m"}"#)
            let worker = WorkerRecord(
                host: "host-7", processID: 4711, queues: [try Name("q")], concurrency: 1,
                version: "test", heartbeat: .seconds(2), lease: .seconds(15))
            try await stack.store.register(worker)
            let claimed = try await stack.store.sweep(
                upTo: 1, for: worker.id, from: worker.queues)
            #expect(claimed.jobs.count == 1)
            try await database.execute(
                """
                UPDATE tasq.job SET claimed_at = now() - interval '210 min', enqueued_at = now() - interval '330 min'
                WHERE id = '\(id)'
                """)
            let page = try await stack.ask("GET", "/jobs").text
            #expect(page.contains(" UTC\">3 h ago</time> on host-7 4711"), "\(page)")
            #expect(page.contains(" UTC\">5 h ago</time>"), "\(page)")
            #expect(page.contains(" UTC\">in 2 h</time>"), "\(page)")
        }
    }

    @Test func `Filters are lists of the queues and kinds there are`() async throws {
        try await Stack.with { stack, _ in
            _ = try await stack.enqueue(#"{"kind":"mail","queue":"slow"}"#)
            let page = try await stack.ask("GET", "/jobs?queue=slow&kind=gone").text
            for part in [
                "<option selected>slow</option>", "<option>mail</option>",
                // What was asked for stays chosen, though nothing is of it.
                "<option selected>gone</option>",
            ] {
                #expect(page.contains(part), "\(part): \(page)")
            }
            // What the tabs and the address add is kept when the form is sent.
            let time = "2026-01-01T00:00:00Z"
            let narrow = try await stack.ask("GET", "/jobs?status=queued&since=\(time)").text
            #expect(narrow.contains("<input type=\"hidden\" name=\"status\" value=\"queued\">"))
            #expect(narrow.contains("name=\"since\" value=\"\(time)\""))
            for query in ["status=none", "queue=a%20b", "since=soon", "nope=1", "key=a&key=b"] {
                let answer = try await stack.ask("GET", "/jobs?\(query)")
                #expect(answer.status == 400, "\(query)")
                #expect(answer["content-type"] == "text/html; charset=utf-8", "\(query)")
            }
        }
    }

    @Test func `Kinds are listed however many jobs have ids that do not grow with time`()
        async throws
    {
        try await Stack.with { stack, database in
            _ = try await stack.enqueue(#"{"kind":"mail"}"#)
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at, finished_at)
                SELECT gen_random_uuid(), gen_random_uuid(), 'default', 'noop', 'success', 1, 3, now(), now()
                FROM generate_series(1, 3000)
                """)
            let page = try await stack.ask("GET", "/jobs").text
            #expect(page.contains("<option>mail</option><option>noop</option>"), "\(page)")
        }
    }

    @Test func `Every cell tells its heading, for screens where no row fits beside another`()
        async throws
    {
        try await Stack.with { stack, _ in
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            try await stack.end("fail", #"{"error":"no luck"}"#)
            _ = try await stack.deliver(Array("{}".utf8))
            _ = try await stack.ask("PUT", "/v1/limits/default", #"{"max_depth": 9}"#)
            _ = try await stack.ask("PUT", "/v1/schedules/s", #"{"cron": "@daily", "kind": "k"}"#)
            for path in [
                "/", "/jobs", "/jobs/\(id)", "/queues", "/held-back", "/workers", "/schedules",
                "/events",
            ] {
                let page = try await stack.ask("GET", path).text
                let cells = page.components(of: "<td ")
                #expect(cells > 0 && page.components(of: "<td>") == 0, "\(path)")
                #expect(page.components(of: "data-label=\"") == cells, "\(path): \(page)")
                #expect(!page.contains("data-label=\"\""), "\(path)")
            }
            let style = try await stack.ask("GET", "/dashboard.css").text
            let narrow = try #require(style.firstRange(of: "@media (max-width: 40rem)"))
            let rules = style[narrow.upperBound...]
            #expect(rules.contains("content: attr(data-label)"), "\(rules)")
            #expect(rules.contains("thead { display: none; }"))
        }
    }

    @Test func `A moment is told in whole units, exactly on hover`() {
        let now = Timestamp(microseconds: 1_795_000_000_000_000)
        for (seconds, words) in [
            (0, "now"), (59, "59 s ago"), (119, "119 s ago"), (120, "2 min ago"),
            (7199, "119 min ago"), (7200, "2 h ago"), (172_800, "2 d ago"), (-300, "in 5 min"),
        ] {
            let time = Timestamp(microseconds: now.microseconds - Int64(seconds) * 1_000_000)
            let exact = "datetime=\"\(time)\" title=\"\(Dashboard.utc(time))\""
            #expect(
                Dashboard.moment(time, now: now).text == "<time \(exact)>\(words)</time>",
                "\(seconds)")
        }
        let least = Timestamp(microseconds: .min)
        #expect(Dashboard.moment(least, now: now).text.contains(">\(Dashboard.utc(least))<"))
    }
}
