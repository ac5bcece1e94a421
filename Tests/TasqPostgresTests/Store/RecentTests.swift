import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What charts are drawn from.
@Suite(.medium) struct RecentTests {
    @Test func `With too many jobs the time covered shrinks, and no part of it is unknown`()
        async throws
    {
        try await withStore { store, database in
            var ids: [JobID] = []
            for _ in 0..<5 { ids.append(try await store.job()) }
            // The newest came just now, each other one ten seconds before the next.
            for (place, id) in ids.reversed().enumerated() {
                try await database.execute(
                    """
                    UPDATE tasq.job SET enqueued_at = now() - interval '\(place * 10) s'
                    WHERE id = '\(id)'
                    """)
            }
            let start = Timestamp(microseconds: Timestamp.now.microseconds - 900_000_000)
            let all = try await store.recent(since: start, buckets: 60, limit: 6)
            #expect(all.span >= .seconds(899))
            #expect(all.buckets.reduce(0) { $0 + $1.enqueued } == 5)
            let some = try await store.recent(since: start, buckets: 60, limit: 3)
            #expect(some.span >= .seconds(19) && some.span < all.span)
            #expect(some.buckets.map(\.enqueued) == [1, 1, 1])
            #expect(some.buckets.first?.index == 0 && some.buckets.allSatisfy { $0.index <= 60 })
            let none = try await store.recent(since: .now, buckets: 60, limit: 3)
            #expect(none.buckets.isEmpty)
        }
    }
}
