import Tasq
import TasqTesting

/// What happens to `tasq serve`, alone or with all others.
extension Fault {
    static var serverKill: Fault {
        Fault(
            name: "server-kill", summary: "the server is killed in the middle of requests",
            isQuick: true,
            limits: [.atLeast(1, "requests failed"), .atMost(1000, "listening again after")]
        ) { rig in
            var slowest = Duration.zero
            for _ in 0..<5 {
                let before = await rig.server.starts
                await rig.server.kill()
                try await eventually("the server is started again") {
                    await rig.server.starts > before
                }
                let start = ContinuousClock.now
                try await rig.server.ready()
                slowest = max(slowest, ContinuousClock.now - start)
                try await rig.pass(.milliseconds(1200))
            }
            return [
                Figure(
                    name: "listening again after", value: slowest / .milliseconds(1), unit: "ms")
            ]
        }
    }

    static var rollingRestart: Fault {
        Fault(
            name: "rolling-restart",
            summary: "everything is restarted one by one, workers as another program than before",
            limits: [.atMost(0, "claims reaped")]
        ) { rig in
            for (number, worker) in rig.workers.enumerated() {
                try await rig.replace(
                    worker,
                    by: rig.crew.worker(
                        number, as: number.isMultiple(of: 2) ? .tasq : .chaos, named: worker.name))
            }
            try await rig.replace(rig.server)
            await rig.redis.stop(save: true)
            try await rig.redis.restart()
            try await rig.postgres.restart()
            try await rig.allReady()
            return []
        }
    }

    static var filesExhausted: Fault {
        Fault(
            name: "files-exhausted",
            summary: "the server may open few files, and clients come in hundreds",
            needs: [.program("prlimit", package: "util-linux")],
            limits: [.atMost(5000, "healed"), .struck()],
            prepare: { stage in stage.serverWrapper = ["prlimit", "--nofile=40:40", "--"] }
        ) { rig in
            guard let address = await rig.server.address("admin"),
                let port = address.split(separator: ":").last.flatMap({ Int($0) }),
                let pid = await rig.server.pid
            else { throw TestingError.failed("the server is nowhere") }
            let crowd = try await Crowd.connect(200, to: port)
            var struck = 0
            for _ in 0..<60 {
                try await rig.pass(.milliseconds(100))
                if ProcessTree.openFiles(of: pid) ?? 0 >= 40 { struck += 1 }
            }
            await crowd.leave()
            return [.struck(struck)]
        }
    }
}
