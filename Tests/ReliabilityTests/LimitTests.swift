import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

/// A queue over its limit in a system that runs.
@Suite(.system) struct LimitTests {
    private func jobs(_ count: Int, on queue: String = "default") throws -> [NewJob] {
        try (0..<count).map { _ in
            try NewJob(
                kind: Name("ok"), queue: Name(queue), payload: Payload(Array("{}".utf8)))
        }
    }

    private func isRefused(_ jobs: [NewJob], by queue: Queue) async throws -> Bool {
        do throws(StoreError) {
            _ = try await queue.enqueue(jobs)
            return false
        } catch {
            guard case .full = error else { throw error }
            return true
        }
    }

    @Test func `Refused jobs are counted by queue, and are no failures of PostgreSQL's`()
        async throws
    {
        try await Station.with { station in
            for name in ["elsewhere", "other"] {
                let limit = try FlowLimit(queue: Name(name), maxDepth: 2)
                try await station.queue.limit([limit])
            }
            // The station's queue may have looked before there was a limit.
            try await eventually("it knows of the limits") {
                try await isRefused(jobs(3, on: "elsewhere"), by: station.queue)
            }
            let place: KeyValuePairs = ["queue": "elsewhere"]
            let before = try station.page()["tasq_refused_total", place] ?? 0
            #expect(try await !isRefused(jobs(2, on: "other"), by: station.queue))
            for _ in 0..<4 {
                #expect(try await isRefused(jobs(3, on: "elsewhere"), by: station.queue))
            }
            #expect(try await isRefused(jobs(1, on: "other"), by: station.queue))
            let page = try station.page()
            #expect(page["tasq_refused_total", place] == before + 12)
            #expect(page["tasq_refused_total", ["queue": "other"]] == 1)
            #expect(page["tasq_enqueue_failures_total"] == 0)
        }
    }

    @Test func `That a queue refuses jobs is said once, however many they are`() async throws {
        try await TestDatabase.with(migrate: migrated) { database in
            let log = WarningLog()
            let store = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: log.logger)
            try await store.put(
                limits: [FlowLimit(queue: .defaultQueue, maxDepth: 3)], isConfiguration: true)
            let queue = Queue(store: store, logger: log.logger)
            #expect(try await !isRefused(jobs(3), by: queue))
            for _ in 0..<50 { #expect(try await isRefused(jobs(1), by: queue)) }
            #expect(log.lines == ["a queue refuses jobs: it is over its limit"])
            await store.close()
        }
    }

    @Test func `While workers drain a queue whoever puts jobs in never goes far over its limit`()
        async throws
    {
        try await Station.with { station in
            try await station.queue.limit([FlowLimit(queue: .defaultQueue, maxDepth: 20)])
            let queue = Queue(store: station.store, announcer: station.announcer)
            var (stored, refused) = (0, 0)
            // Far more than it holds, and far faster than a look a second would let in.
            while stored < 200 {
                if try await isRefused(jobs(5), by: queue) {
                    refused += 1
                    let waiting = try await station.sql(
                        "SELECT count(*) FROM tasq.job WHERE status = 'queued'")
                    #expect(try #require(Int(waiting)) <= 20)
                } else {
                    stored += 5
                }
            }
            #expect(refused > 0, "two hundred jobs are more than it holds")
            _ = try await station.page {
                $0["tasq_settled_total", ["outcome": "success"]] == 200
            }
        }
    }
}
