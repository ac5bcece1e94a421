import Tasq
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What happens to worker processes and servers: they die, stand still, are asked to go.
extension Fault {
    static var processFaults: [Fault] {
        [
            workerKill, leaderKill, leaderPause, failPoints, workerPause, workerFlap, workersPause,
            workersPauseButOne, suspend, workerDrain, workerSignals, serverKill, rollingRestart,
            filesExhausted, outputGone, queuePause,
        ]
    }

    private static var workerKill: Fault {
        Fault(
            name: "worker-kill", summary: "a worker is killed every second", isQuick: true,
            setup: Setup(excuses: Excuse.ofWorkers),
            limits: [
                .atMost(6000, "takeover max", in: .test),
                .atMost(4000, "takeover p50", in: .defaults),
                .atMost(20_000, "takeover max", in: .defaults),
                .atMost(20_000, "takeover max, second death"), .atLeast(1, "taken over"),
                // What is on board of a worker, for each that is killed.
                .atMost(64, "runs repeated"), .atLeast(6, "times killed"),
            ]
        ) { rig in
            for _ in 0..<8 {
                await rig.drawWorker().kill()
                try await rig.pass(.seconds(1))
            }
            try await rig.allReady()
            return []
        }
    }

    private static var failPoints: Fault {
        Fault(
            name: "fail-points",
            summary: "a worker dies between taking, claiming, starting, writing and hearing so",
            isQuick: true, needs: [.debugBuild]
        ) { rig in
            let points: [FailPoint] = [
                .afterTake, .afterClaim, .afterStart, .beforeCommit, .afterCommit,
            ]
            for point in points {
                let worker = rig.drawWorker()
                let before = await worker.starts
                await worker.startNext(with: ["TASQ_FAILPOINT": point.rawValue + ":kill"])
                await worker.kill()
                // Once it is started again with the fail point, it dies of it, and is started anew.
                try await eventually(within: .seconds(60), "\(point.rawValue) is reached") {
                    await worker.starts >= before + 2
                }
            }
            try await rig.allReady()
            return []
        }
    }

    private static var workerPause: Fault {
        Fault(
            name: "worker-pause",
            summary: "each worker in turn stands still for longer than its lease, then goes on",
            isQuick: true,
            setup: Setup(excuses: Excuse.ofWorkers),
            limits: [
                .atMost(7000, "takeover max", in: .test),
                .atMost(25_000, "takeover max", in: .defaults), .atLeast(1, "taken over"),
                .atLeast(1, "registered anew"), .atMost(1000, "handlers ran on for"),
            ]
        ) { rig in
            for worker in rig.workers {
                await worker.pause()
                try await rig.pass(rig.plan.profile.lease + .seconds(2))
                await worker.resume()
                try await rig.pass(.seconds(1))
            }
            return []
        }
    }

    private static var workerFlap: Fault {
        Fault(
            name: "worker-flap",
            summary: "a worker stands still again and again, never for a lease",
            setup: Setup(excuses: Excuse.ofWorkers),
            limits: [
                .atMost(0, "workers declared dead"), .atMost(0, "claims reaped"),
                .atLeast(8, "times stopped"),
            ]
        ) { rig in
            let worker = rig.drawWorker()
            for _ in 0..<8 {
                await worker.pause()
                try await rig.pass(rig.plan.profile.lease / 2)
                await worker.resume()
                try await rig.pass(rig.plan.profile.lease / 3)
            }
            return []
        }
    }

    private static var workersPause: Fault {
        Fault(
            name: "workers-pause", summary: "all workers stand still together, longer than a lease",
            isQuick: true, limits: [.atLeast(1, "times stopped")]
        ) { rig in
            for worker in rig.workers { await worker.pause() }
            try await rig.pass(rig.plan.profile.lease + .seconds(5))
            for worker in rig.workers { await worker.resume() }
            return []
        }
    }

    /// Whoever is left over must find the others dead, and run their jobs, once. Where the leader is
    /// among them its term comes first, and only then is it watched whether they beat.
    private static var workersPauseButOne: Fault {
        Fault(
            name: "workers-pause-but-one",
            summary: "all workers but one stand still until they are taken for dead, then go on",
            setup: Setup(excuses: Excuse.ofWorkers),
            limits: [
                // Twice the longest term and a lease.
                .atMost(20_000, "takeover max", in: .test),
                .atMost(32_000, "takeover max", in: .defaults), .atLeast(1, "taken over"),
                .struck(),
            ]
        ) { rig in
            for worker in rig.workers.dropLast() { await worker.pause() }
            try await rig.pass(rig.plan.profile.lease + .seconds(5))
            let found = await rig.comes(within: .seconds(60), "the others are found dead") {
                try await rig.number("SELECT count(*) FROM tasq.worker") == 1
            }
            for worker in rig.workers { await worker.resume() }
            return [.struck(found ? 1 : 0)]
        }
    }

    private static var suspend: Fault {
        Fault(
            name: "suspend",
            summary: "the whole machine stands still: workers, PostgreSQL and Redis",
            limits: [
                .atMost(0, "workers declared dead"), .atMost(0, "claims reaped"),
                .atLeast(1, "times stopped"),
            ]
        ) { rig in
            let backends = ProcessTree.group(of: rig.postgres.pid)
            for worker in rig.workers { await worker.pause() }
            for pid in backends { Glibc.kill(pid, SIGSTOP) }
            rig.redis.pause()
            try await rig.pass(rig.plan.profile.lease + .seconds(5))
            rig.redis.resume()
            for pid in backends { Glibc.kill(pid, SIGCONT) }
            for worker in rig.workers { await worker.resume() }
            return []
        }
    }

    private static var workerDrain: Fault {
        Fault(
            name: "worker-drain", summary: "workers are asked to end under load, and started again",
            isQuick: true,
            setup: Setup(settings: [("elsewhere_ms", 2000)], excuses: Excuse.ofWorkers),
            limits: [.atMost(0, "claims reaped"), .atLeast(1, "handed back")]
        ) { rig in
            // Some that no grace is long enough for.
            let long = Int(rig.plan.profile.grace / .milliseconds(1)) + 3000
            await rig.load.ask(for: (0..<8).map { _ in rig.load.drawn(.run, milliseconds: long) })
            try await rig.pass(.milliseconds(500))
            for round in 0..<6 {
                let worker = rig.workers[round % rig.workers.count]
                let before = await worker.starts
                await worker.terminate()
                try await eventually("\(worker.name) was started again") {
                    await worker.starts > before
                }
                try await worker.ready()
            }
            return []
        }
    }

    private static var workerSignals: Fault {
        Fault(
            name: "worker-signals",
            summary: "SIGTERM twice, SIGINT, SIGHUP, and SIGTERM while PostgreSQL is away",
            limits: [
                .atMost(0, "ended by SIGHUP"),
                // Its grace, and what a supervisor takes to notice.
                .atMost(7000, "ended without PostgreSQL after", in: .test),
                .atMost(27_000, "ended without PostgreSQL after", in: .defaults),
            ]
        ) { rig in
            let place = rig.workers.count > 1 ? 1 : 0
            let worker = rig.workers[place]
            for signals in [[SIGTERM, SIGTERM], [SIGINT]] {
                // Something that is still on board when the second signal comes.
                await rig.load.ask(
                    for: (0..<24).map { _ in rig.load.drawn(.run, milliseconds: 2000) })
                try await rig.pass(.milliseconds(500))
                let (before, pid) = (await worker.starts, await worker.pid)
                for number in signals where await worker.pid == pid {
                    await worker.signal(number, number == SIGTERM ? "TERM" : "INT")
                    try await rig.pass(.milliseconds(300))
                }
                try await eventually("it was started again") { await worker.starts > before }
                try await worker.ready()
            }
            // The suite's own worker has nothing to read again.
            let isRead = rig.plan.programs[place % rig.plan.programs.count] == .tasq
            let ended = try await (isRead ? rig.endsOfHangup(worker) : 0)
            return [
                Figure(name: "ended by SIGHUP", value: Double(ended)),
                try await rig.endWithoutPostgres(worker),
            ]
        }
    }

    private static var outputGone: Fault {
        Fault(
            name: "output-gone", summary: "whoever reads what the workers say goes away",
            limits: [.atMost(0, "claims reaped"), .struck()],
            prepare: { stage in
                // It ends after the line that says that the worker is ready.
                let script = #"exec "$@" > >(exec sed -u '/worker registered/q' >&2) 2>&1"#
                for number in 0..<stage.plan.workers {
                    stage.wrappers[number] = ["bash", "-c", script, "worker"]
                }
            }
        ) { rig in
            try await rig.redis.command("FLUSHALL")
            try await rig.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(Stage.role)'"
            )
            try await rig.pass(.seconds(5))
            var struck = 0
            for worker in rig.workers {
                guard let pid = await worker.pid else { continue }
                // Whoever read from it is its child, and has nothing open any more.
                let readers = ProcessTree.group(of: pid).dropFirst()
                if readers.contains(where: { ProcessTree.openFiles(of: $0) ?? 0 == 0 }) {
                    struck += 1
                }
            }
            return [.struck(struck)]
        }
    }

    private static var queuePause: Fault {
        Fault(
            name: "queue-pause",
            summary: "a queue is paused and resumed under load, and one worker serves the other",
            setup: Setup(hasNarrowWorker: true, excuses: Excuse.ofSlowness), limits: [.struck()]
        ) { rig in
            let narrow = try await rig.number(
                "SELECT count(*) FROM tasq.worker WHERE array_length(queues, 1) = 1")
            for _ in 0..<3 {
                try await rig.crew.tasq("queues", "pause", "second")
                try await rig.pass(.seconds(3))
                try await rig.crew.tasq("queues", "resume", "second")
                try await rig.pass(.seconds(1))
            }
            return [.struck(narrow)]
        }
    }
}

extension Rig {
    /// How often a worker ends because it is told to read its configuration again.
    fileprivate func endsOfHangup(_ worker: Member) async throws -> Int {
        let before = await worker.starts
        await worker.signal(SIGHUP, "HUP")
        try await pass(.seconds(1))
        return await worker.starts - before
    }

    /// How soon a worker ends that is asked to while PostgreSQL is away, until it is started again.
    fileprivate func endWithoutPostgres(_ worker: Member) async throws -> Figure {
        // It cannot hand anything back: its claims are left to the lease.
        for worker in workers { await markDisturbed(worker, "FAIL") }
        await postgres.stop(.immediate)
        let before = await worker.starts
        let begin = ContinuousClock.now
        await worker.terminate()
        try await eventually(within: .seconds(60), "it ends without PostgreSQL") {
            await worker.starts > before
        }
        let took = (ContinuousClock.now - begin) / .milliseconds(1)
        try await postgres.restart()
        try await allReady()
        return Figure(name: "ended without PostgreSQL after", value: took, unit: "ms")
    }
}
