import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// `/v1/limits`, and what a queue over its limit answers.
@Suite(.medium) struct LimitTests {
    private func put(
        _ stack: Stack, _ queue: String, _ body: String
    ) async throws -> RawAnswer {
        try await stack.ask("PUT", "/v1/limits/\(queue)", body)
    }

    @Test func `A limit is set, listed, shown, changed and taken away`() async throws {
        try await Stack.with { stack, database in
            let made = try await put(stack, "q", #"{"max_depth": 2, "max_age": "90s"}"#)
            #expect(made.status == 200, "\(made.text)")
            for part in [
                #"{"queue":"q","max_depth":2,"max_age":"90s","configured":false,"updated_at":"20"#,
                #""level":0,"oldest_wait_seconds":null,"refuses":false}"#,
            ] {
                #expect(made.text.contains(part), "\(made.text)")
            }
            _ = try await stack.ask(
                "POST", "/v1/jobs", #"[{"kind":"a","queue":"q"},{"kind":"a","queue":"q"}]"#)
            let shown = try await stack.ask("GET", "/v1/limits/q")
            #expect(shown.status == 200 && shown.text.contains(#""level":2,"#), "\(shown.text)")
            #expect(shown.text.hasSuffix(#""refuses":true}"#), "\(shown.text)")
            _ = try await put(stack, "r", #"{"max_age": 30, "max_depth": null}"#)
            let first = try await stack.ask("GET", "/v1/limits?limit=1")
            #expect(first.text.hasPrefix(#"{"limits":[{"queue":"q","#), "\(first.text)")
            #expect(first.text.hasSuffix(#""next_cursor":"q"}"#), "\(first.text)")
            let rest = try await stack.ask("GET", "/v1/limits?limit=2&cursor=q")
            let own = #"{"limits":[{"queue":"r","max_depth":null,"max_age":"30s""#
            #expect(rest.text.hasPrefix(own), "\(rest.text)")
            #expect(rest.text.hasSuffix(#""next_cursor":null}"#), "\(rest.text)")
            let queues = try await stack.ask("GET", "/v1/queues").text
            #expect(queues.contains(#""max_depth":2,"max_age":"90s","refuses":true"#), "\(queues)")
            #expect(queues.contains(#"{"name":"r","paused":false"#), "it has nothing but a limit")
            let changed = try await put(stack, "q", #"{"max_depth": 3}"#)
            #expect(changed.text.contains(#""max_depth":3,"max_age":null"#), "\(changed.text)")
            #expect(try await stack.ask("DELETE", "/v1/limits/q").status == 204)
            #expect(try await stack.ask("DELETE", "/v1/limits/q").status == 404)
            #expect(try await stack.ask("GET", "/v1/limits/q").status == 404)
            #expect(
                try await database.execute("SELECT queue FROM tasq.flow_limit") == "r")
        }
    }

    @Test(arguments: [
        ("{}", "limit must have a max_depth, a max_age or both"),
        (#"{"max_depth": null, "max_age": null}"#, "limit must have"),
        (#"{"max_depth": 0}"#, "max_depth must be a whole number from 1 to 1000000"),
        (#"{"max_depth": -1}"#, "max_depth must be a whole number from 1"),
        (#"{"max_depth": 100000000000000000000}"#, "max_depth must be a whole number from 1"),
        (#"{"max_depth": 1e20}"#, "max_depth must be a whole number from 1"),
        (#"{"max_depth": 1.5}"#, "max_depth must be a whole number from 1"),
        (#"{"max_depth": "many"}"#, "max_depth must be a whole number from 1"),
        (#"{"max_age": "0s"}"#, "max_age must be between 1s and 365d"),
        (#"{"max_age": 0}"#, "max_age must be between 1s and 365d"),
        (#"{"max_age": "36500d"}"#, "max_age must be between 1s and 365d"),
        (#"{"max_age": "9999999d"}"#, "max_age must be at most 36500d"),
        (#"{"max_age": "soon"}"#, "max_age must be a whole number and a unit"),
        (#"{"max_depth": 1, "max_width": 2}"#, "body must have no members but max_depth, max_age"),
        (#"{"max_depth": 1, "max_depth": 2}"#, "max_depth must not be given twice"),
        ("[]", "body must be a JSON object"), ("{", "body must be JSON"),
    ])
    func `What is no limit is refused by the member`(body: String, rule: String) async throws {
        try await Stack.with { stack, database in
            let answer = try await put(stack, "q", body)
            #expect(answer.status == 400 && answer.text.contains(rule), "\(answer.text)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.flow_limit") == "0")
        }
    }

    @Test func `A queue that is none, a page that is none and a stray parameter are refused`()
        async throws
    {
        try await Stack.with { stack, _ in
            let answer = try await put(stack, "a%20b", #"{"max_depth": 1}"#)
            #expect(answer.status == 400)
            for path in ["?limit=0", "?limit=1001", "?cursor=a%20b", "?x=1", "/a%20b", "/q?x=1"] {
                #expect(try await stack.ask("GET", "/v1/limits\(path)").status == 400, "\(path)")
            }
        }
    }

    @Test func `Jobs for a full queue are 429 with Retry-After, duplicates are answered`()
        async throws
    {
        try await Stack.with { stack, database in
            // The server has looked before, and found no limit.
            let first = try await stack.ask(
                "POST", "/v1/jobs", #"{"kind":"a","queue":"q","unique_key":"u"}"#)
            #expect(first.status == 201)
            #expect(try await put(stack, "q", #"{"max_depth": 1}"#).status == 200)
            let one = #"{"kind":"a","queue":"q"}"#
            try await eventually("it refuses") {
                try await stack.ask("POST", "/v1/jobs", one).status == 429
            }
            let refused = try await stack.ask("POST", "/v1/jobs", one)
            #expect(refused.status == 429, "\(refused.text)")
            #expect(refused["content-type"] == "application/problem+json")
            #expect(refused["retry-after"].flatMap { Int($0) }.map { $0 >= 1 } == true)
            #expect(member("code", of: refused.text) == "queue-full")
            #expect(refused.text.contains("queue q takes no more now"), "\(refused.text)")
            let count = "SELECT count(*) FROM tasq.job"
            let before = try await database.execute(count)
            let batch = try await stack.ask("POST", "/v1/jobs", #"[{"kind":"a"},\#(one)]"#)
            #expect(batch.status == 429)
            let never = try await stack.ask("POST", "/v1/jobs", "[\(one),\(one)]")
            #expect(never.status == 422 && never["retry-after"] == nil, "\(never.text)")
            #expect(member("code", of: never.text) == "over-limit")
            #expect(try await database.execute(count) == before, "all or none")
            let again = try await stack.ask(
                "POST", "/v1/jobs", #"{"kind":"a","queue":"q","unique_key":"u"}"#)
            #expect(again.status == 201 && again.text == first.text, "\(again.text)")
            let page = try await stack.ask("GET", "/metrics").text
            #expect(page.contains(#"tasq_refused_total{queue="q"} "#))
            #expect(page.contains(#"tasq_http_rejected_total{reason="queue-full"} "#))
        }
    }

    @Test func `A webhook for a full queue is 429 with Retry-After, so that it is sent again`()
        async throws
    {
        try await Stack.with { stack, database in
            #expect(try await put(stack, "hooks", #"{"max_depth": 1}"#).status == 200)
            let body = Array(#"{"ref":"main"}"#.utf8)
            let taken = try await stack.deliver(body, delivery: "1")
            #expect(taken.status == 202, "\(taken.text)")
            let refused = try await stack.deliver(body, delivery: "2")
            #expect(refused.status == 429, "\(refused.text)")
            #expect(refused["retry-after"].flatMap { Int($0) }.map { $0 >= 1 } == true)
            #expect(!refused.text.contains("hooks"), "a sender is not told of queues")
            let known = try await stack.deliver(body, delivery: "1")
            #expect(known.status == 200 && known.text.contains(#""duplicate":true"#))
            #expect(try await database.execute("SELECT count(*) FROM tasq.payload") == "1")
            try await database.execute("DELETE FROM tasq.job")
            try await eventually("it is taken when it is sent again") {
                try await stack.deliver(body, delivery: "2").status == 202
            }
        }
    }
}
