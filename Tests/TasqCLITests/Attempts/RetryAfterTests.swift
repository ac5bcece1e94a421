import HTTPTypes
import Hummingbird
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// What a target's `Retry-After` does to a job, seen from outside.
@Suite(.medium) struct RetryAfterTests {
    @Test(arguments: [
        "0", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ])
    func `A target that asks for no wait gets the policy's own`(asked: String) async throws {
        for status in [HTTPResponse.Status.tooManyRequests, .serviceUnavailable] {
            try await AnsweringTarget.run(answer: { _ in
                Response(status: status, headers: [.retryAfter: asked])
            }) { url, target in
                try await RunningSystem.with { system in
                    try await system.startWorker(configuration(url, "{ base: 2h, cap: 2h }"))
                    _ = try await system.enqueue("hook")
                    try await system.wait(
                        for: "scheduled|t",
                        "SELECT status, run_at > now() + interval '90 min' FROM tasq.job")
                    #expect(target.requests.count == 1)
                }
            }
        }
    }

    @Test func `All three forms of a date are read`() async throws {
        // A day is the longest wait, whatever the year; the year of two digits is within 50 years.
        let year = Int(Timestamp.now.description.prefix(4)) ?? 0
        let short = "\((year + 30) % 100)"
        let dates = [
            "/fixed": "Thu, 31 Dec \(year + 30) 23:59:59 GMT",
            "/rfc850": "Thursday, 31-Dec-\(short.count == 1 ? "0" : "")\(short) 23:59:59 GMT",
            "/asctime": "Thu Dec 31 23:59:59 \(year + 30)", "/blank": "Fri Dec  1 23:59:59 9999",
        ]
        try await AnsweringTarget.run(
            gathering: 4,
            answer: { seen in
                Response(
                    status: .serviceUnavailable, headers: [.retryAfter: dates[seen.path] ?? "?"])
            }
        ) { url, _ in
            try await RunningSystem.with { system in
                let handlers = dates.keys.map { path in
                    "  hook\(path.dropFirst()): "
                        + "{ http: { url: \"\(url)\(path)\", allow: [127.0.0.1] } }"
                }
                for path in dates.keys { _ = try await system.enqueue("hook\(path.dropFirst())") }
                try await system.startWorker("handlers:\n" + handlers.joined(separator: "\n"))
                try await system.wait(
                    for: "4",
                    """
                    SELECT count(*) FROM tasq.job
                    WHERE status = 'scheduled' AND run_at > now() + interval '23 hours'
                    """)
            }
        }
    }

    @Test func `Jobs that were asked to wait alike come back one after the other, none early`()
        async throws
    {
        try await AnsweringTarget.run(
            gathering: 8,
            answer: { _ in
                Response(status: .serviceUnavailable, headers: [.retryAfter: "36000"])
            }
        ) { url, _ in
            try await RunningSystem.with { system in
                for _ in 0..<8 { _ = try await system.enqueue("hook") }
                try await system.startWorker(configuration(url, "{ base: 1s, jitter: 0.2 }"))
                try await system.wait(
                    for: "8", "SELECT count(*) FROM tasq.job WHERE status = 'scheduled'")
                #expect(
                    try await system.database.execute(
                        """
                        SELECT min(run_at) > now() + interval '9 hours 50 min',
                            max(run_at) - min(run_at) > interval '30 s',
                            max(run_at) < now() + interval '12 hours 1 min'
                        FROM tasq.job
                        """) == "t|t|t")
            }
        }
    }

    private func configuration(_ url: String, _ retry: String) -> String {
        """
        handlers:
          hook: { http: { url: "\(url)/hook", allow: [127.0.0.1] }, retry: \(retry) }
        """
    }
}
