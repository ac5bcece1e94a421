import Foundation
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// The metrics of real processes where there are far more kinds than labels.
@Suite(.medium) struct ManyKindsTests {
    private static let kinds = 10_000
    private static let failing = 200
    private static let queues = 60
    /// Pairs of a queue and a kind with series of their own, queues whose other kinds share one, and
    /// one for the rest.
    private static let pairs = 64 + 64 + 1

    @Test func `Ten thousand kinds leave the pages of a server and of a worker short`()
        async throws
    {
        try await RunningSystem.with { system in
            let queues = (0..<Self.queues).map { "q-\($0)" }.joined(separator: ",")
            system.environment["REDIS_URL"] = try await TestServers.redis().url
            system.environment["TASQ_REDIS_PREFIX"] = system.database.keyPrefix
            system.environment["TASQ_WORKER_LISTEN"] = "127.0.0.1:0"
            system.environment["TASQ_WORKER_QUEUES"] = queues
            let configuration = """
                handlers:
                  "well-*": { noop: {} }
                  "bad-*": { command: [/bin/sh, -c, exit 78] }
                """
            try await system.startServer(configuration)
            let worker = try await system.startWorker(configuration)
            let line = try await worker.waitForLine(containing: "metrics http://")
            let metrics = String(line.dropFirst("metrics ".count))
            // Nobody has a handler of the last ones.
            for (kind, count) in [
                ("well", Self.kinds), ("bad", Self.failing), ("unknown", Self.failing),
            ] {
                try await system.database.execute(
                    """
                    SELECT count(tasq.enqueue(
                        '\(kind)-' || n, queue => 'q-' || n % \(Self.queues)))
                    FROM generate_series(1, \(count)) AS n
                    """)
            }
            try await system.wait(
                for: "error|\(Self.failing)\nqueued|\(Self.failing)\nsuccess|\(Self.kinds)",
                """
                SELECT status, count(*) FROM tasq.job GROUP BY 1 ORDER BY status::text
                """)

            let run = "tasq_run_duration_seconds_count"
            var ofWorker = try await page(metrics)
            try await eventually("the worker has counted all") {
                ofWorker = try await page(metrics)
                return ofWorker.sum(run) == Double(Self.kinds + Self.failing)
            }
            let ofServer = try await page(system.admin)
            #expect(ofServer.sum("tasq_error_jobs") == Double(Self.failing))
            #expect(ofServer["tasq_queues"] == Double(Self.queues))
            for (page, told) in [(ofWorker, run), (ofServer, "tasq_error_jobs")] {
                #expect(!Self.pairs(of: told, on: page).isEmpty)
                for name in page.types.keys {
                    let count = Self.pairs(of: name, on: page).count
                    #expect(count <= Self.pairs, "\(name): \(count)")
                }
            }
            let unknown = Self.pairs(of: "tasq_queue_unknown_kind_jobs", on: ofServer)
            #expect(!unknown.isEmpty && unknown.count <= 10, "\(unknown)")
        }
    }

    /// The queues and kinds that series of a metric have, each pair once.
    private static func pairs(of metric: String, on page: Exposition) -> Set<String> {
        let series = page.values.keys.filter { $0.hasPrefix(metric) && $0.contains("queue=\"") }
        return Set(
            series.map { series in
                ["kind", "queue"].map { label in
                    series.components(separatedBy: "\(label)=\"").dropFirst().first?
                        .prefix { $0 != "\"" } ?? ""
                }.joined(separator: " of ")
            })
    }

    private func page(_ base: String) async throws -> Exposition {
        let answer = try await HTTPRequest(url: base + "/metrics").answer(bodyLimit: 8 << 20)
        #expect(answer.status == 200, "\(base)")
        return try Exposition(answer.text)
    }
}
