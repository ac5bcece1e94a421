import Tasq
import TasqTesting

/// What happens to whoever does the upkeep for all.
extension Fault {
    /// Whoever holds the maintenance term is among them.
    static var leaderKill: Fault {
        Fault(
            name: "leader-kill", summary: "each worker is killed in turn, the leader among them",
            setup: Setup(excuses: Excuse.ofWorkers),
            limits: [
                .atMost(9000, "takeover max", in: .test),
                .atMost(20_000, "takeover max", in: .defaults), .atLeast(1, "taken over"),
            ]
        ) { rig in
            for worker in rig.workers {
                await worker.kill()
                try await rig.pass(rig.plan.profile.lease)
            }
            try await rig.allReady()
            return []
        }
    }

    /// It believes that it leads still when it goes on, and must find that it does not.
    static var leaderPause: Fault {
        Fault(
            name: "leader-pause",
            summary: "whoever leads stands still until another does, then goes on",
            setup: Setup(excuses: Excuse.ofWorkers),
            limits: [
                // Twice the longest term.
                .atMost(16_000, "another leads after"), .atMost(0, "terms taken back"), .struck(2),
            ]
        ) { rig in
            var slowest = 0.0
            var (struck, back) = (0, 0)
            for _ in 0..<2 {
                let holder = try await rig.holder()
                let leader = try await rig.leader()
                await leader.pause()
                let begin = ContinuousClock.now
                let came = await rig.comes(within: .seconds(60), "another leads") {
                    try await rig.holder() != holder
                }
                slowest = max(
                    slowest, came ? (ContinuousClock.now - begin) / .milliseconds(1) : 9e9)
                if came { struck += 1 }
                await leader.resume()
                try await rig.pass(.seconds(3))
                // Where all lead at once it goes round all the time.
                guard came, !rig.plan.allLead else { continue }
                if try await rig.holder() == holder { back += 1 }
            }
            return [
                Figure(name: "another leads after", value: slowest, unit: "ms"),
                Figure(name: "terms taken back", value: Double(back)), .struck(struck),
            ]
        }
    }
}

extension Rig {
    /// Who holds the maintenance term.
    fileprivate func holder() async throws -> String {
        try await sql("SELECT holder FROM tasq.leader WHERE name = 'maintenance'")
    }

    /// The process that does: the server, where it is no worker.
    fileprivate func leader() async throws -> Member {
        let pid = try await number(
            """
            SELECT w.pid FROM tasq.leader AS l JOIN tasq.worker AS w ON w.id = l.holder
            WHERE l.name = 'maintenance'
            """)
        for worker in workers {
            if let own = await worker.pid, Int(own) == pid { return worker }
        }
        return server
    }
}
