import Foundation
import NIOHTTP1
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// The trace context of whoever puts a job in, as its program finds it.
@Suite(.medium) struct TraceTests {
    @Test func `A trace reaches the run from the command line, from a request and from a webhook`()
        async throws
    {
        try await withDatabase { database in
            let seen = try TemporaryFile("")
            let file = try TemporaryFile(
                """
                sources: { hooks: { verify: github, secrets: [env:HOOKS], kind: hook } }
                handlers:
                  "*": { command: [/bin/sh, -c, 'echo "$TASQ_JOB_KIND $TRACEPARENT $TRACESTATE" \
                >> "$0"', '\(seen.path)'] }
                """)
            let environment = [
                "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_CONFIG": file.path, "HOOKS": "secret",
            ]
            let server = try await TasqProgram.start(["serve"], environment: environment)
            let worker = try await TasqProgram.start(["work"], environment: environment)
            let trace = { (number: Int) in
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333\(number)-01"
            }

            let traced = environment.merging(["TRACEPARENT": trace(1), "TRACESTATE": "a=1"]) { $1 }
            let lines = try TemporaryFile(#"{"kind":"line"}"#)
            for run in [
                try await TasqProgram.run("enqueue", "typed", environment: traced),
                try await TasqProgram.run("enqueue", "--ndjson", lines.path, environment: traced),
                try await TasqProgram.run("enqueue", "plain", environment: environment),
            ] { #expect(run.exit == .code(0), "\(run.errors)") }

            let admin = try await server.waitForLine(containing: "admin http://").dropFirst(6)
            var request = try HTTPRequest(url: admin + "/v1/jobs")
            request.method = .POST
            request.headers.add(name: "Traceparent", value: trace(2))
            request.headers.add(name: "Idempotency-Key", value: "k")
            request.body = Array(#"{"kind":"posted"}"#.utf8)
            #expect(try await request.answer().status == 201)

            let ingest = try await server.waitForLine(containing: "ingest http://").dropFirst(7)
            let sent = try await TasqProgram.run(
                "webhook", "send", "hooks", "--body", lines.path, "--to", ingest + "/in/hooks",
                "--header", "traceparent: \(trace(3))", environment: environment)
            #expect(sent.exit == .code(0), "\(sent.errors)")

            try await eventually("all five have run") { try Self.lines(of: seen).count == 5 }
            #expect(
                try Self.lines(of: seen).sorted() == [
                    "hook \(trace(3)) ", "line \(trace(1)) a=1", "plain  ", "posted \(trace(2)) ",
                    "typed \(trace(1)) a=1",
                ])
            for process in [server, worker] {
                process.signal(SIGTERM)
                #expect(try await process.wait() == .code(0))
            }
        }
    }

    private static func lines(of file: TemporaryFile) throws -> [Substring] {
        try String(contentsOfFile: file.path, encoding: .utf8).split(separator: "\n")
    }
}
