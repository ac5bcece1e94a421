import HTTPTypes
import Hummingbird
import Synchronization
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Targets that say "later", seen from outside.
@Suite(.medium) struct PutOffTests {
    /// Takes so many requests in any second and answers 429 otherwise.
    private final class Limiter: Sendable {
        private let taken = Mutex<[ContinuousClock.Instant]>([])
        private let limit: Int

        init(limit: Int) {
            self.limit = limit
        }

        func answer() -> Response {
            let now = ContinuousClock.now
            return taken.withLock { taken in
                taken.removeAll { $0 <= now - .seconds(1) }
                guard taken.count < limit else {
                    return Response(status: .tooManyRequests, headers: [.retryAfter: "2"])
                }
                taken.append(now)
                return Response(status: .ok)
            }
        }
    }

    @Test func `A target with a limit gets every job in its first attempt, and little more`()
        async throws
    {
        let limiter = Limiter(limit: 20)
        try await AnsweringTarget.run(answer: { _ in limiter.answer() }) { url, target in
            try await RunningSystem.with { system in
                let lines = String(
                    repeating: #"{"kind":"hook","max_attempts":5}"# + "\n", count: 300)
                let stored = try await TasqProgram.run(
                    "enqueue", "--ndjson", "-", environment: system.environment, input: lines)
                #expect(stored.exit == .code(0), "\(stored.errors)")
                try await system.startWorker(
                    """
                    worker: { concurrency: 64 }
                    handlers: { hook: { http: { url: "\(url)/a", allow: [127.0.0.1] } } }
                    """)
                try await eventually("all jobs have ended") {
                    try await system.database.execute(
                        "SELECT count(*) FROM tasq.job WHERE finished_at IS NULL") == "0"
                }
                #expect(
                    try await system.database.execute(
                        "SELECT status, count(*), max(attempt) FROM tasq.job GROUP BY status")
                        == "success|300|1")
                #expect(target.requests.count <= 390, "\(target.requests.count) requests")
                #expect(target.requests.allSatisfy { $0.attempt == 1 })
            }
        }
    }

    @Test(arguments: [
        (HTTPResponse.Status.tooManyRequests, "1" as String?), (.tooManyRequests, nil),
        (.serviceUnavailable, "0"),
    ])
    func `A job that is put off keeps its attempt, and a job that is put off for too long does not`(
        status: HTTPResponse.Status, wait: String?
    ) async throws {
        let headers: HTTPFields = wait.map { [.retryAfter: $0] } ?? [:]
        try await AnsweringTarget.run(answer: { seen in
            let isDone = seen.path == "/soon" && seen.count > 2
            return isDone ? Response(status: .ok) : Response(status: status, headers: headers)
        }) { url, target in
            try await RunningSystem.with { system in
                let rest = "allow: [127.0.0.1], put_off:"
                let retry = "retry: { base: 100ms, factor: 1, jitter: 0 }, max_attempts: 1"
                try await system.startWorker(
                    """
                    handlers:
                      soon: { http: { url: "\(url)/soon", \(rest) 1h }, \(retry) }
                      never: { http: { url: "\(url)/never", \(rest) 2s }, \(retry) }
                    """)
                let soon = try await system.enqueue("soon", "--max-attempts", "1")
                try await system.wait(
                    for: "success|1", "SELECT status, attempt FROM tasq.job WHERE id = '\(soon)'")
                let never = try await system.enqueue("never", "--max-attempts", "1")
                try await system.wait(
                    for: "error|1", "SELECT status, attempt FROM tasq.job WHERE id = '\(never)'")
                #expect(target.requests.count { $0.job == soon } == 3)
                #expect(target.requests.count { $0.job == never } >= 2)
                #expect(target.requests.allSatisfy { $0.attempt == 1 })
                #expect(
                    try await system.database.execute("SELECT count(*) FROM tasq.attempt") == "1")
            }
        }
    }

    @Test func `503 without a wait is an error like others`() async throws {
        try await AnsweringTarget.run(answer: { _ in Response(status: .serviceUnavailable) }) {
            url, target in
            try await RunningSystem.with { system in
                try await system.startWorker(
                    """
                    handlers:
                      hook:
                        http: { url: "\(url)/a", allow: [127.0.0.1] }
                        retry: { base: 0s, factor: 1 }
                    """)
                _ = try await system.enqueue("hook", "--max-attempts", "3")
                try await system.wait(for: "error|3", "SELECT status, attempt FROM tasq.job")
                #expect(target.requests.map(\.attempt) == [1, 2, 3])
            }
        }
    }
}
