import Synchronization
import Tasq
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What happens to PostgreSQL and to whoever holds something in it.
extension Fault {
    static var postgresFaults: [Fault] {
        [
            postgresRestart, postgresTerminate, postgresBackendKill, postgresFull, heldTransaction,
            lockedRows, tableMaintenance, herd,
        ]
    }

    private static let nobodyDies: [Limit] = [
        .atMost(0, "workers declared dead"), .atMost(0, "claims reaped"),
    ]

    private static var postgresRestart: Fault {
        Fault(
            name: "postgres-restart",
            summary: "PostgreSQL crashes, stays away longer than a lease, and comes back",
            isQuick: true,
            limits: nobodyDies + Limit.clear + [
                .atMost(5000, "healed"), .atMost(0, "requests failed later"),
                // Nobody asks again and again for what is not there.
                .atMost(5, "worker CPU during"),
            ]
        ) { rig in
            await rig.postgres.stop(.immediate)
            try await rig.pass(rig.plan.profile.lease + .seconds(5))
            try await rig.postgres.restart()
            return []
        }
    }

    private static var postgresTerminate: Fault {
        Fault(
            name: "postgres-terminate", summary: "every session is terminated, every two seconds",
            isQuick: true,
            limits: nobodyDies + Limit.clear + [.atMost(5000, "healed"), .struck()]
        ) { rig in
            var struck = 0
            for _ in 0..<6 {
                struck += try await rig.number(
                    """
                    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE usename = '\(Stage.role)' AND backend_type = 'client backend'
                    """)
                try await rig.pass(.seconds(2))
            }
            return [.struck(struck)]
        }
    }

    private static var postgresBackendKill: Fault {
        Fault(
            name: "postgres-backend-kill",
            summary: "a server process is killed, so that PostgreSQL throws everybody out",
            limits: nobodyDies + Limit.clear + [.atMost(5000, "healed"), .struck(3)]
        ) { rig in
            var struck = 0
            for _ in 0..<3 {
                let pids = try await rig.sql(
                    """
                    SELECT pid FROM pg_stat_activity
                    WHERE usename = '\(Stage.role)' AND backend_type = 'client backend'
                    ORDER BY pid
                    """
                ).split(separator: "\n").compactMap { Int32($0) }
                // Nobody there is no process: what kill(2) takes -1 for is everybody.
                if !pids.isEmpty {
                    let pid = pids[rig.draw(0...pids.count - 1)]
                    if pid > 1, Glibc.kill(pid, SIGKILL) == 0 { struck += 1 }
                }
                try await rig.pass(.seconds(3))
            }
            return [.struck(struck)]
        }
    }

    private static var postgresFull: Fault {
        Fault(
            name: "postgres-full", summary: "others take every connection there is", isQuick: true,
            // A role of the others' own, so that those of tasq's that are refused can be told.
            setup: Setup(
                postgresSettings: ["max_connections": "60"], sql: "CREATE ROLE sleeper LOGIN;",
                excuses: Excuse.ofSlowness),
            limits: nobodyDies + Limit.clear + [.atMost(5000, "healed"), .struck()]
        ) { rig in
            let sleepers = Sleepers(rig)
            try await sleepers.add(count: 60, as: "sleeper")
            // Whoever loses a connection now may get none again. Heartbeats keep theirs.
            try await eventually("tasq is refused a connection") {
                try await rig.sql(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'tasq'
                        AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')
                    """)
                try await sleepers.add(count: 20, as: "sleeper")
                return rig.refusals("53300") > 0
            }
            try await rig.pass(.seconds(8))
            let refusals = rig.refusals("53300")
            try await sleepers.leave()
            return [.struck(refusals)]
        }
    }

    private static var heldTransaction: Fault {
        Fault(
            name: "held-transaction",
            summary: "somebody's open transaction keeps every dead row from being removed",
            // Half load: jobs that outlast a lease keep 12 slots of all workers busy at the defaults,
            // the others 6, and of 24 all would be taken now and then for a minute.
            // The pickup's 99th percentile of less than a minute is that of a handful of jobs.
            setup: Setup(
                slots: 16, calm: .seconds(60), sql: "GRANT pg_read_all_stats TO \(Stage.role);",
                excuses: Excuse.ofSlowness),
            limits: nobodyDies + [
                .atLeast(80, "rate during, share"), .struck(),
                // It does once the transaction is a minute old.
                .atLeast(1, "tasq doctor names it", in: .defaults),
                .atMost(2, "pickup p99, times the one before", in: .defaults),
                .atMost(120_000, "dead rows gone after", in: .defaults),
            ]
        ) { rig in
            let sleepers = Sleepers(rig)
            try await sleepers.add(
                """
                BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM tasq.job LIMIT 1;
                SELECT pg_sleep(3600)
                """)
            try await eventually("the transaction is open") { try await rig.heldSnapshots() > 0 }
            try await rig.pass(rig.plan.profile == .test ? .seconds(15) : .seconds(600))
            let pid = try await rig.sql(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'sleeper'")
            let diagnosis = try await rig.crew.output(of: "doctor")
            let held = try await rig.heldSnapshots()
            try await sleepers.leave()
            let isNamed = diagnosis.contains(pid) && diagnosis.contains("pg_sleep(3600)")
            let figures = [
                Figure(name: "tasq doctor names it", value: isNamed ? 1 : 0), .struck(held),
            ]
            // There are but few of them after so short a time.
            guard rig.plan.profile == .defaults else { return figures }
            try await rig.allReady()
            let begin = ContinuousClock.now
            let came = await rig.comes(within: .seconds(180), "the dead rows are gone") {
                let live = try await rig.liveRows()
                return try await rig.deadRows() < 2 * max(1000, live)
            }
            let took = (ContinuousClock.now - begin) / .milliseconds(1)
            return figures + [
                Figure(name: "dead rows gone after", value: came ? took : 9e9, unit: "ms")
            ]
        }
    }

    private static var lockedRows: Fault {
        Fault(
            name: "admin-locks",
            summary: "an operator's transaction locks queued rows, then the whole table",
            limits: nobodyDies + [.atMost(5000, "healed"), .struck(2)]
        ) { rig in
            let sleepers = Sleepers(rig)
            let rate = rig.load.rate
            rig.load.rate = rate * 4
            try await rig.pass(.seconds(1))
            rig.load.rate = rate
            try await sleepers.add(
                """
                BEGIN; UPDATE tasq.job SET priority = priority WHERE id IN
                (SELECT id FROM tasq.job WHERE status = 'queued' LIMIT 100); SELECT pg_sleep(3600)
                """)
            try await rig.pass(.seconds(6))
            var struck = try await rig.lockedJobs() > 0 ? 1 : 0
            try await sleepers.leave()
            try await sleepers.add(
                "BEGIN; LOCK TABLE tasq.job IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3600)")
            try await rig.pass(.seconds(6))
            struck += try await rig.lockedTables() > 0 ? 1 : 0
            try await sleepers.leave()
            return [.struck(struck)]
        }
    }

    private static var tableMaintenance: Fault {
        Fault(
            name: "table-maintenance",
            summary: "VACUUM FULL, a new index, ANALYZE and `tasq migrate` under load",
            limits: nobodyDies + [.atMost(5000, "healed")]
        ) { rig in
            for statement in [
                "VACUUM FULL tasq.job", "VACUUM FULL tasq.executing_job",
                "CREATE INDEX CONCURRENTLY chaos_kind ON tasq.job (kind)", "ANALYZE",
                "REINDEX TABLE CONCURRENTLY tasq.job", "DROP INDEX tasq.chaos_kind",
            ] {
                try await rig.sql(statement)
                try await rig.pass(.seconds(1))
            }
            try await rig.crew.tasq("migrate")
            return []
        }
    }

    private static var herd: Fault {
        let way = Mutex<Proxy?>(nil)
        return Fault(
            name: "herd", summary: "many small workers lose PostgreSQL and come back together",
            setup: Setup(
                slots: 1, workers: 24, programs: [.chaos],
                postgresSettings: ["max_connections": "400"], load: .plain(milliseconds: 20)),
            limits: nobodyDies + Limit.clear + [
                .atMost(10_000, "healed"), .atMost(5, "worker CPU during"),
                // The pool's, the heartbeat's and the listener's, each after a pause.
                .atLeast(0.1, "attempts a second, each"), .atMost(10, "attempts a second, each"),
            ],
            prepare: { stage in
                let opened = try await Proxy.open(to: stage.postgres.port)
                way.withLock { $0 = opened }
                stage.road.databaseURL = Stage.databaseURL(port: opened.port)
            }
        ) { rig in
            let before = way.withLock { $0?.asked ?? 0 }
            let begin = ContinuousClock.now
            await rig.postgres.stop(.fast)
            try await rig.pass(rig.plan.profile.lease + .seconds(1))
            let attempts = way.withLock { $0?.asked ?? 0 } - before
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            try await rig.postgres.restart()
            return [
                Figure(
                    name: "attempts a second, each",
                    value: Double(attempts) / seconds / Double(rig.members.count))
            ]
        }
    }
}
