import Tasq
import TasqTesting

/// What jobs do to the worker that runs them.
extension Fault {
    static var jobFaults: [Fault] { [poison, leak, hang] }

    private static var poison: Fault {
        Fault(
            name: "poison", summary: "jobs that kill their worker, among innocent ones",
            isQuick: true, setup: Setup(programs: [.chaos], excuses: Excuse.ofWorkers)
        ) { rig in
            // Their attempts kill in ways 1 to 3 and 4, 0 and 1.
            try await rig.endAll([
                rig.load.drawn(.pill), rig.load.drawn(.pill, milliseconds: 3),
            ])
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

    private static var hang: Fault {
        Fault(
            name: "hang", summary: "jobs never return, hear no cancellation, burn the cores",
            setup: Setup(programs: [.chaos], excuses: Excuse.ofWorkers)
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
