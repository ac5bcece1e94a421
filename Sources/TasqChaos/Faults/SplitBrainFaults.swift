import Synchronization
import Tasq
import TasqTesting

/// What happens when a standby is promoted and the old primary goes on taking writes.
///
/// No client can tell which of two primaries to believe, and PostgreSQL never makes one of them
/// again. What is promised all the same: of a synchronous standby, that nothing is acknowledged any
/// more which the new primary does not have, also where somebody calls off the old one's waits. Of
/// one that lags, that no more is lost than what the old primary alone had, and that what the new
/// one has is none the worse for it.
extension Fault {
    /// A network that fell apart, with a primary on either side.
    private struct Sides: Sendable {
        let new: PrivatePostgres
        /// How those on the new primary's side reached the old one.
        let way: Proxy
    }

    /// Jobs that are put in at the new primary meanwhile.
    private static let newJobs = 200

    /// The server and the first worker stay with the old primary; all other workers lose it.
    static func splitBrain(isSynchronous: Bool) -> Fault {
        let kept = Mutex<Sides?>(nil)
        // Of an old primary that acknowledges nothing, nothing could be lost.
        let lost: [Limit] =
            isSynchronous
            ? [.atMost(0, "acknowledged by the old primary"), .atMost(0, "requests failed before")]
            : Limit.clear + [
                .atLeast(1, "acknowledged by the old primary"),
                .atLeast(1, "lost with the primary"),
            ]
        return Fault(
            name: isSynchronous ? "split-brain-sync" : "split-brain",
            summary: isSynchronous
                ? "a synchronous standby is promoted while the old primary lives, and waits for it"
                : "a standby that lags is promoted while the old primary goes on taking writes",
            setup: Setup(
                workers: 3, rate: 100, settings: [("asked_old", 1)],
                allows: isSynchronous ? [] : [.lostCommits]),
            limits: lost + [
                // Each connection waits for the old primary first, twice as long as one may take.
                .atMost(45_000, "new primary's jobs done after"), .struck(2),
                .atMost(10_000, "writes again after"), .atMost(15_000, "healed"),
            ],
            prepare: { stage in
                let new = try await addStandby(to: &stage, isSynchronous: isSynchronous)
                let way = try await Proxy.open(to: stage.postgres.port)
                kept.withLock { $0 = Sides(new: new, way: way) }
                for number in 1..<stage.plan.workers {
                    stage.roads[number] = Stage.Road(
                        databaseURL: writableURL(ports: [way.port, new.port]),
                        redisURL: stage.road.redisURL)
                }
            }
        ) { rig in
            guard let sides = kept.withLock({ $0 }) else {
                throw TestingError.failed("there is no standby")
            }
            let old = rig.postgres
            if !isSynchronous { try await rig.leaveBehind(sides.new) }
            // Each of them is cut off from one of the two.
            for worker in rig.workers { await rig.markDisturbed(worker, "CUT") }
            sides.way.weather = .cut
            sides.way.reset()
            try await sides.new.promote()
            rig.postgres = sides.new
            let since = try await rig.sql("SELECT clock_timestamp()")
            // What was committed before has been answered by then.
            try await rig.pass(.seconds(1))
            let before = rig.load.tally.acknowledged
            let done = try await rig.newSideWorks(newJobs, since: since)
            try await rig.pass(rig.plan.profile.lease + .seconds(2))
            let oldSide: Int
            if isSynchronous {
                oldSide = try await rig.callOffWaits(at: old)
            } else {
                oldSide = try await rig.claims(at: old, since: since)
            }
            let acknowledged = rig.load.tally.acknowledged - before
            let newSide = try await rig.claims(at: sides.new, since: since)
            try await rig.fence(old)
            sides.way.weather = .fair
            return [
                Figure(name: "acknowledged by the old primary", value: Double(acknowledged)), done,
                .struck((oldSide > 0 ? 1 : 0) + (newSide > 0 ? 1 : 0)),
                try await rig.writesAgain(),
            ]
        }
    }
}

extension Rig {
    /// Puts jobs in at the new primary, as a client beside it would; returns how soon its own
    /// workers have done them.
    fileprivate func newSideWorks(_ count: Int, since: String) async throws -> Figure {
        try await enqueueBySQL(count)
        let begin = ContinuousClock.now
        let came = await comes(within: .seconds(90), "the new primary's jobs are done") {
            try await self.number(
                """
                SELECT count(*) FROM tasq.job
                WHERE enqueued_at > '\(since)' AND status = 'success'
                """) >= count
        }
        let took = (ContinuousClock.now - begin) / .milliseconds(1)
        return Figure(
            name: "new primary's jobs done after", value: came ? took : 9e9, unit: "ms")
    }

    /// Claims that one of the two has made since then.
    fileprivate func claims(at postgres: PrivatePostgres, since: String) async throws -> Int {
        let count = try await postgres.execute(
            """
            SELECT count(*) FROM audit.change
            WHERE tbl = 'claim' AND op = 'I' AND at > '\(since)'
            """, in: Stage.database)
        return Int(count) ?? -1
    }

    /// Calls off what waits for a standby, as an operator would who wonders why nothing goes on.
    /// PostgreSQL then answers that all went well, with a warning. Who repeats the statement finds
    /// the rows, and must not believe those either. Returns how many waits that were.
    fileprivate func callOffWaits(at postgres: PrivatePostgres) async throws -> Int {
        var count = 0
        for _ in 0..<4 {
            let cancelled = try await postgres.execute(
                """
                SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity
                WHERE usename = '\(Stage.role)' AND wait_event = 'SyncRep'
                """)
            count += Int(cancelled) ?? 0
            try await pass(.seconds(1))
        }
        return count
    }

    /// What ends a split: the old primary takes no more writes, everybody is thrown out, what it
    /// has is written down, and it is stopped for good.
    fileprivate func fence(_ old: PrivatePostgres) async throws {
        try await old.execute(
            "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
        try await pass(.milliseconds(500))
        // Who comes from now on is told that it takes no writes, and goes to the other.
        let now = try await old.execute("SELECT clock_timestamp()")
        try await eventually("the old primary has nobody left who may write") {
            try await old.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE usename = '\(Stage.role)' AND backend_start < '\(now)'
                """
            ).isEmpty
        }
        for (query, file) in [
            ("SELECT id FROM tasq.job", "old_job.csv"),
            ("SELECT claim FROM audit.change WHERE tbl = 'claim' AND op = 'I'", "old_claim.csv"),
        ] {
            try await old.execute(
                "\\copy (\(query)) TO '\(evidence.file(file))' WITH CSV\n", in: Stage.database)
        }
        await old.stop(.immediate)
        log.write(Event(kind: .fenced))
    }
}
