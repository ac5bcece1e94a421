import Synchronization
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// What becomes of outcomes while the store fails, is late or loses its answers.
@Suite(.medium) struct SettlerTests {
    /// What the settler told of jobs.
    private struct Told: Equatable {
        var settled: [JobID] = []
        var lost: [JobID] = []
    }

    /// Settles jobs as successes, all but the first while that one's write waits for `release`; `check`
    /// is given what the settler told and the writes it made.
    private func settle(
        _ count: Int, _ acts: [Saboteur.Act], release: Signal? = nil,
        _ check: (Told, [String], [JobID]) -> Void
    ) async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            var ids: [JobID] = []
            for _ in 0..<count { ids.append(try await store.job()) }
            let claimed = try await store.claim(ids, for: worker, from: defaultQueues)
            let saboteur = Saboteur(of: store, acts)
            let told = Mutex(Told())
            let settler = Settler(
                store: saboteur, meters: Meters(), logger: quiet,
                onSettled: { settled in told.withLock { $0.settled += settled.map(\.job) } },
                onLost: { settlement in told.withLock { $0.lost.append(settlement.job) } })
            for (index, job) in claimed.enumerated() {
                settler.settle(Settlement(job: job.id, claim: job.claim, verdict: .success))
                guard index == 0, release != nil else { continue }
                try await eventually("the first is being written") {
                    saboteur.calls.all.count == 1
                }
            }
            release?.raise()
            await settler.settled()
            check(told.withLock { $0 }, saboteur.calls.all, ids)
            let statuses = try await database.execute(
                "SELECT string_agg(DISTINCT status::text, ',') FROM tasq.job")
            #expect(statuses == "success")
        }
    }

    @Test func `An outcome whose answer is lost is written again, and told once`() async throws {
        try await settle(1, [.forgets]) { told, writes, ids in
            #expect(told == Told(settled: ids))
            #expect(writes == ["settle 1", "settle 1"])
        }
    }

    @Test func `Outcomes wait for an outage to end`() async throws {
        let acts: [Saboteur.Act] = [
            .fails(.unavailable("gone")), .fails(.denied("a password that was changed")),
            .fails(.unknown("gone")),
        ]
        try await settle(1, acts) { told, writes, ids in
            #expect(told == Told(settled: ids))
            #expect(writes.count == 4)
        }
    }

    @Test func `A batch that is refused is split, and nobody is held back`() async throws {
        let release = Signal()
        let acts: [Saboteur.Act] = [
            .waits(release), .fails(.rejected(sqlState: "22021", "refused")),
        ]
        try await settle(5, acts, release: release) { told, writes, ids in
            #expect(Set(told.settled) == Set(ids))
            #expect(told.settled.count == ids.count)
            #expect(told.lost.isEmpty)
            #expect(writes == ["settle 1", "settle 4", "settle 2", "settle 2"])
        }
    }
}
