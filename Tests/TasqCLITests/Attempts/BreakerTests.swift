import HTTPTypes
import Hummingbird
import Synchronization
import Tasq
import TasqHTTP
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// Targets that fail and hang, seen from outside.
@Suite(.medium) struct BreakerTests {
    private func page(_ metrics: String) async throws -> Exposition {
        let request = try TasqWebhooks.HTTPRequest(url: metrics + "/metrics")
        return try Exposition(try await request.answer().text)
    }

    @Test func `Jobs of a target that fails wait without attempts and tell why until it is well`()
        async throws
    {
        let isWell = Signal()
        try await AnsweringTarget.run(answer: { _ in
            isWell.isRaised ? Response(status: .ok) : AnsweringTarget.broken
        }) { url, target in
            try await RunningSystem.with { system in
                let worker = try await system.startWorker(
                    """
                    worker: { listen: "127.0.0.1:0" }
                    handlers:
                      hook:
                        http: { url: "\(url)/a?t=hush", allow: [127.0.0.1], breaker: 3 }
                        retry: { base: 100ms, factor: 1, jitter: 0 }
                    """)
                let line = try await worker.waitForLine(containing: "metrics http://")
                let metrics = String(line.dropFirst("metrics ".count))
                let well = try await page(metrics)
                #expect(well["tasq_targets_held_back"] == 0)
                #expect(well["tasq_deliveries_held_back_total"] == 0)
                let lines = String(repeating: #"{"kind":"hook"}"# + "\n", count: 60)
                let stored = try await TasqProgram.run(
                    "enqueue", "--ndjson", "-", environment: system.environment, input: lines)
                #expect(stored.exit == .code(0), "\(stored.errors)")
                try await eventually("a job that is held back tells why") {
                    let id = try await system.database.execute(
                        """
                        SELECT id FROM tasq.job
                        WHERE status = 'scheduled' AND put_off_reason LIKE '%in a row%'
                        ORDER BY run_at DESC LIMIT 1
                        """)
                    guard !id.isEmpty else { return false }
                    let told = try await TasqProgram.run(
                        "explain", id, environment: system.environment)
                    return told.output.contains(
                        "without an attempt spent: held back since \(url) failed")
                }
                let held = try await page(metrics)
                #expect(held["tasq_targets_held_back"] == 1)
                #expect(held["tasq_deliveries_held_back_total"] ?? 0 > 0)
                try await system.startServer()
                let told = try TasqWebhooks.HTTPRequest(url: system.admin + "/v1/held-back")
                try await eventually("the server tells what is held back") {
                    try await told.answer().text.contains(
                        "{\"target\":\"\(url)\",\"state\":\"failing\",\"jobs\":")
                }
                isWell.raise()
                try await system.wait(
                    for: "success|60", "SELECT status, count(*) FROM tasq.job GROUP BY status")
                // Each attempt was a request, and nothing that was held back was an attempt.
                #expect(
                    try await system.database.execute("SELECT sum(attempt) FROM tasq.job")
                        == "\(target.requests.count)")
                _ = try await worker.waitForLine(
                    containing: "a target fails: deliveries to it are held back")
                _ = try await worker.waitForLine(containing: "a target is well again")
                #expect(!worker.standardError.contains("hush"), "\(worker.standardError)")
                #expect(try await page(metrics)["tasq_targets_held_back"] == 0)
            }
        }
    }

    @Test func `A job that is held back for longer than put_off says spends attempts again`()
        async throws
    {
        // The one that tries is the other kind's: both are of one origin.
        try await AnsweringTarget.run(answer: { _ in AnsweringTarget.broken }) { url, target in
            try await RunningSystem.with { system in
                let rest = "allow: [127.0.0.1], breaker: 1"
                try await system.startWorker(
                    """
                    handlers:
                      first: { http: { url: "\(url)/first", \(rest) }, retry: { base: 1h, cap: 1h } }
                      held:
                        http: { url: "\(url)/held", \(rest), put_off: 0s }
                        retry: { base: 1h, cap: 1h, jitter: 0 }
                    """)
                _ = try await system.enqueue("first")
                try await system.wait(
                    for: "scheduled|1", "SELECT status, attempt FROM tasq.job WHERE kind = 'first'")
                let id = try await system.enqueue("held", "--max-attempts", "1")
                try await system.wait(
                    for: "error|1", "SELECT status, attempt FROM tasq.job WHERE id = '\(id)'")
                let reason = try await system.database.execute(
                    "SELECT reason FROM tasq.attempt WHERE job_id = '\(id)'")
                // It says that it was held back, or it was the one to try, where a second had gone by.
                let tried = target.requests.count { $0.path == "/held" }
                #expect(
                    tried == 1 ? reason.hasSuffix("answered 500") : reason.contains("failed once"),
                    "\(reason)")
            }
        }
    }

    @Test func `A target that hangs leaves most slots of its worker to the others`() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let mayAnswer = Signal()
        let asked = Asked()
        let receiver = Receiver(onListening: { continuation.yield($0) }) { _ in
            asked.add()
            await mayAnswer.wait()
            return 200
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receiver.run() }
            defer {
                mayAnswer.raise()
                group.cancelAll()
            }
            let port = try #require(await ports.first { _ in true })
            try await AnsweringTarget.run(answer: { _ in Response(status: .ok) }) { url, target in
                try await RunningSystem.with { system in
                    let lines =
                        String(repeating: #"{"kind":"dead"}"# + "\n", count: 200)
                        + String(repeating: #"{"kind":"live"}"# + "\n", count: 50)
                    let stored = try await TasqProgram.run(
                        "enqueue", "--ndjson", "-", environment: system.environment, input: lines)
                    #expect(stored.exit == .code(0), "\(stored.errors)")
                    try await system.startWorker(
                        """
                        worker: { concurrency: 8 }
                        handlers:
                          dead: { http: { url: "http://127.0.0.1:\(port)/", allow: [127.0.0.1], timeout: 1h } }
                          live: { http: { url: "\(url)/", allow: [127.0.0.1] } }
                        """)
                    try await system.wait(
                        for: "50",
                        "SELECT count(*) FROM tasq.job WHERE kind = 'live' AND status = 'success'")
                    #expect(target.requests.count == 50)
                    try await eventually("the dead one holds a quarter of the slots") {
                        asked.count == 2
                    }
                    #expect(
                        try await system.database.execute(
                            "SELECT count(*) FROM tasq.job WHERE kind = 'dead' AND attempt > 1")
                            == "0")
                    try await eventually("the others are put off and tell why") {
                        try await system.database.execute(
                            """
                            SELECT count(*) > 0 FROM tasq.job
                            WHERE kind = 'dead' AND put_off_reason LIKE '%has not answered 2 others yet'
                            """) == "t"
                    }
                    #expect(asked.count == 2)
                    mayAnswer.raise()
                    try await system.wait(
                        for: "success|250|1",
                        "SELECT status, count(*), max(attempt) FROM tasq.job GROUP BY status")
                }
            }
        }
    }

    /// Counts requests.
    private final class Asked: Sendable {
        private let total = Atomic(0)

        var count: Int { total.load(ordering: .relaxed) }

        func add() {
            total.add(1, ordering: .relaxed)
        }
    }
}
