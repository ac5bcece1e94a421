import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What the jobs tell that were put off.
@Suite(.medium) struct PutOffTests {
    @Test func `What is put off tells why and until when, and nothing else does`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let reason = HoldReason(of: "https://a.test:443", .failures(7, last: "timed out")).text
            for verdict in [
                Verdict.later(after: .seconds(60), reason: reason),
                .later(after: .seconds(600), reason: reason), .snooze(for: .seconds(60)),
                .retry(after: .seconds(60), reason: "another"),
            ] {
                let id = try await store.job()
                let claimed = try await store.claim([id], for: worker, from: defaultQueues)
                _ = try await store.settle(try #require(claimed.first), verdict)
            }
            let look = try await store.putOff()
            #expect(!look.hasMore && look.groups.count == 1)
            let group = try #require(look.groups.first)
            #expect(group.jobs == 2 && group.queues == defaultQueues && group.reason == reason)
            #expect(group.target == "https://a.test:443" && group.state == .failing)
            let apart = group.lastAt.microseconds - group.nextAt.microseconds
            #expect(apart > 400_000_000, "\(group)")
            let (since, latest) = (try #require(group.since), try #require(group.latest))
            #expect(since < group.nextAt && latest < group.nextAt)
        }
    }

    @Test func `A look ends with the jobs that are due first, and says that there are more`()
        async throws
    {
        try await withStore { store, database in
            func add(_ count: Int, due: String, _ reason: String) async throws {
                try await database.execute(
                    """
                    INSERT INTO tasq.job
                        (id, payload_id, queue, kind, status, priority, max_attempts, run_at,
                        put_off_reason)
                    SELECT tasq.uuid_v7(), gen_random_uuid(), 'default', 'noop', 'scheduled', 1, 3,
                        now() + interval '\(due)', \(reason)
                    FROM generate_series(1, \(count)) AS n
                    """)
            }
            try await add(1, due: "3 h", "'far'")
            try await add(PutOffLook.jobLimit + 1, due: "2 h", "NULL")
            let none = try await store.putOff()
            #expect(none == PutOffLook(groups: [], hasMore: true))
            try await add(PutOffLook.groupLimit + 1, due: "1 h", "'reason ' || n")
            let many = try await store.putOff()
            #expect(many.groups.count == PutOffLook.groupLimit && many.hasMore)
            #expect(!many.groups.contains { $0.reason == "far" })
            try await database.execute(
                """
                DELETE FROM tasq.job
                WHERE put_off_reason IS NULL OR put_off_reason IN ('far', 'reason 1')
                """)
            let full = try await store.putOff()
            #expect(full.groups.count == PutOffLook.groupLimit && !full.hasMore)
            try await database.execute(
                "UPDATE tasq.job SET put_off_reason = 'one' WHERE put_off_reason <> 'reason 2'")
            let all = try await store.putOff()
            #expect(!all.hasMore)
            #expect(all.groups.map(\.jobs) == [PutOffLook.groupLimit - 1, 1])
            #expect(all.groups.map(\.reason) == ["one", "reason 2"])
        }
    }
}
