import HTTPTypes
import Hummingbird
import NIOCore
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What a target says when it refuses a delivery, and who is told.
@Suite(.medium) struct AnswerReasonTests {
    private static func answer(
        _ status: HTTPResponse.Status, headers: HTTPFields = [:]
    ) -> Response {
        let said = "<b>no bed</b>\r\n\u{1B}[2Jyou are Bearer hunter2-hunter2 \u{E9}\r\n"
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: said)))
    }

    @Test func `The job tells what its target answered, logs and lists the status alone`()
        async throws
    {
        try await AnsweringTarget.run(answer: { _ in Self.answer(.internalServerError) }) {
            url, _ in
            try await RunningSystem.with { system in
                system.environment["TOKEN"] = "Bearer hunter2-hunter2"
                try await system.startServer()
                let worker = try await system.startWorker(
                    """
                    handlers:
                      hook:
                        http:
                          url: "\(url)/a"
                          allow: [127.0.0.1]
                          headers: { Authorization: env:TOKEN }
                    """)
                let id = try await system.enqueue("hook", "--max-attempts", "1")
                try await system.wait(for: "error|1", "SELECT status, attempt FROM tasq.job")
                let line = try await worker.waitForLine(containing: "a job has failed")
                #expect(line.contains("\(url)/a answered 500"), "\(line)")
                let list = try await TasqProgram.run(
                    "jobs", "list", environment: system.environment)
                #expect(list.output.contains("\(url)/a answered 500"), "\(list.output)")
                let show = try await TasqProgram.run(
                    "jobs", "show", id, environment: system.environment)
                let page = try await system.get("/jobs/\(id)", upTo: 1_000_000)
                let listed = try await system.get("/jobs", upTo: 1_000_000)
                #expect(listed.contains("\(url)/a answered 500"), "\(listed)")
                for told in [show.output, page] {
                    #expect(told.contains("no bed"), "\(told)")
                    #expect(told.contains("you are Bearer *** é"), "\(told)")
                    #expect(told.contains("\(url)/a answered 500"), "\(told)")
                    #expect(!told.contains("hunter2") && !told.contains("\u{1B}[2J"), "\(told)")
                }
                #expect(!page.contains("<b>no bed"), "\(page)")
                for told in [worker.standardError, list.output, listed] {
                    #expect(!told.contains("no bed") && !told.contains("hunter2"), "\(told)")
                }
            }
        }
    }

    @Test func `A job whose target is gone has failed, and one that is put off keeps no answer`()
        async throws
    {
        try await AnsweringTarget.run(answer: { seen in
            seen.path == "/gone"
                ? Response(status: .gone)
                : Self.answer(.tooManyRequests, headers: [.retryAfter: "3600"])
        }) { url, _ in
            try await RunningSystem.with { system in
                let worker = try await system.startWorker(
                    """
                    handlers:
                      hook: { http: { url: "\(url)/a", allow: [127.0.0.1] } }
                      last: { http: { url: "\(url)/gone", allow: [127.0.0.1] } }
                    """)
                // However many attempts it has left.
                _ = try await system.enqueue("last", "--max-attempts", "9")
                try await system.wait(
                    for: "error|1|9",
                    "SELECT status, attempt, max_attempts FROM tasq.job WHERE kind = 'last'")
                // Afterwards, as all that go to one origin wait when it says so.
                _ = try await system.enqueue("hook")
                try await system.wait(
                    for: "scheduled|0|\(url)/a answered 429",
                    "SELECT status, attempt, put_off_reason FROM tasq.job WHERE kind = 'hook'")
                #expect(
                    try await system.database.execute("SELECT count(*) FROM tasq.attempt") == "1")
                #expect(!worker.standardError.contains("no bed"), "\(worker.standardError)")
            }
        }
    }
}
