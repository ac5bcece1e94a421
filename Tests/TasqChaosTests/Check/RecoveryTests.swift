import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

/// When a system counts as recovered, on histories made by hand: 100 jobs a second before a fault
/// from the 12th to the 15th second.
@Suite(.medium) struct RecoveryTests {
    @Test func `It has recovered where three seconds in a row go as fast as before`() async throws {
        let healed = try await healed(done(16_000, 60_000))
        #expect((600...1000).contains(healed))
    }

    @Test func `One good second is no recovery`() async throws {
        let healed = try await healed(done(16_000, 17_000) + done(30_000, 60_000))
        #expect((14_500...15_000).contains(healed))
    }

    @Test func `What never goes as fast as before never recovers`() async throws {
        let healed = try await healed(done(16_000, 17_000) + done(20_000, 60_000, every: 15))
        #expect(healed == 9e9)
    }

    @Test func `What processes take to come back belongs to the recovery`() async throws {
        let undone = "SELECT happened(13000, 'phase', 1, NULL, 'undone');"
        let healed = try await healed(undone + done(16_000, 60_000))
        #expect((2600...3000).contains(healed))
    }

    @Test func `Whom runs beside it slowed before the fault must be as fast as it is asked to`()
        async throws
    {
        let slow = done(16_000, 60_000, every: 20)
        let alone = try await healed(slow, every: 20)
        #expect((600...1000).contains(alone))
        let steady = "INSERT INTO cfg VALUES ('steady_rate', 97);"
        let beside = try await healed(slow + steady, every: 20)
        #expect(beside == 9e9)
        let fast = try await healed(done(20_000, 60_000) + steady, every: 20)
        #expect((4000...5000).contains(fast))
    }

    /// With a job done every so many milliseconds before the fault.
    private func healed(_ story: String, every: Int = 10) async throws -> Double {
        let figures = try await Scratch(server: TestServers.postgres()).withDatabase { history in
            try await history.run(
                Story.words
                    + """
                    SELECT happened(0, 'phase', 1, NULL, 'load'),
                        happened(12000, 'fault.start', 1, NULL, 'f'),
                        happened(15000, 'fault.stop', 1, NULL, 'f'),
                        happened(60000, 'phase', 1, NULL, 'drain');

                    """ + done(0, 12_000, every: every) + story)
            _ = try await history.check()
            return try await history.figures()
        }
        return try #require(figures.first { $0.name == "healed" }?.value)
    }

    /// Jobs done from one millisecond to another, without the last.
    private func done(_ from: Int, _ to: Int, every: Int = 10) -> String {
        """
        INSERT INTO event (t, p, e, out)
        SELECT g * 1000000::bigint, 'w', 'end', 'ok'
        FROM generate_series(\(from), \(to - 1), \(every)) AS g;

        """
    }
}

/// What is asked of a run beside the invariants.
struct LimitTests {
    @Test func `Every fault must be recovered from, but where there is nothing to recover from`() {
        let all = Fault.all + [.soak(minutes: 30)]
        for profile in Profile.allCases {
            let unasked = all.filter { fault in
                plan(fault, profile).limits.filter { $0.figure == "healed" }.count != 1
            }
            #expect(unasked.map(\.name).sorted() == ["calm", "order", "order-workers"])
        }
        #expect(all.filter { $0.hasNoRecovery?.isEmpty == false }.count == 3)
    }

    @Test func `A minute of calm is for the percentiles of the defaults alone`() throws {
        let held = try #require(Fault.named("held-transaction"))
        #expect(plan(held, .test).calm == Duration.seconds(10))
        #expect(plan(held, .defaults).calm == Duration.seconds(60))
        for fault in Fault.all {
            #expect(plan(fault, .test).calm <= Duration.seconds(10), "\(fault.name)")
            #expect(plan(fault, .defaults).calm == fault.setup.calm, "\(fault.name)")
        }
    }

    @Test func `A run that does not recover does not pass`() throws {
        let fault = try #require(Fault.named("worker-flap"))
        let kept =
            ["workers declared dead", "claims reaped", "requests refused"]
            .map { Figure(name: $0, value: 0) } + [Figure(name: "times stopped", value: 8)]
        func isClean(healed: Double?) -> Bool {
            let figures = healed.map { [Figure(name: "healed", value: $0)] } ?? []
            return Report(plan: plan(fault, .test), findings: [], figures: kept + figures).isClean
        }
        #expect(isClean(healed: 13_000))
        #expect(!isClean(healed: 13_001))
        #expect(!isClean(healed: 9e9))
        #expect(!isClean(healed: nil))
    }

    @Test func `A table tells the worst of all seeds, and what did not hold`() throws {
        let fault = try #require(Fault.named("worker-flap"))
        func report(seed: UInt64, share: Double, healed: Double, _ findings: [Finding]) -> Report {
            let plan = Plan(fault: fault, seed: seed, jobs: 10_000, workers: 3, profile: .test)
            let figures = [
                Figure(name: "rate during, share", value: share, unit: "%"),
                Figure(name: "claims reaped", value: 0),
                Figure(name: "times stopped", value: 8),
                Figure(name: "workers declared dead", value: 0),
                Figure(name: "requests refused", value: 0),
                Figure(name: "healed", value: healed, unit: "ms"),
            ]
            return Report(plan: plan, findings: findings, figures: figures)
        }
        let found = Finding(invariant: "I3", count: 2, examples: [])
        let reports = [
            report(seed: 1, share: 99, healed: 100, []),
            report(seed: 2, share: 48.25, healed: 14_000, [found]),
        ]
        let table = Table(reports: reports, skipped: []).markdown
        let figures = "| 2 | 0 | overlap 2 | 0 |  | 48.3 % | 14.0 s | "
        #expect(table.contains(figures + "seed 2: I3, 2 times; "))
        #expect(table.contains("seed 2: healed 14000.0, at most 13000.0 asked for |"))
    }

    @Test(arguments: [
        "admin-locks", "backlog-flush", "broken-connections", "cable", "cable-answers",
        "clock-jump", "disk-full", "files-exhausted", "half-close", "held-transaction",
        "leader-pause", "out-of-memory", "output-gone", "partition", "partition-answers",
        "partition-cancel", "partition-postgres", "partition-redis", "partition-requests",
        "postgres-backend-kill", "postgres-full", "postgres-readonly", "postgres-terminate",
        "queue-pause", "redis-duplicate-hints", "redis-evict", "redis-full", "redis-limits",
        "redis-lose-hints", "redis-outage", "redis-readonly", "schedule-clock", "schedules",
        "slow-network", "split-brain", "split-brain-sync", "stale-primary", "two-reapers",
        "upgrade", "wal-full", "worker-clock",
    ])
    func `A fault that could happen to nobody must have been felt`(name: String) throws {
        let fault = try #require(Fault.named(name))
        let plan = plan(fault, .test)
        func misses(struck: Double) -> [String] {
            let figures = [Figure(name: "struck", value: struck)]
            return Report(plan: plan, findings: [], figures: figures).misses.map { $0.limit.figure }
        }
        #expect(misses(struck: 0).contains("struck"))
        #expect(!misses(struck: 1_000_000).contains("struck"))
    }

    @Test func `What PostgreSQL refused tasq is read from its log, and nobody else's`() {
        let log = """
            2026-01-01 00:00:00.000 UTC,71,app,53300,FATAL:  sorry, too many clients already
            2026-01-01 00:00:00.001 UTC,72,sleeper,53300,FATAL:  sorry, too many clients already
            2026-01-01 00:00:00.002 UTC,73,app,53100,ERROR:  could not extend file "base/1/2"
            2026-01-01 00:00:00.002 UTC,73,app,53100,STATEMENT:  INSERT INTO tasq.job
            2026-01-01 00:00:00.003 UTC,74,,00000,LOG:  checkpoint starting: time
            """
        #expect(Rig.refusals("53300", in: log) == 1)
        #expect(Rig.refusals("53100", in: log) == 1)
        #expect(Rig.refusals("40P01", in: log) == 0)
    }

    @Test func `Whom tasq asked is read from the log of whoever was asked`() {
        let log = """
            2026-01-01 00:00:00.000 UTC,71,,00000,LOG:  connection received: host=127.0.0.1 port=1
            2026-01-01 00:00:00.001 UTC,71,app,00000,LOG:  connection authorized: user=app
            2026-01-01 00:00:00.002 UTC,72,postgres,00000,LOG:  connection authorized: user=postgres
            """
        #expect(Rig.visits(in: log) == 1)
    }

    @Test func `Whom the kernel killed for its memory is read from either kind of group`() {
        let old = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
        let new = "low 0\nhigh 0\nmax 12\noom 4\noom_kill 2\noom_group_kill 0\n"
        #expect(MemoryGroup.killed(in: old) == 3)
        #expect(MemoryGroup.killed(in: new) == 2)
        #expect(MemoryGroup.killed(in: "") == 0)
    }

    @Test func `What Redis counts of itself is read from what it says`() {
        let info =
            "# Errorstats\r\nerrorstat_NOAUTH:count=7\r\nerrorstat_OOM:count=12\r\n"
            + "# Stats\r\nevicted_keys:3\r\nevicted_keys_all:9\r\n"
        #expect(Rig.count("errorstat_OOM", in: info) == 12)
        #expect(Rig.count("evicted_keys", in: info) == 3)
        #expect(Rig.count("rejected_connections", in: info) == 0)
    }

    private func plan(_ fault: Fault, _ profile: Profile) -> Plan {
        Plan(fault: fault, seed: 1, jobs: 10_000, workers: 3, profile: profile)
    }
}
