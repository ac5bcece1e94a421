import FoundationEssentials
import Synchronization
import Tasq
import TasqTesting

/// What happens when PostgreSQL moves, hides behind a pooler or has another idea of the time.
extension Fault {
    static var serverFaults: [Fault] {
        [readOnly, pooler, poolerKill, clockJump, workerClock, diskFull, logFull]
    }

    private static let nobodyDies: [Limit] = [
        .atMost(0, "workers declared dead"), .atMost(0, "claims reaped"),
    ]

    /// Something made in `prepare` and used in `strike`.
    private final class Kept<Value: Sendable>: Sendable {
        private let stored = Mutex<Value?>(nil)

        func keep(_ value: Value) { stored.withLock { $0 = value } }

        func value() throws -> Value {
            guard let value = stored.withLock({ $0 }) else {
                throw TestingError.failed("nothing was prepared")
            }
            return value
        }
    }

    private static var readOnly: Fault {
        Fault(
            name: "postgres-readonly", summary: "PostgreSQL takes no writes for a while",
            limits: Limit.clear + [.atMost(5000, "healed"), .struck()]
        ) { rig in
            try await rig.sql(
                "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
            try await rig.pass(rig.plan.profile.lease + .seconds(3))
            let refusals = rig.refusals("25006")
            try await rig.sql(
                """
                SET default_transaction_read_only = off;
                ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf()
                """)
            return [.struck(refusals)]
        }
    }

    private static let pgbouncer = [Need.program("pgbouncer", package: "pgbouncer")]

    private static var pooler: Fault {
        Fault(
            name: "pooler", summary: "everybody goes through pgbouncer in transaction mode",
            isQuick: true, needs: pgbouncer,
            prepare: { stage in
                let pooler = try await PrivatePooler.start(
                    before: stage.postgres, poolSize: 6, users: [Stage.role])
                stage.kept.append(pooler)
                stage.road.databaseURL = Stage.databaseURL(port: pooler.port)
            }
        ) { rig in
            await rig.drawWorker().kill()
            try await rig.pass(.seconds(2))
            try await rig.redis.command("FLUSHALL")
            try await rig.pass(.seconds(3))
            try await rig.allReady()
            return []
        }
    }

    private static var poolerKill: Fault {
        let kept = Kept<PrivatePooler>()
        return Fault(
            name: "pooler-kill", summary: "pgbouncer holds everybody up, then is killed",
            needs: pgbouncer, limits: nobodyDies + [.atMost(8000, "healed")],
            prepare: { stage in
                let pooler = try await PrivatePooler.start(
                    before: stage.postgres, poolSize: 6, users: [Stage.role])
                kept.keep(pooler)
                stage.road.databaseURL = Stage.databaseURL(port: pooler.port)
            }
        ) { rig in
            let pooler = try kept.value()
            try await pooler.command("PAUSE")
            try await rig.pass(.seconds(5))
            try await pooler.command("RESUME")
            try await rig.pass(.seconds(2))
            try await pooler.crashAndRestart()
            return []
        }
    }

    private static var clockJump: Fault {
        Fault(
            name: "clock-jump",
            summary: "PostgreSQL's clock jumps five minutes ahead, back, ten ahead, and back "
                + "while jobs are queued",
            isQuick: true, needs: [.program("faketime", package: "faketime"), .fakeClock],
            setup: Setup(fakesClock: true, clockIsTrue: false),
            limits: nobodyDies + [.atMost(0, "queued and not made due"), .struck(4)]
        ) { rig in
            guard let clock = rig.stage.clock else {
                throw TestingError.failed("PostgreSQL has no clock of its own")
            }
            var struck = 0
            // The third jump makes everything due that was put off by a clock that was ahead.
            for minutes in [5, 0, 10] {
                clock.shift("+\(minutes)m")
                try await rig.pass(rig.plan.profile.lease + .seconds(2))
                let ahead = try await rig.secondsAhead()
                if abs(ahead - minutes * 60) < 30 { struck += 1 }
            }
            // Nobody takes what comes in meanwhile; for half a minute it seems not to be due.
            for worker in rig.workers { await worker.pause() }
            try await rig.pass(.seconds(1))
            clock.shift("+570")
            let put = try await rig.ahead()
            if put > 0 { struck += 1 }
            for worker in rig.workers { await worker.resume() }
            let came = await rig.comes(within: .seconds(15), "what is queued is due") {
                try await rig.ahead() == 0
            }
            let left = came ? 0 : try await rig.ahead()
            return [
                Figure(name: "queued and not made due", value: Double(left)), .struck(struck),
            ]
        }
    }

    private static var workerClock: Fault {
        let kept = Kept<FakeClock>()
        return Fault(
            name: "worker-clock", summary: "a worker's clock jumps an hour ahead, and back by two",
            needs: [.program("faketime", package: "faketime"), .fakeClock],
            limits: nobodyDies + [.struck(3)],
            prepare: { stage in
                guard let clock = try await FakeClock.make() else {
                    throw TestingError.failed("libfaketime is not installed")
                }
                kept.keep(clock)
                stage.cleanups.append { clock.remove() }
                stage.workerEnvironment[0] = clock.environment
            }
        ) { rig in
            let clock = try kept.value()
            var struck = 0
            for hours in [1, -1, 0] {
                clock.shift(hours < 0 ? "\(hours)h" : "+\(hours)h")
                try await rig.pass(rig.plan.profile.lease + .seconds(2))
                let ahead = try await clock.secondsAhead()
                guard let pid = await rig.workers[0].pid else { continue }
                if try await clock.isWorn(by: pid), abs(ahead - hours * 3600) < 30 { struck += 1 }
            }
            return [.struck(struck)]
        }
    }

    private static var diskFull: Fault {
        Fault(
            name: "disk-full", summary: "PostgreSQL has no room left for a while",
            needs: [.root],
            setup: Setup(),
            limits: nobodyDies + Limit.clear + [.atMost(8000, "healed"), .struck()],
            prepare: { stage in
                let disk = try await SmallDisk.make(megabytes: 256)
                stage.cleanups.append { await disk.remove() }
                try await stage.postgres.execute(
                    "CREATE TABLESPACE small LOCATION '\(disk.path)/small'")
                try await stage.postgres.execute(
                    """
                    ALTER TABLE tasq.job SET TABLESPACE small;
                    ALTER TABLE tasq.payload SET TABLESPACE small;
                    CREATE TABLE public.filler (text text) TABLESPACE small;
                    ALTER TABLE public.filler ALTER text SET STORAGE EXTERNAL
                    """, in: Stage.database)
            }
        ) { rig in
            // Row by row, so that what fits stays.
            do {
                try await rig.sql(
                    """
                    DO $$ BEGIN LOOP
                        INSERT INTO public.filler SELECT repeat('x', 7000) FROM generate_series(1, 20);
                        COMMIT;
                    END LOOP; END $$
                    """)
            } catch TestingError.failed(let reason) where reason.contains("could not extend") {}
            try await rig.pass(.seconds(8))
            let refusals = rig.refusals("53100")
            // TRUNCATE would want room for new files first.
            try await rig.sql("DROP TABLE public.filler")
            return [.struck(refusals)]
        }
    }

    /// Without room for its log PostgreSQL takes everybody down with it, again and again, until
    /// there is some; it may not even come up.
    private static var logFull: Fault {
        let kept = Kept<SmallDisk>()
        return Fault(
            name: "wal-full", summary: "PostgreSQL has no room left for its log, and crashes of it",
            needs: [.root],
            setup: Setup(postgresSettings: ["max_wal_size": "64MB", "min_wal_size": "32MB"]),
            limits: nobodyDies + Limit.clear + [.atMost(8000, "healed"), .struck()],
            prepare: { stage in
                let disk = try await SmallDisk.make(megabytes: 256)
                kept.keep(disk)
                stage.cleanups.append { await disk.remove() }
                let log = stage.postgres.directory + "/data/pg_wal"
                await stage.postgres.stop()
                try await ChildProcess.run(["cp", "-a", log, disk.path + "/small/"])
                try await ChildProcess.run(["rm", "-r", log])
                try await ChildProcess.run(["ln", "-s", disk.path + "/small/pg_wal", log])
                try await stage.postgres.restart()
            }
        ) { rig in
            let filler = try kept.value().path + "/filler"
            // It ends where the room does.
            do {
                try await ChildProcess.run(["dd", "if=/dev/zero", "of=" + filler, "bs=64k"])
            } catch TestingError.failed(_) {}
            try await eventually("PostgreSQL has no room left for its log") {
                if rig.crashesForRoom() > 0 { return true }
                // Each part of the log that is begun wants room.
                try await rig.sql("SELECT pg_switch_wal()")
                return false
            }
            try await rig.pass(rig.plan.profile.lease + .seconds(3))
            let crashes = rig.crashesForRoom()
            try await ChildProcess.run(["rm", filler])
            try await eventually("PostgreSQL is there again") {
                if !rig.postgres.isRunning { try await rig.postgres.restart() }
                return try await rig.number("SELECT 1") == 1
            }
            return [.struck(crashes)]
        }
    }
}

extension Rig {
    /// How often PostgreSQL ended because it could not write, by its own log.
    fileprivate func crashesForRoom() -> Int {
        text(loggedBy: postgres).split(separator: "\n")
            .filter { $0.contains(",53100,PANIC:") }.count
    }
}
