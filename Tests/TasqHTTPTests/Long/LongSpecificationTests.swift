import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The specification judged by programs that know nothing of tasq: openapi-spec-validator, and
/// schemathesis against the live server. Both are from PyPI; `compose/test --long` installs them.
@Suite(.enabled(if: LongServer.isAskedFor), .serialized, .large(limit: .seconds(1800)))
struct LongSpecificationTests {
    private static let python = ProcessInfo.processInfo.environment["TASQ_TEST_PYTHON"]

    @Test(.enabled(if: python != nil)) func `A validator accepts the specification`() async throws {
        let file = NSTemporaryDirectory() + "tasq-\(UUID().uuidString).yaml"
        try Data(SpecificationRoute.document).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let validator = try await ChildProcess.start(
            try #require(Self.python), ["-m", "openapi_spec_validator", file])
        #expect(try await validator.wait() == .code(0), "\(validator.lines)")
    }

    /// What it allows is taken, and what it does not is refused.
    @Test(.enabled(if: python != nil), arguments: ["positive", "negative"])
    func `The server does what the specification says, whatever is asked`(
        mode: String
    ) async throws {
        let token = "fuzzing"
        let folder = NSTemporaryDirectory() + "tasq-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let specification = folder + "/openapi.yaml"
        let text =
            mode == "positive"
            ? Data(try NarrowedSpecification.text().utf8) : Data(SpecificationRoute.document)
        try text.write(to: URL(fileURLWithPath: specification))
        // What is valid is the other mode's matter: of a zone's name, or a cron text, no schema says
        // whether there is such a one, and there the specification is narrowed.
        // 422 is for an Idempotency-Key, or a bulk action's id, that another request came with: no schema
        // says that. 431 is for a request whose query is too long as a whole. A bulk action that is called
        // off can still be looked at.
        try Data(
            """
            [checks.positive_data_acceptance]
            enabled = \(mode == "positive")
            expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429, 503]
            [checks.negative_data_rejection]
            expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 431, 503]
            [[operations]]
            include-path = "/v1/bulk/{id}"
            checks.use_after_free.enabled = false
            """.utf8
        ).write(to: URL(fileURLWithPath: folder + "/schemathesis.toml"))
        try await LongServer.with(["TASQ_ADMIN_TOKEN": token]) { server in
            try await fill(server)
            let run = try await ChildProcess.start(
                try #require(Self.python),
                [
                    "-m", "schemathesis.cli", "run", specification,
                    "--url", "http://\(server.admin)",
                    "--header", "Authorization: Bearer \(token)", "--max-examples", "300",
                    "--mode", mode,
                    // A stream of events has no end to wait for; StreamTests reads it.
                    "--exclude-path", "/v1/stream", "--request-timeout", "40", "--no-color",
                    "--continue-on-failure", "--generation-database", "none",
                    // A NUL somewhere within a payload: nor does a schema say that.
                    "--generation-allow-x00", "false",
                ], directory: folder)
            let exit = try await run.wait(within: .seconds(1500))
            print(run.standardOutput.split(separator: "\n").suffix(30).joined(separator: "\n"))
            #expect(exit == .code(0), "\(failures(in: run.standardOutput))")
            #expect(server.process.exit == nil)
            #expect(!server.process.standardError.contains("fatal"))
        }
    }

    /// What it found: the beginning, as a request alone may be tens of thousands of characters long.
    private func failures(in output: String) -> Substring {
        (output.firstRange(of: "= FAILURES =").map { output[$0.lowerBound...] } ?? output[...])
            .prefix(10_000)
    }

    /// Something of every kind to be found: events, and jobs in every status.
    private func fill(_ server: LongServer) async throws {
        for _ in 0..<20 {
            _ = try await RawConnection.open(to: server.ingest) { connection in
                try await server.post(on: &connection)
            }
        }
        _ = try await server.postgres.execute(
            """
            SELECT tasq.enqueue('a', key => 'k') FROM generate_series(1, 50);
            SELECT tasq.enqueue('b', run_at => now() + interval '1 hour')
            FROM generate_series(1, 50);
            UPDATE tasq.job SET status = 'error', finished_at = now()
            WHERE id IN (SELECT id FROM tasq.job WHERE kind = 'a' LIMIT 10);
            UPDATE tasq.job SET status = 'success', finished_at = now()
            WHERE id IN (SELECT id FROM tasq.job WHERE kind = 'a' AND status = 'queued' LIMIT 10);
            UPDATE tasq.job SET status = 'cancelled', finished_at = now()
            WHERE id IN (SELECT id FROM tasq.job WHERE kind = 'b' LIMIT 10)
            """)
    }
}
