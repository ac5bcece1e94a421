import Foundation
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a job does not run, asked of a real system three ways: `tasq explain`, the API and the page
/// of the job on the dashboard. All three must name the same reason.
@Suite(.medium) struct ReasonTests {
    @Test func `Paused queue`() async throws {
        try await Fixture.with { system in
            try await system.startWorker()
            try await system.tasq("queues", "pause", "default")
            let id = try await system.tasq("enqueue", "noop")
            try await system.expect(id, .paused, "Its queue `default` is paused.")
        }
    }

    @Test func `No worker for the queue`() async throws {
        try await Fixture.with { system in
            let lonely = try await system.tasq("enqueue", "noop")
            try await system.expect(lonely, .noWorker, "No worker is alive.")
            try await system.startWorker()
            let id = try await system.tasq("enqueue", "noop", "--queue", "elsewhere")
            try await system.expect(
                id, .noWorker, "No live worker serves its queue `elsewhere`.")
        }
    }

    @Test func `Not due yet`() async throws {
        try await Fixture.with { system in
            try await system.startWorker()
            let id = try await system.tasq("enqueue", "noop", "--delay", "1h")
            try await system.expect(id, .notDue, "It is not due before 20")
        }
    }

    @Test func `Waiting for a retry`() async throws {
        try await Fixture.with { system in
            try await system.startWorker()
            let id = try await system.tasq("enqueue", "fails")
            try await system.wait(for: "scheduled|1", of: id)
            try await system.expect(id, .waitingForRetry, "Attempt 1 of 20 failed: ")
        }
    }

    @Test func `Put off by its target: until when, why, and that no attempt was spent`()
        async throws
    {
        try await AnsweringTarget.run(answer: { _ in AnsweringTarget.busy(for: 3600) }) { url, _ in
            try await Fixture.with(
                handler: #"hook: { http: { url: "\#(url)/", allow: [127.0.0.1] } }"#
            ) { system in
                try await system.startWorker()
                let id = try await system.tasq("enqueue", "hook")
                try await system.wait(for: "scheduled|0", of: id)
                let due = try await system.database.execute(
                    """
                    SELECT to_char(run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI')
                    FROM tasq.job
                    """)
                let said = try await system.expect(id, .putOff, "It is put off until \(due)")
                #expect(
                    said.contains("without an attempt spent: \(url) answered 429."), "\(said)")
                #expect(said.contains("put_off_since"), "\(said)")
                // Once an attempt has failed by itself it is not put off any more.
                try await system.database.execute(
                    "UPDATE tasq.job SET run_at = now(), status = 'queued', kind = 'fails'")
                try await system.wait(for: "scheduled|1", of: id)
                try await system.expect(id, .waitingForRetry, "Attempt 1 of 20 failed: ")
            }
        }
    }

    @Test func `The path of a target stands in the reason, its query does not`() async throws {
        try await AnsweringTarget.run(answer: { _ in AnsweringTarget.broken }) { url, _ in
            try await Fixture.with(
                handler: #"hook: { http: { url: "\#(url)/in/ci?t=hush", allow: [127.0.0.1] }, "#
                    + "retry: { base: 1h } }"
            ) { system in
                try await system.startWorker()
                let id = try await system.tasq("enqueue", "hook")
                try await system.wait(for: "scheduled|1", of: id)
                let said = try await system.expect(
                    id, .waitingForRetry,
                    "Attempt 1 of 20 failed: \(url)/in/ci answered 500; the next is due at ")
                #expect(!said.contains("hush"), "\(said)")
            }
        }
    }

    @Test func `Unknown kind`() async throws {
        try await Fixture.with { system in
            try await system.startWorker()
            let id = try await system.tasq("enqueue", "nobody-knows-me")
            try await system.expect(
                id, .unknownKind,
                "No live worker that serves its queue `default` has a handler for its kind "
                    + "`nobody-knows-me`.")
            try await system.wait(for: "queued|0", of: id)
        }
    }

    @Test func `Executing on a worker since a time`() async throws {
        try await Fixture.with { system in
            try await system.startWorker()
            let id = try await system.tasq("enqueue", "long")
            try await system.wait(for: "executing|1", of: id)
            let claim = try await system.database.execute(
                "SELECT worker_id FROM tasq.executing_job")
            let facts = try await system.expect(
                id, .executing, "Attempt 1 of 20 runs in process \(system.workerProcess) on ")
            #expect(facts.contains(claim) && facts.contains(" since 20"))
        }
    }

    @Test(arguments: [
        ("noop", Explanation.Reason.success, "It ended well at 20"),
        ("bad", .error, "It ended in error at 20"),
        ("called-off", .cancelled, "It was cancelled at 20"),
    ])
    func `Finished, whatever the end`(kind: String, reason: Explanation.Reason, sentence: String)
        async throws
    {
        try await Fixture.with { system in
            let id = try await system.tasq("enqueue", kind)
            if reason == .cancelled { try await system.tasq("jobs", "cancel", id) }
            try await system.startWorker()
            try await eventually("the job is over") {
                try await system.database.execute(
                    "SELECT status FROM tasq.job WHERE id = '\(id)'") == reason.rawValue
            }
            try await system.expect(id, reason, sentence)
        }
    }
}

/// A database, a server and, once it is started, a worker.
private final class Fixture {
    let database: TestDatabase
    private let admin: String
    private let handlers: TemporaryFile
    private var worker: ChildProcess?

    var workerProcess: Int32 { worker?.pid ?? 0 }

    static func with(
        handler: String = "", _ body: (Fixture) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let server = try await TasqProgram.start(
                ["serve"],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0",
                ])
            let line = try await server.waitForLine(containing: "admin http://")
            let system = try Fixture(
                database, String(line.dropFirst("admin ".count)), handler: handler)
            try await body(system)
            for process in [system.worker, server].compactMap({ $0 }) {
                process.signal(SIGTERM)
                #expect(try await process.wait() == .code(0), "\(process.standardError)")
            }
        }
    }

    private init(_ database: TestDatabase, _ admin: String, handler: String) throws {
        self.database = database
        self.admin = admin
        handlers = try TemporaryFile(
            """
            worker: { grace: 0s }
            handlers:
              noop: { noop: {} }
              long: { sleep: 1h }
              fails: { command: ["false"], retry: { base: 1h } }
              bad: { command: [/bin/sh, -c, exit 78] }
              \(handler)
            """)
    }

    func startWorker() async throws {
        let worker = try await TasqProgram.start(
            ["work", "--config", handlers.path], environment: ["DATABASE_URL": database.url])
        _ = try await worker.waitForLine(containing: "worker registered")
        self.worker = worker
    }

    @discardableResult
    func tasq(_ words: String...) async throws -> String {
        let child = try await TasqProgram.start(words, environment: ["DATABASE_URL": database.url])
        #expect(try await child.wait() == .code(0), "\(words): \(child.standardError)")
        return child.standardOutput
    }

    func wait(for row: String, of id: String) async throws {
        try await eventually("the job is \(row)") {
            try await database.execute(
                "SELECT status, attempt FROM tasq.job WHERE id = '\(id)'") == row
        }
    }

    /// Asks for the reason in every way; returns what the program says beside it.
    @discardableResult
    func expect(
        _ id: String, _ reason: Explanation.Reason, _ sentence: String,
        at location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let said = try await tasq("explain", id)
        #expect(said.hasPrefix(sentence), "\(said)", sourceLocation: location)
        let member = "\"reason\":\"\(reason.rawValue)\""
        let json = try await tasq("explain", id, "--json")
        #expect(json.contains(member), "\(json)", sourceLocation: location)
        let answer = try await get("/v1/jobs/\(id)/explain")
        #expect(answer.contains(member), "\(answer)", sourceLocation: location)
        let page = try await get("/jobs/\(id)")
        #expect(page.contains("data-reason=\"\(reason.rawValue)\""), sourceLocation: location)
        let shown = page.replacing("<code>", with: "`").replacing("</code>", with: "`")
        #expect(shown.contains("\">\(sentence)"), "\(page)", sourceLocation: location)
        return said
    }

    private func get(_ path: String) async throws -> String {
        let answer = try await HTTPRequest(url: admin + path).answer()
        #expect(answer.status == 200, "GET \(path)")
        return answer.text
    }
}
