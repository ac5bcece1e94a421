import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// How often processes look for what is due.
@Suite(.medium) struct PromoterTests {
    /// Two hundred jobs, one due ten milliseconds after the other.
    private static let dueByAndBy = """
        SELECT tasq.enqueue('noop', run_at => now() + n * interval '10 ms')
        FROM generate_series(1, 200) AS n
        """

    @Test func `Promotion has a twentieth of the time, however much is due by and by`()
        async throws
    {
        try await withCountedStore { counted, store, database in
            let promoter = promoter(of: counted)
            try await database.execute(Self.dueByAndBy)
            try await running([promoter], { await $0.run { true } }) {
                promoter.arm(after: .zero)
                try await untilAllAreQueued(in: database)
            }
            // Each takes 50 ms, and two seconds go by until the last is due.
            #expect(try await promotions(in: database) <= 8)
        }
    }

    @Test func `Who does not hold the term leaves to its holder what others have scheduled`()
        async throws
    {
        try await withCountedStore { counted, store, database in
            let others = (0..<3).map { _ in promoter(of: counted) }
            let holder = promoter(of: store)
            try await database.execute(Self.dueByAndBy)
            try await running(others, { await $0.run { false } }) {
                for other in others { other.arm(after: .zero) }
                try await eventually("each has looked") {
                    try await promotions(in: database) >= 3
                }
                try await running([holder], { await $0.run { true } }) {
                    holder.arm(after: .zero)
                    try await untilAllAreQueued(in: database)
                }
            }
            #expect(try await promotions(in: database) == 3)
        }
    }

    @Test func `Each promotes all that it scheduled itself, though nobody holds the term`()
        async throws
    {
        try await withCountedStore { _, store, database in
            let promoter = promoter(of: store)
            try await running([promoter], { await $0.run { false } }) {
                for delay in [Duration.milliseconds(300), .milliseconds(100), .milliseconds(200)] {
                    _ = try await store.job(start: .after(delay))
                    promoter.armOwn(after: [delay])
                }
                try await untilAllAreQueued(in: database)
            }
        }
    }

    @Test func `A settler tells after which times what it has put off is due`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            var ids: [JobID] = []
            for _ in 0..<4 { ids.append(try await store.job()) }
            let claimed = try await store.claim(ids, for: worker, from: defaultQueues)
            try #require(claimed.count == 4)
            let told = Record<Duration>()
            let settler = Settler(
                store: store, meters: Meters(), logger: quiet,
                onPutOff: { delays in for delay in delays { told.append(delay) } },
                onSettled: { _ in }, onLost: { _ in })
            let verdicts: [Verdict] = [
                .success, .retry(after: .seconds(60), reason: "no"), .snooze(for: .seconds(70)),
                .retry(after: .zero, reason: "no"),
            ]
            for (job, verdict) in zip(claimed, verdicts) {
                settler.settle(Settlement(job: job.id, claim: job.claim, verdict: verdict))
            }
            await settler.settled()
            #expect(Set(told.all) == [.seconds(60), .seconds(70)])
        }
    }

    /// With a store whose promotions are counted and take 50 ms, and one as it is.
    private func withCountedStore(
        _ body: (PostgresStore, PostgresStore, TestDatabase) async throws -> Void
    ) async throws {
        try await withStore { store, database in
            try await database.execute("CREATE SEQUENCE public.promotions")
            let counted = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: quiet,
                editing: { statement in
                    guard statement.name == "tasq_promote" else { return statement }
                    return Statement(
                        name: statement.name,
                        text: statement.text + """

                            UNION ALL
                            SELECT NULL, NULL, NULL, NULL
                            WHERE (SELECT nextval('public.promotions') FROM pg_sleep(0.05)) < 0
                            """,
                        isPlannedAnew: statement.isPlannedAnew)
                })
            do {
                try await body(counted, store, database)
            } catch {
                await counted.close()
                throw error
            }
            await counted.close()
        }
    }

    private func promoter(of store: PostgresStore) -> Promoter {
        let meters = Meters()
        return Promoter(
            store: store, doorbell: Doorbell(NoAnnouncer(), meters: meters), meters: meters,
            logger: quiet)
    }

    private func untilAllAreQueued(in database: TestDatabase) async throws {
        try await eventually("all are queued") {
            try await database.execute("SELECT count(*) FROM tasq.job WHERE status <> 'queued'")
                == "0"
        }
    }

    private func promotions(in database: TestDatabase) async throws -> Int {
        let count = try await database.execute(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.promotions")
        return try #require(Int(count))
    }
}
