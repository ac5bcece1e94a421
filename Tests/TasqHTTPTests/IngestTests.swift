import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.medium)
struct IngestTests {
    @Test func `A signed event is answered with 202 once it and its job are committed`()
        async throws
    {
        try await Stack.with { stack, database in
            let answer = try await stack.deliver(Array("{}".utf8), delivery: "d-1")
            #expect(answer.status == 202)
            #expect(answer["content-type"] == "application/json")
            #expect(answer["cache-control"] == "no-store")
            #expect(answer["x-content-type-options"] == "nosniff")
            let id = try #require(member("id", of: answer.text))
            let row = try await database.execute(
                """
                SELECT p.source, p.event_id, j.id, j.kind, j.queue, j.status, j.max_attempts
                FROM tasq.payload p JOIN tasq.job j ON j.payload_id = p.id WHERE p.id = '\(id)'
                """)
            let columns = row.split(separator: "|").map(String.init)
            try #require(columns.count == 7)
            #expect(answer.text == #"{"id":"\#(id)","jobs":["\#(columns[2])"]}"#)
            #expect(columns[0] == "github" && columns[1] == "d-1")
            #expect(columns[3...4] == ["push", "hooks"] && columns[5] == "queued")
        }
    }

    @Test func `A second delivery is a duplicate, answered with the first one's id`()
        async throws
    {
        try await Stack.with { stack, database in
            let first = try await stack.deliver(Array("{}".utf8), delivery: "d-1")
            let second = try await stack.deliver(Array("{ }".utf8), delivery: "d-1")
            let id = try #require(member("id", of: first.text))
            #expect(second.status == 200)
            #expect(
                second.text
                    == #"{"id":"\#(id)","duplicate":true,"replay":"/v1/events/\#(id)/replay"}"#)
            let other = try await stack.deliver(
                Array("{}".utf8), to: "paddle", delivery: "d-1")
            #expect(other.status == 200)
            #expect(member("id", of: other.text) != id)
            #expect(try await rows(of: database) == "2|2")
        }
    }

    @Test func `An event id that is not UTF-8 is refused by the name of its header`()
        async throws
    {
        let ids: [[UInt8]] = [
            [0xFF], [0xFE], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], Array("\u{FFFD}".utf8),
        ]
        try await Stack.with { stack, database in
            let head =
                "POST /in/github HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                + "X-Hub-Signature-256: \(Stack.signature(of: Array("{}".utf8)))\r\n"
                + "X-GitHub-Delivery: "
            for id in ids {
                let request = Array(head.utf8) + id + Array("\r\n\r\n{}".utf8)
                let answer = try await RawConnection.open(to: stack.ingest) { connection in
                    try await connection.send(request)
                    return try await connection.answer()
                }
                let text = answer?.text ?? ""
                #expect(answer?.status == 400, "\(id): \(text)")
                #expect(text.contains("urn:tasq:problem:malformed-request"), "\(id): \(text)")
                #expect(text.contains("header x-github-delivery names the event"), "\(text)")
            }
            #expect(try await rows(of: database) == "0|0")
            #expect(try await stack.deliver(Array("{}".utf8), delivery: "é").status == 202)
        }
    }

    @Test func `An event id that is there twice is refused unless both say the same`()
        async throws
    {
        try await Stack.with { stack, database in
            let body = Array("{}".utf8)
            let different = try await stack.deliver(
                body, delivery: "a", headers: ["x-github-delivery: b"])
            #expect(different.status == 400)
            #expect(different.text.contains("header x-github-delivery names the event"))
            #expect(try await rows(of: database) == "0|0")
            let same = try await stack.deliver(
                body, delivery: "a", headers: ["x-github-delivery: a"])
            #expect(same.status == 202)
            #expect(try await stack.deliver(body, delivery: "a").status == 200)
            let forged = try await stack.deliver(
                body, delivery: "a", signature: "sha256=00", headers: ["x-github-delivery: b"])
            #expect(forged.status == 401)
        }
    }

    @Test func `A hundred posts of one provider id at once make one event and one job`()
        async throws
    {
        try await Stack.with { stack, database in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await stack.deliver(Array("{}".utf8), delivery: "same").status
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [202: 1, 200: 99])
            #expect(try await rows(of: database) == "1|1")
        }
    }

    @Test func `Every cause of a refusal gives the same 401, and no row`() async throws {
        try await Stack.with { stack, database in
            let body = Array(#"{"a":1}"#.utf8)
            let right = Stack.signature(of: body)
            let wrong = [
                "sha256=" + String(repeating: "0", count: 64), "", "sha256=", "sha1=abc", "x",
                String(right.dropLast()), right + "0", right.uppercased() + "!",
                "sha256=" + String(repeating: "é", count: 32),
                String(repeating: "v1=00,", count: 2000),
            ]
            var bodies: Set<String> = []
            for signature in wrong {
                let answer = try await stack.deliver(body, signature: signature)
                #expect(answer.status == 401, "\(signature.prefix(20))")
                bodies.insert(withoutRequestID(answer.text))
            }
            for altered in [body + [0x20], body + [0x0d, 0x0a], [0xef, 0xbb, 0xbf] + body] {
                let answer = try await stack.deliver(altered, signature: right)
                #expect(answer.status == 401)
                bodies.insert(withoutRequestID(answer.text))
            }
            let twice = try await stack.deliver(
                body, headers: ["X-Hub-Signature-256: \(right)"])
            bodies.insert(withoutRequestID(twice.text))
            #expect(
                bodies == [
                    #"{"type":"urn:tasq:problem:verification-failed","title":"Verification "#
                        + #"failed","status":401,"code":"verification-failed"}"#
                ])
            #expect(try await rows(of: database) == "0|0")
        }
    }

    @Test(
        arguments: [
            Array(#"{"a":"\u0000"}"#.utf8), Array(#"{"b":1,"a":1,  "a":2}"#.utf8),
            [0x7b, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x7d], [UInt8](repeating: 0x5b, count: 65_536),
            Array("1e400".utf8), [], Array("a=1&a=2&b=%00".utf8), Array("<x/>\r\n".utf8),
            [UInt8](0...255), [UInt8](repeating: 0x78, count: 1_048_576),
        ].map(Long.init))
    func `The body in the table is the body that was sent`(_ long: Long<[UInt8]>) async throws {
        let body = long.value
        try await Stack.with { stack, database in
            let answer = try await stack.deliver(body)
            #expect(answer.status == 202)
            let id = try #require(member("id", of: answer.text))
            let digest = try await database.execute(
                "SELECT length(body), md5(body) FROM tasq.payload WHERE id = '\(id)'")
            let job = try #require(
                try await stack.store.jobs(matching: JobFilter(), after: nil, limit: 1).jobs.first)
            let stored = try #require(try await stack.store.payload(of: job.id))
            #expect(stored.body == body, "\(digest)")
        }
    }

    @Test func `A body over the limit is refused in either framing, and makes no row`()
        async throws
    {
        try await Stack.with { stack, database in
            let body = [UInt8](repeating: 0x78, count: 1_048_577)
            #expect(try await stack.deliver(body).status == 413)
            let chunked = try await RawConnection.open(to: stack.ingest) { connection in
                let head = [
                    "POST /in/github HTTP/1.1", "Host: a", "Transfer-Encoding: chunked",
                    "X-Hub-Signature-256: \(Stack.signature(of: body))",
                ]
                do {
                    try await connection.send(
                        head.joined(separator: "\r\n") + "\r\n\r\n100001\r\n")
                    try await connection.send(body + Array("\r\n0\r\n\r\n".utf8))
                } catch {}
                return try await connection.answer()
            }
            #expect(chunked?.status == 413)
            #expect(try await rows(of: database) == "0|0")
        }
    }

    @Test func `Only POST to a known source is served`() async throws {
        try await Stack.with { stack, _ in
            let paths: [(String, Int)] = [
                ("/in/github", 405), ("/in/nobody", 404), ("/in/", 404), ("/in", 404), ("/", 404),
                ("/in/../v1/jobs", 404), ("/in/%2e%2e/v1/jobs", 404), ("/in/github%00", 404),
                ("/in/github/", 405), ("/in/github//", 404), ("//in/github", 404),
                ("/in/%67ithub", 404),
                ("/in/github%2f", 404), ("/v1/jobs", 404), ("/metrics", 404), ("/healthz", 404),
                ("/in/" + String(repeating: "x", count: 10_000), 404),
                ("/in/github?x=/../", 405), ("*", 404), ("http://hooks.example.com/in/github", 405),
            ]
            for (path, status) in paths {
                for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
                    if path == "*", method != "OPTIONS" { continue }
                    let answer = try await RawConnection.open(to: stack.ingest) { connection in
                        try await connection.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                        return try await connection.answer(toHead: method == "HEAD")
                    }
                    #expect(answer?.status == status, "\(method) \(path.prefix(50))")
                    if status == 405 { #expect(answer?["allow"] == "POST") }
                }
            }
            let unknown = try await stack.deliver([], to: "nobody")
            #expect(unknown.status == 404)
            #expect(member("code", of: unknown.text) == "unknown-source")
            // A slash at the end is what many a form for a URL makes of it.
            #expect(try await stack.deliver([], to: "github/").status == 202)
        }
    }

    @Test func `An encoded body is refused, an identity one is not`() async throws {
        try await Stack.with { stack, _ in
            for (coding, status) in [
                ("gzip", 415), ("br", 415), ("identity, gzip", 415), ("identity", 202),
                ("Identity", 202),
            ] {
                let answer = try await stack.deliver(
                    Array("{}".utf8), headers: ["Content-Encoding: \(coding)"])
                #expect(answer.status == status, "\(coding)")
                if status == 415 {
                    #expect(member("code", of: answer.text) == "unsupported-encoding")
                }
            }
        }
    }

    /// Each is signed: taken for a request, it would leave a row.
    @Test func `What is no request is refused without a row, and the next delivery is taken`()
        async throws
    {
        try await Stack.with { stack, database in
            let body = Array("{}".utf8)
            let head =
                "POST /in/github HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: push\r\n"
                + "X-Hub-Signature-256: \(Stack.signature(of: body))\r\n"
            let many = (0..<200).map { "X-\($0): y" }.joined(separator: "\r\n")
            let long = "X-Long: " + String(repeating: "x", count: 60_000)
            let trials: [(rest: String, status: Int)] = [
                ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
                ("Content-Length: +2\r\n\r\n{}", 400), ("Content-Length: 2\n\n{}", 400),
                // The client hangs up before the third byte.
                ("Content-Length: 3\r\n\r\n{}", 400),
                ("\(many)\r\nContent-Length: 2\r\n\r\n{}", 431),
                ("\(long)\r\nContent-Length: 2\r\n\r\n{}", 431),
            ]
            for (rest, status) in trials {
                let said = try await RawConnection.exchange(
                    with: stack.ingest, Array((head + rest).utf8), thenFinish: true)
                let shown = "\(rest.prefix(40)): \(said.prefix(200))"
                #expect(said.hasPrefix("HTTP/1.1 \(status) "), "\(shown)")
            }
            #expect(try await rows(of: database) == "0|0")
            #expect(try await stack.deliver(body).status == 202)
            #expect(try await rows(of: database) == "1|1")
        }
    }

    @Test func `A source answers with the success status it was given`() async throws {
        try await Stack.with { stack, _ in
            #expect(try await stack.deliver([], to: "paddle").status == 200)
            let silent = try await stack.deliver([], to: "silent")
            #expect(silent.status == 204)
            #expect(silent["content-length"] == nil)
        }
    }

    @Test func `Without PostgreSQL it is 503 with Retry-After, and 202 again afterwards`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        try await Stack.migrate(url)
        try await Stack.with(url: url) { stack in
            #expect(try await stack.deliver(Array("1".utf8), delivery: "a").status == 202)
            #expect(try await stack.ask("GET", "/readyz").status == 200)
            await server.stop(.immediate)
            for _ in 0..<3 {
                let refused = try await stack.deliver(Array("2".utf8), delivery: "b")
                #expect(refused.status == 503)
                #expect(member("code", of: refused.text) == "not-durable")
                #expect((1...10).contains(Int(refused["retry-after"] ?? "") ?? 0))
            }
            let ready = try await stack.ask("GET", "/readyz")
            #expect(ready.status == 503)
            #expect(
                ready.text == #"{"status":"unavailable","postgres":"down","redis":"none"}"#)
            #expect(try await stack.ask("GET", "/healthz").status == 200)
            #expect(
                try await stack.ask("POST", "/v1/jobs", #"{"kind":"noop"}"#).status == 503)
            let unread = try await stack.ask("GET", "/v1/jobs")
            #expect(unread.status == 503 && member("code", of: unread.text) == "unavailable")
            try await server.restart()
            try await eventually("the listener commits again") {
                [200, 202].contains(
                    try await stack.deliver(Array("2".utf8), delivery: "b").status)
            }
            #expect(
                try await server.execute(
                    "SELECT count(*) FROM tasq.payload", in: "postgres") == "2")
        }
        await server.stop()
    }

    private func rows(of database: TestDatabase) async throws -> String {
        try await database.execute(
            "SELECT (SELECT count(*) FROM tasq.payload), (SELECT count(*) FROM tasq.job)")
    }

    private func withoutRequestID(_ text: String) -> String {
        guard let start = text.firstRange(of: ",\"request\":\"") else { return text }
        return String(text[..<start.lowerBound] + text[start.upperBound...].dropFirst(37))
    }
}
