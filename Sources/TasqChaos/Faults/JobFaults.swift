import FoundationEssentials
import Synchronization
import Tasq
import TasqTesting

/// What jobs do to the worker that runs them.
extension Fault {
    static var jobFaults: [Fault] { [poison, leak, outOfMemory, hang, stuck] }

    private static var poison: Fault {
        Fault(
            name: "poison", summary: "jobs that kill their worker, among innocent ones",
            isQuick: true, setup: Setup(programs: [.chaos], excuses: Excuse.ofWorkers),
            // A trap, SIGABRT and SIGKILL.
            limits: [.atLeast(3, "ways in which processes died")]
        ) { rig in
            // Their attempts kill in ways 1 to 3 and 4, 0 and 1. One comes after the other: of two in
            // one worker, one dies of the other's.
            for way in [0, 3] {
                try await rig.endAll([rig.load.drawn(.pill, milliseconds: way)])
            }
            return []
        }
    }

    private static var leak: Fault {
        Fault(
            name: "leak", summary: "a job takes memory until its worker may have no more",
            needs: [.program("prlimit", package: "util-linux")],
            setup: Setup(programs: [.chaos], excuses: Excuse.ofWorkers),
            prepare: { stage in
                for number in 0..<stage.plan.workers {
                    stage.wrappers[number] = ["prlimit", "--as=\(4 << 30)", "--"]
                }
            }
        ) { rig in
            try await rig.endAll([rig.load.drawn(.leak)])
            return []
        }
    }

    /// Nobody in the process hears of it: there is neither a trap nor a last word.
    private static var outOfMemory: Fault {
        let groups = Mutex<[MemoryGroup]>([])
        return Fault(
            name: "out-of-memory", summary: "a job takes memory until the kernel kills its worker",
            needs: [.root, .memoryGroups],
            setup: Setup(programs: [.chaos], excuses: Excuse.ofWorkers), limits: [.struck()],
            prepare: { stage in
                for number in 0..<stage.plan.workers {
                    let group = try await MemoryGroup.make(megabytes: 768)
                    stage.cleanups.append { await group.remove() }
                    stage.wrappers[number] = group.wrapper
                    groups.withLock { $0.append(group) }
                }
            }
        ) { rig in
            try await rig.endAll([rig.load.drawn(.leak)])
            return [.struck(groups.withLock { $0.reduce(0) { $0 + $1.killed } })]
        }
    }

    /// One that burns a core is no reason for a worker to go; as many as there are cores leave none
    /// for anybody else, and then it must end itself, so that its supervisor starts another.
    private static var stuck: Fault {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return Fault(
            name: "stuck", summary: "jobs burn every core of their worker until it ends itself",
            setup: Setup(
                slots: max(8, cores + 4), programs: [.chaos], fillsMachine: true,
                excuses: Excuse.ofWorkers),
            limits: [.atLeast(1, "ended because nothing ran")]
        ) { rig in
            let before = await rig.starts()
            // However they are shared out, one worker gets as many as there are cores.
            let count = rig.workers.count * (cores - 1) + 1
            let jobs = (0..<count).map { _ in rig.load.drawn(.spin) }
            await rig.load.ask(for: jobs)
            _ = await rig.comes(within: rig.plan.profile.lease * 10, "a worker ends itself") {
                await rig.starts() > before
            }
            try await rig.endAll(jobs, killing: true)
            return []
        }
    }

    private static var hang: Fault {
        Fault(
            name: "hang", summary: "jobs never return, hear no cancellation, burn the cores",
            setup: Setup(programs: [.chaos], fillsMachine: true, excuses: Excuse.ofWorkers)
        ) { rig in
            let jobs = [rig.load.drawn(.hang), rig.load.drawn(.spin), rig.load.drawn(.spin)]
            await rig.load.ask(for: jobs)
            try await rig.pass(.seconds(10))
            try await rig.endAll(jobs, killing: true)
            return []
        }
    }
}

extension Rig {
    /// How often workers were started.
    fileprivate func starts() async -> Int {
        var count = 0
        for worker in workers { count += await worker.starts }
        return count
    }

    /// Asks for jobs that no worker survives and waits until they have come to their end.
    ///
    /// Workers that die of them count as disturbed, and so does every worker there is meanwhile:
    /// nobody knows in which of them a job is. With `killing`, a supervisor ends the workers that
    /// hold one.
    fileprivate func endAll(_ jobs: [JobShape], killing: Bool = false) async throws {
        if !killing { await load.ask(for: jobs) }
        let tokens = jobs.map { "'\($0.token)'" }.joined(separator: ",")
        _ = await comes(within: .seconds(240), "jobs that kill have ended") {
            if killing {
                let pids = try await self.sql(
                    """
                    SELECT DISTINCT w.pid FROM tasq.worker AS w
                    JOIN tasq.executing_job AS e ON e.worker_id = w.id
                    JOIN tasq.job AS j ON j.id = e.job_id
                    WHERE j.key IN (\(tokens)) AND e.claimed_at < now() - interval '1 second'
                    """
                ).split(separator: "\n")
                for worker in self.workers {
                    if let pid = await worker.pid, pids.contains("\(pid)") { await worker.kill() }
                }
            }
            return try await self.number(
                """
                SELECT count(*) FROM tasq.job
                WHERE key IN (\(tokens)) AND status IN ('success', 'error', 'cancelled')
                """) == jobs.count
        }
        try await allReady()
    }
}
