import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What charts are drawn from.
@Suite(.medium) struct TallyTests {
    @Test func `Sums are noted as work is done, and forgotten after a day`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            try await store.tally()
            let first = try #require(try await store.tallies(since: start).last)
            for _ in 0..<3 { _ = try await store.job() }
            let jobs = try await store.sweep(upTo: 2, for: worker, from: defaultQueues).jobs
            #expect(jobs.count == 2)
            _ = try await store.settle(jobs[0], .success)
            _ = try await store.settle(jobs[1], .error(reason: "no luck"))
            // The sums are PostgreSQL's, which each of its sessions passes on in its own time.
            try await eventually("a tally tells of all three") {
                try await store.tally()
                guard let last = try await store.tallies(since: start).last else { return false }
                return last.totals.enqueued - first.totals.enqueued == 3
                    && last.totals.started - first.totals.started == 2
                    && last.totals.ended - first.totals.ended == 2
                    && last.totals.failed - first.totals.failed == 1 && last.unfinished == 1
            }
            let tallies = try await store.tallies(since: start)
            #expect(tallies.map(\.at) == tallies.map(\.at).sorted())
            try await database.execute("UPDATE tasq.tally SET at = at - interval '25 hours'")
            try await store.tally()
            #expect(try await database.execute("SELECT count(*) FROM tasq.tally") == "1")
        }
    }

    private var start: Timestamp {
        Timestamp(microseconds: Timestamp.now.microseconds - 900_000_000)
    }
}
