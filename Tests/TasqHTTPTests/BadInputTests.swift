import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// What strangers send to the admin listener: refused by name, nothing stored, the process alive.
@Suite(.medium)
struct BadInputTests {
    private static let bodies: [[UInt8]] =
        [
            "", "{", "nul", "{} x", "\u{FEFF}{\"kind\":\"a\"}", "{\"kind\":\"a\",}",
            "{\"kind\":\"a\",\"payload\":\"\\u0000\"}", "{\"kind\":\"a\",\"payload\":\"\\ud800\"}",
            "{\"kind\":\"a\",\"payload\":01}", "{\"kind\":\"a\",\"payload\":NaN}",
            "{\"kind\":\"a\\u0000\"}", "{\"kind\":\"a\",\"key\":\"\\u0000\"}",
            "{\"kind\":\"a\",\"queue\":\"\\ud800\"}", "[[{\"kind\":\"a\"}]]", "[null]",
            String(repeating: "[", count: 1_000_000),
            "{\"kind\":\"a\",\"payload\":" + String(repeating: "{\"a\":", count: 20_000) + "1"
                + String(repeating: "}", count: 20_000) + "}",
        ].map { Array($0.utf8) } + [
            [0xFF, 0xFE], Array("{\"kind\":\"a".utf8) + [0xC0, 0x80] + Array("\"}".utf8),
            Array("{\"kind\":\"a\",\"payload\":\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"}".utf8),
            Array("{\"kind\":\"a\",\"payload\":\"".utf8) + [0x00] + Array("\"}".utf8),
        ]

    @Test func `A body that is no job is a 400 without a row, and the next one is taken`()
        async throws
    {
        try await Stack.with { stack, database in
            for body in Self.bodies {
                let answer = try await stack.ask("POST", "/v1/jobs", bytes: body)
                let shown = String(decoding: body.prefix(60), as: UTF8.self)
                #expect(answer.status == 400, "\(shown): \(answer.text)")
                #expect(answer["content-type"] == "application/problem+json")
                #expect(member("code", of: answer.text) == "invalid-value", "\(shown)")
            }
            var count = try await database.execute("SELECT count(*) FROM tasq.payload")
            #expect(count == "0")
            let good = try await stack.ask("POST", "/v1/jobs", #"{"kind":"a"}"#)
            #expect(good.status == 201)
            count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "1")
        }
    }

    @Test func `A field out of its range is a 400 that names it`() async throws {
        let names = [
            "\"\"", "\"a b\"", "\"../x\"", "\"q;drop table tasq.job--\"", "\"'\"", "\"%s%n\"",
            "\"{}\"", "\"a\\nb\"", "\"😀\"", "\"\\u202eabc\"", "\"*\"", "7", "null", "[]",
            "\"\(String(repeating: "x", count: 101))\"",
        ]
        let whole = [
            "-1", "2147483648", "9223372036854775808", "1e400", "1.5", "\"1\"", "-0.1",
            "1E+1000000",
            String(repeating: "9", count: 200_000),
        ]
        let times = [
            "\"294277-01-01T00:00:00Z\"", "\"-4714-01-01T00:00:00Z\"", "\"infinity\"",
            "\"1970-01-01T00:00:00Z\"", "\"2199-12-31T00:00:00Z\"", "\"2026-02-30T00:00:00Z\"",
            "\"2016-12-31T23:59:60Z\"", "\"2026-12-01T00:00:00+25:00\"", "\"2026-12-01T00:00:00\"",
            "\"\"", "1795461600", "{}",
        ]
        let delays = [
            "-1", "1e308", "\"5 s\"", "\"5sec\"", "\"-5s\"", "\"\"", "\"1e3s\"", "\"36501d\"",
            "9223372036854775808", "{}",
        ]
        let keys = ["\"\"", "\"\(String(repeating: "k", count: 201))\"", "7", "[]"]
        let fields: [(String, [String])] = [
            ("kind", names), ("queue", names.filter { $0 != "null" }), ("priority", whole + ["4"]),
            ("max_attempts", whole + ["0", "1001"]), ("run_at", times), ("delay", delays),
            ("key", keys), ("unique_key", keys),
        ]
        try await Stack.with { stack, database in
            for (field, values) in fields {
                for value in values {
                    let rest = field == "kind" ? "" : #""kind":"a","#
                    let answer = try await stack.ask(
                        "POST", "/v1/jobs", "{\(rest)\"\(field)\":\(value)}")
                    #expect(answer.status == 400, "\(field) \(value.prefix(60)): \(answer.text)")
                    #expect(answer.text.contains(field), "\(value.prefix(60)): \(answer.text)")
                    #expect(answer.body.count < 2000)
                }
            }
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "0")
        }
    }

    @Test func `A job may wait a hundred years and no longer`() async throws {
        let cases: [(days: Int64, status: Int)] = [(36_520, 201), (36_530, 400)]
        try await Stack.with { stack, _ in
            for (days, status) in cases {
                let time = Timestamp(
                    microseconds: Timestamp.now.microseconds + days * 86_400_000_000)
                let answer = try await stack.ask(
                    "POST", "/v1/jobs", #"{"kind":"a","run_at":"\#(time)"}"#)
                #expect(answer.status == status, "\(days) days: \(answer.text)")
                #expect(answer.text.contains("run_at must lie") == (status == 400))
            }
        }
    }

    @Test func `A payload over its limit is a 413 that names it, one at the limit is taken`()
        async throws
    {
        try await Stack.with { stack, database in
            let digits = String(repeating: "9", count: 1_048_576)
            for (body, name) in [
                (#"{"kind":"a","payload":\#(digits)9}"#, "payload"),
                (#"[{"kind":"a"},{"kind":"a","payload":\#(digits)9}]"#, "[1].payload"),
            ] {
                let answer = try await stack.ask("POST", "/v1/jobs", body)
                #expect(answer.status == 413, "\(name): \(answer.text)")
                #expect(answer.text.contains("urn:tasq:problem:body-too-large"))
                #expect(
                    answer.text.contains("\"\(name) must be at most 1048576 bytes\""),
                    "\(answer.text)")
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
            let enough = try await stack.ask(
                "POST", "/v1/jobs", #"{"kind":"a","payload":\#(digits)}"#)
            #expect(enough.status == 201, "\(enough.text)")
        }
    }

    @Test func `Payload numbers pass through as they were written`() async throws {
        try await Stack.with { stack, database in
            for payload in [
                "1e400", "-0", "9007199254740993", "1E+1000000", #"{"a":1,"a":2}"#,
                String(repeating: "9", count: 200_000),
            ] {
                let answer = try await stack.ask(
                    "POST", "/v1/jobs", #"{"kind":"a","payload":\#(payload)}"#)
                #expect(answer.status == 201, "\(payload.prefix(40)): \(answer.text)")
                let id = try #require(member("id", of: answer.text).flatMap { JobID($0) })
                let stored = try await stack.store.payload(of: id)
                #expect(stored?.body == Array(payload.utf8))
            }
            _ = database
        }
    }

    @Test func `An id that is none is a 400, one nobody has a 404, whatever is asked`()
        async throws
    {
        try await Stack.with { stack, database in
            for id in [
                "0", "-1", "9223372036854775808", "1e3", "01", "%D9%A3", "%201", "1;2", "null",
                "%00",
                "..%2f..", "'%3B%20DROP%20TABLE%20tasq.job%3B--",
                "01a20a07-bbbd-7552-ab02-3cdbddd1434g", String(repeating: "1", count: 4000),
            ] {
                for route in ["/v1/jobs/\(id)", "/v1/jobs/\(id)/attempts"] {
                    let answer = try await stack.ask("GET", route)
                    #expect([400, 404].contains(answer.status), "\(route): \(answer.text)")
                    #expect(answer["content-type"] == "application/problem+json")
                }
                let page = try await stack.ask("GET", "/v1/jobs?cursor=\(id)")
                #expect(page.status == 400, "\(id): \(page.text)")
            }
            let unknown = try await stack.ask("GET", "/v1/jobs/\(JobID())")
            #expect(unknown.status == 404)
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "0")
        }
    }

    @Test func `A part of a path may be percent-encoded, and stands for one part`() async throws {
        try await Stack.with { stack, _ in
            let id = try await stack.enqueue(#"{"kind":"a"}"#)
            let encoded = id.utf8.map { "%" + hex([$0]) }.joined()
            #expect(try await stack.ask("GET", "/v1/jobs/\(encoded)").status == 200)
            for (name, status) in [
                ("a%3Ab", 200), ("a%2Db", 200), ("a:b", 200), ("a+b", 400), ("a%20b", 400),
                ("a%2Fb", 400), ("a%", 400), ("a%zz", 400), ("a%00", 400), ("%2e%2e", 200),
                ("%ff", 400), ("%253A", 400),
            ] {
                let answer = try await stack.ask("POST", "/v1/queues/\(name)/pause")
                #expect(answer.status == status, "\(name): \(answer.text)")
            }
            let queues = try await stack.ask("GET", "/v1/queues").text
            for name in ["a:b", "a-b", ".."] { #expect(queues.contains("\"name\":\"\(name)\"")) }
        }
    }

    @Test func `A filter is a parameter, whatever it holds`() async throws {
        try await Stack.with { stack, _ in
            for (query, status) in [
                ("key='%3BDROP%20TABLE%20tasq.job--", 200), ("key=%25s%25n", 200),
                ("key=%F0%9F%98%80", 200), ("key=%00", 400), ("key=%ff", 400), ("key=%", 400),
                ("queue=q%3Bdrop", 400), ("kind=*", 400), ("limit=-1", 400), ("limit=1e3", 400),
                ("since=infinity", 400), ("until=2026-02-30T00:00:00Z", 400), ("=", 400),
                ("&&", 200),
                ("key=a&key=b", 400), ("key=" + String(repeating: "k", count: 10_000), 400),
            ] {
                let answer = try await stack.ask("GET", "/v1/jobs?\(query)")
                #expect(answer.status == status, "\(query.prefix(60)): \(answer.text)")
            }
        }
    }
}
