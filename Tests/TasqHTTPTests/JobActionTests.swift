import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.medium)
struct JobActionTests {
    @Test func `A job is retried, cancelled and deleted, and refused where its status forbids it`()
        async throws
    {
        try await Stack.with { stack, database in
            let made = try await stack.ask("POST", "/v1/jobs", #"{"kind":"noop","delay":"1h"}"#)
            let id = try #require(member("id", of: made.text))
            let retried = try await stack.ask("POST", "/v1/jobs/\(id)/retry")
            #expect(retried.status == 202)
            #expect(retried.text == #"{"id":"\#(id)","status":"queued","was":"scheduled"}"#)
            let cancelled = try await stack.ask("POST", "/v1/jobs/\(id)/cancel")
            #expect(cancelled.status == 202)
            #expect(member("was", of: cancelled.text) == "queued")
            let again = try await stack.ask("POST", "/v1/jobs/\(id)/cancel")
            #expect(again.status == 202 && member("status", of: again.text) == "cancelled")

            try await database.execute("UPDATE tasq.job SET status = 'success'")
            for verb in ["retry", "cancel"] {
                let refused = try await stack.ask("POST", "/v1/jobs/\(id)/\(verb)")
                #expect(refused.status == 409)
                #expect(member("code", of: refused.text) == "wrong-state")
                #expect(refused.text.contains("the job is success"))
            }
            try await database.execute(
                "UPDATE tasq.job SET status = 'executing', finished_at = NULL")
            let running = try await stack.ask("DELETE", "/v1/jobs/\(id)")
            #expect(running.status == 409 && running.text.contains("the job is executing"))
            try await database.execute("UPDATE tasq.job SET status = 'queued'")
            let deleted = try await stack.ask("DELETE", "/v1/jobs/\(id)")
            #expect(deleted.status == 204 && deleted.body.isEmpty)
            #expect(deleted["content-length"] == nil)
            let gone = try await stack.ask("DELETE", "/v1/jobs/\(id)")
            #expect(gone.status == 404)
        }
    }

    @Test func `A job that somebody's transaction holds is busy, and is free after it`()
        async throws
    {
        try await Stack.with { stack, database in
            let id = try await stack.enqueue(#"{"kind":"noop"}"#)
            let holder = Session(
                settings: try PostgresSettings(url: database.url).patient, logger: quiet)
            try await holder.script("BEGIN; SELECT FROM tasq.job FOR UPDATE")
            async let cancel = stack.ask("POST", "/v1/jobs/\(id)/cancel")
            async let delete = stack.ask("DELETE", "/v1/jobs/\(id)")
            for busy in try await [cancel, delete] {
                #expect(busy.status == 503, "\(busy.text)")
                #expect(member("code", of: busy.text) == "job-busy")
                #expect(busy["retry-after"] == "1")
            }
            try await holder.script("COMMIT")
            await holder.close()
            let free = try await stack.ask("DELETE", "/v1/jobs/\(id)")
            #expect(free.status == 204, "\(free.text)")
        }
    }

    @Test func `Ids that are none, unknown ones and tokens that only read are refused`()
        async throws
    {
        let tokens = [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
        ]
        try await Stack.with(tokens: tokens) { stack, _ in
            let reader = ["Authorization: Bearer reader"]
            let person = ["Authorization: Bearer operator"]
            for (method, path) in [
                ("POST", "/v1/jobs/%ID/retry"), ("POST", "/v1/jobs/%ID/cancel"),
                ("DELETE", "/v1/jobs/%ID"),
            ] {
                let unknown = path.replacing("%ID", with: JobID().description)
                let denied = try await stack.ask(method, unknown, headers: reader)
                #expect(denied.status == 403)
                let missing = try await stack.ask(method, unknown, headers: person)
                #expect(missing.status == 404)
                for text in ["17", "-1", "01e3", "x%27;drop"] {
                    let bad = try await stack.ask(
                        method, path.replacing("%ID", with: text), headers: person)
                    #expect(bad.status == 400)
                }
            }
        }
    }

    @Test func `A retry that would break a unique key says who holds it`() async throws {
        try await Stack.with { stack, _ in
            let body = #"{"kind":"noop","unique_key":"u"}"#
            let first = try #require(
                member("id", of: try await stack.ask("POST", "/v1/jobs", body).text))
            _ = try await stack.ask("POST", "/v1/jobs/\(first)/cancel")
            let second = try #require(
                member("id", of: try await stack.ask("POST", "/v1/jobs", body).text))
            #expect(first != second)
            let refused = try await stack.ask("POST", "/v1/jobs/\(first)/retry")
            #expect(refused.status == 409)
            #expect(member("code", of: refused.text) == "unique-key-taken")
            #expect(refused.text.contains(second))
        }
    }
}
