import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The pages as whoever is woken goes through them: from the overview to the mend, no script.
@Suite(.medium)
struct DashboardOnCallTests {
    @Test func `Seven dead and five retrying are seen by kind at once, and a form queues the dead`()
        async throws
    {
        try await Stack.with { stack, database in
            let browser = Browser(stack)
            let quiet = try await browser.get("/").text
            #expect(!quiet.contains("Failures by kind"), "\(quiet)")
            let dead = Array(repeating: #"{"kind":"mail","queue":"q"}"#, count: 7)
            let again = Array(repeating: #"{"kind":"mail","queue":"q","delay":"1h"}"#, count: 5)
            let jobs = (dead + again + [#"{"kind":"well","queue":"q"}"#]).joined(separator: ",")
            #expect(try await stack.ask("POST", "/v1/jobs", "[\(jobs)]").status == 201)
            try await database.execute(
                """
                INSERT INTO tasq.attempt (job_id, claim, attempt, outcome, reason, started_at)
                SELECT id, gen_random_uuid(), 1, 'error', E'exit 1\\nconnection refused', now()
                FROM tasq.job WHERE kind = 'mail';
                UPDATE tasq.job SET status = 'error', attempt = 1, finished_at = now()
                WHERE kind = 'mail' AND status = 'queued';
                UPDATE tasq.job SET attempt = 1 WHERE kind = 'mail' AND status = 'scheduled'
                """)

            let overview = try await browser.get("/").text
            let errors = "/jobs?status=error&amp;queue=q&amp;kind=mail"
            for part in [
                "<a class=\"card error\" href=\"/jobs?status=error\"><b>7</b>",
                "<a class=\"card error\" href=\"/jobs?retrying=true\"><b>5</b>",
                "<a class=\"error\" href=\"\(errors)\">7</a></td>",
                "href=\"/jobs?retrying=true&amp;queue=q&amp;kind=mail\">5</a></td>",
                "data-label=\"Last hour\">7</td>", "data-label=\"Last day\">7</td>",
            ] { #expect(overview.contains(part), "\(part): \(overview)") }
            let start = try #require(overview.firstRange(of: "Failures by kind"))
            #expect(!overview[start.upperBound...].contains("kind=well"), "none of it has failed")

            let list = try await browser.get("/jobs?status=error&queue=q&kind=mail").text
            #expect(list.components(of: "connection refused") == 7, "\(list)")
            let action = "/bulk?action=retry&status=error&queue=q&kind=mail"
            #expect(list.contains("href=\"\(escaped(action))\""), "\(list)")
            let asked = try await browser.get(action)
            #expect(asked.text.contains("7 jobs match now."), "\(asked.text)")
            #expect(try await browser.send(asked).status == 303)
            try await eventually("the bulk action is done") {
                try await database.execute("SELECT state FROM tasq.bulk") == "done"
            }
            let rows = try await database.execute(
                """
                SELECT kind, status, count(*) FROM tasq.job
                GROUP BY 1, 2 ORDER BY kind, status::text
                """)
            #expect(rows == "mail|queued|7\nmail|scheduled|5\nwell|queued|1")
            let after = try await browser.get("/").text
            #expect(
                after.contains("<a class=\"card calm\" href=\"/jobs?status=error\"><b>0</b>"),
                "\(after)")
        }
    }

    @Test func `Of very many kinds that fail the overview tells those that fail most`()
        async throws
    {
        try await Stack.with { stack, database in
            try await database.execute(
                """
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at,
                     attempt, finished_at)
                SELECT tasq.uuid_v7(), gen_random_uuid(), 'q', 'kind-' || n, 'error', 1, 3, now(),
                    1, now() - CASE WHEN n = 60 THEN interval '0' ELSE interval '2 hours' END
                FROM generate_series(1, 60) AS n
                """)
            let page = try await Browser(stack).get("/").text
            let start = try #require(page.firstRange(of: "Failures by kind"))
            let table = page[start.upperBound...]
            // The one that failed within the hour stands first.
            let first = try #require(table.firstRange(of: "kind-"))
            #expect(table[first.lowerBound...].hasPrefix("kind-60<"), "\(table)")
            #expect(table.contains("And 10 more: <code>tasq queues list</code>"), "\(table)")
        }
    }
}
