import Foundation
import Tasq
import TasqHTTP
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Webhooks of up to 32 MiB from the request to the handler.
@Suite(.medium) struct LargeWebhookTests {
    private static let limit = 25 * LargeFile.mebibyte
    private static let sources = """
        gh: { verify: github, secrets: [env:SECRET], kind: run, body: 25MiB }
          gz: { verify: github, secrets: [env:SECRET], kind: run, body: 25MiB, decode: gzip }
          far: { verify: github, secrets: [env:SECRET], kind: nap, body: 25MiB }
          small: { verify: github, secrets: [env:SECRET], kind: run }
        """
    private static let handlers = """
        run: { command: [/bin/sh, -c, 'sha256sum > "$0"', "OUT"] }
          nap: { noop: {}, queue: far }
        """

    @Test(arguments: ["gh", "gz"])
    func `A body of as many bytes as its source allows is run by a command, one more is refused`(
        source: String
    ) async throws {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let file = try await LargeFile.json(Self.limit, isRandom: true)
            let more = try await LargeFile.json(Self.limit + 1, isRandom: true)
            try #require(try file.bytes.count == Self.limit)
            if source == "gz" {
                let packed = try await LargeFile("gzip -1 -c \(file.path)")
                let sent = try await path.post(
                    "gz", packed: packed.path, signing: packed.bytes)
                #expect(sent.hasPrefix("202 "), "\(sent)")
                let tooMuch = try await LargeFile("gzip -1 -c \(more.path)")
                let refused = try await path.post(
                    "gz", packed: tooMuch.path, signing: tooMuch.bytes)
                #expect(refused.hasPrefix("413 "), "\(refused)")
            } else {
                let sent = try await path.post("gh", file: file)
                #expect(sent.hasPrefix("202 "), "\(sent)")
                for framing in [[], ["Transfer-Encoding: chunked"]] {
                    let refused = try await path.post("gh", file: more, framing)
                    #expect(refused.hasPrefix("413 "), "\(refused)")
                    #expect(refused.contains("at most \(Self.limit) bytes"))
                }
                let other = try await path.post("small", file: file)
                #expect(other.hasPrefix("413 "), "\(other)")
            }
            try await path.untilSuccess(of: 1)
            #expect(try path.handled().prefix(64) == file.sha256)
            #expect(try await path.database.execute("SELECT count(*) FROM tasq.payload") == "1")
        }
    }

    @Test func `A target is posted a large body, whole`() async throws {
        let (port, ports) = AsyncStream.makeStream(of: Int.self)
        let (seen, deliveries) = AsyncStream.makeStream(of: Receiver.Delivery.self)
        let receiver = Receiver(bodyBytes: Self.limit, onListening: { ports.yield($0) }) {
            deliveries.yield($0)
            return 200
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receiver.run() }
            defer { group.cancelAll() }
            let target = try #require(await port.first { _ in true })
            let url = "http://127.0.0.1:\(target)/"
            let to = "http: { url: \"\(url)\", allow: [127.0.0.1], timeout: 1m }"
            try await WebhookPath.with(
                sources: Self.sources, handlers: "run: { \(to) }"
            ) { path in
                let file = try await LargeFile.json(Self.limit, isRandom: true)
                let sent = try await path.post("gh", file: file)
                #expect(sent.hasPrefix("202 "), "\(sent)")
                let delivery = try #require(await seen.first { _ in true })
                #expect(try delivery.body == file.bytes)
                try await path.untilSuccess(of: 1)
            }
        }
    }

    @Test
    func `A remote claim names a large body, which is read for as long as the claim is held`()
        async throws
    {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let file = try await LargeFile.json(Self.limit, isRandom: true)
            let sent = try await path.post("far", file: file)
            #expect(sent.hasPrefix("202 "), "\(sent)")
            let claim = try await path.claim(from: "far")
            #expect(claim.contains(#""payload_bytes":\#(Self.limit),"#), "\(claim.prefix(900))")
            let link = try #require(WebhookPath.member("payload_url", of: claim))
            let token = try #require(WebhookPath.member("token", of: claim))
            #expect(link == "/v1/claims/\(token)/payload")
            #expect(try await path.download(link, sha256: file.sha256) == "200 application/json")
            let event = try #require(WebhookPath.member("id", of: sent))
            let body = "/v1/events/\(event)/body"
            #expect(try await path.download(body, sha256: file.sha256) == "200 application/json")

            #expect(try await path.ask("POST", "/v1/claims/\(token)/success").hasPrefix("200 "))
            let late = try await path.ask("GET", link)
            #expect(late.hasPrefix("409 ") && late.contains("claim-lost"), "\(late.prefix(300))")
            #expect(try await path.ask("GET", "/v1/claims/x/payload").hasPrefix("400 "))

            // The example worker follows the link.
            #expect(try await path.ask("POST", "/v1/events/\(event)/replay").hasPrefix("202 "))
            let log = try TemporaryFile("", name: "runs")
            let worker = try await ChildProcess.start(
                "/usr/bin/env", ["python3", ForeignWorkerTests.script, "far"],
                environment: [
                    "TASQ_URL": path.admin, "EXAMPLE_LOG": log.path,
                    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
                ], directory: "/")
            try await path.untilSuccess(of: 2)
            #expect(try String(contentsOfFile: log.path, encoding: .utf8).contains("end "))
            worker.signal(SIGTERM)
            _ = try await worker.wait()
        }
    }

    @Test func `A large form is handed over as its JSON, wherever it is run`() async throws {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let json = try await LargeFile.json(300_000, isRandom: true)
            let form = try await LargeFile(
                #"printf 'a=1&payload='; sed 's/{/%7B/g; s/"/%22/g; s/=/%3D/g; s/ /+/g' "#
                    + json.path)
            for source in ["gh", "far"] {
                let sent = try await path.post(
                    source, file: form, type: "application/x-www-form-urlencoded")
                #expect(sent.hasPrefix("202 "), "\(sent)")
            }
            try await path.untilSuccess(of: 1)
            #expect(try path.handled().prefix(64) == json.sha256)
            let claim = try await path.claim(from: "far")
            #expect(claim.contains(#""content_type":"application/json""#))
            #expect(!claim.contains("tasq-form"))
            let link = try #require(WebhookPath.member("payload_url", of: claim))
            #expect(try await path.download(link, sha256: json.sha256) == "200 application/json")
        }
    }

    @Test func `A large form that lacks its field is handed over as the form it is`() async throws {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let type = "application/x-www-form-urlencoded"
            let form = try await LargeFile(
                "printf 'payload=%%7B%%7D&a='; head -c 300000 /dev/zero | tr '\\0' x")
            #expect(try await path.post("far", file: form, type: type).hasPrefix("202 "))
            // No sender does that; somebody may have written to the row.
            _ = try await path.database.execute(
                """
                UPDATE tasq.payload
                SET body = convert_to(replace(convert_from(body, 'UTF8'), 'payload', 'p'), 'UTF8')
                """)
            let left = try await LargeFile("sed s/payload/p/ \(form.path)")
            let claim = try await path.claim(from: "far")
            let link = try #require(WebhookPath.member("payload_url", of: claim))
            #expect(try await path.download(link, sha256: left.sha256) == "200 \(type)")
        }
    }

    @Test func `A job whose large body was removed after its claim ends in error`()
        async throws
    {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let file = try await LargeFile.json(LargeFile.mebibyte)
            _ = try await TasqProgram.run(
                "queues", "pause", "default", environment: path.environment)
            let sent = try await path.post("gh", file: file)
            let job = try #require(sent.firstRange(of: "\"jobs\":[\"")).upperBound
            let id = String(sent[job...].prefix(36))
            _ = try await path.database.execute(
                """
                CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN DELETE FROM tasq.payload; RETURN new; END';
                CREATE TRIGGER gone AFTER UPDATE ON tasq.job
                    FOR EACH ROW WHEN (new.status = 'executing') EXECUTE FUNCTION gone()
                """)
            _ = try await TasqProgram.run(
                "queues", "resume", "default", environment: path.environment)
            try await eventually("it has ended") {
                let shown = try await TasqProgram.run(
                    "jobs", "show", id, environment: path.environment)
                return shown.output.contains(ClaimedJob.bodyIsMissing)
            }
        }
    }

    @Test func `A body larger than any webhook's ends its job in error, and nobody reads it`()
        async throws
    {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let file = try await LargeFile.json(LargeFile.mebibyte)
            _ = try await TasqProgram.run(
                "queues", "pause", "default", environment: path.environment)
            for source in ["gh", "far"] { _ = try await path.post(source, file: file) }
            _ = try await path.database.execute(
                """
                UPDATE tasq.payload
                SET body = convert_to(repeat('x', \(JobLimits.eventBytes + 1)), 'UTF8')
                """)
            // The remote claim passes over the one and gets the other.
            _ = try await path.post("far", "{}", [])
            let claim = try await path.claim(from: "far")
            #expect(claim.contains(#""payload":{}"#), "\(claim.prefix(900))")
            _ = try await TasqProgram.run(
                "queues", "resume", "default", environment: path.environment)
            try await eventually("both have ended") {
                try await path.database.execute(
                    """
                    SELECT count(*) FROM tasq.attempt WHERE outcome = 'error'
                        AND reason LIKE '% \(JobLimits.eventBytes + 1) bytes, at most%'
                    """) == "2"
            }
            #expect(try path.handled().isEmpty)
        }
    }

    @Test func `The link to a large body that was removed is not found`() async throws {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let file = try await LargeFile.json(LargeFile.mebibyte)
            _ = try await path.post("far", file: file)
            let claim = try await path.claim(from: "far")
            _ = try await path.database.execute("DELETE FROM tasq.payload")
            let link = try #require(WebhookPath.member("payload_url", of: claim))
            #expect(try await path.ask("GET", link).hasPrefix("404 "))
        }
    }

    @Test func `What is stored of a large body is shown by its size`() async throws {
        try await WebhookPath.with(sources: Self.sources, handlers: Self.handlers) { path in
            let file = try await LargeFile.json(2 * LargeFile.mebibyte)
            let sent = try await path.post("gh", file: file)
            let job = try #require(sent.firstRange(of: "\"jobs\":[\"")).upperBound
            try await path.untilSuccess(of: 1)
            let id = String(sent[job...].prefix(36))
            let shown = try await TasqProgram.run("jobs", "show", id, environment: path.environment)
            #expect(shown.output.contains("2097152 bytes, application/json"), "\(shown.errors)")
            let document = try await TasqProgram.run(
                "jobs", "show", id, "--json", environment: path.environment)
            #expect(document.output.contains(#""bytes":2097152,"text":null"#))
        }
    }

    @Test(arguments: [
        ("body: 33MiB", "sources.s.body must be a size from 1 to 33554432 bytes"),
        ("body: 0", "sources.s.body must be"),
        ("body: 32MiB, decode: gzip, form: f", "limits.memory must be at least"),
    ])
    func `A source may not take more than there is room for`(
        entry: String, complaint: String
    ) async throws {
        let file = try TemporaryFile(
            """
            limits: { memory: 64MiB }
            sources:
              s: { verify: github, secrets: [x], \(entry) }
            """)
        let run = try await TasqProgram.run("config", "check", "--config", file.path)
        #expect(run.exit == .code(78))
        #expect(run.errors.contains(complaint), "\(run.errors)")
    }
}
