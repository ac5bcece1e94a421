import Synchronization
import Tasq
import TasqTesting

/// What happens on the way between processes and servers.
extension Fault {
    static var networkFaults: [Fault] {
        [
            partition(
                "partition", "a worker is cut off from both servers for longer than its lease",
                postgres: .cut, redis: .cut, isQuick: true),
            partition(
                "partition-postgres", "a worker is cut off from PostgreSQL alone",
                postgres: .cut, redis: .fair),
            partition(
                "partition-redis", "a worker is cut off from Redis alone",
                postgres: .fair, redis: .cut, limits: nobodyDies),
            partition(
                "partition-answers", "what a worker sends arrives, and no answer comes back",
                postgres: Weather(holdsDown: true), redis: Weather(holdsDown: true), isQuick: true),
            partition(
                "partition-requests", "nothing a worker sends arrives",
                postgres: Weather(holdsUp: true), redis: Weather(holdsUp: true)),
            partition(
                "partition-cancel", "a worker that is cut off may let no handler overlap another",
                postgres: .cut, redis: .cut, cancels: true),
            slowNetwork, brokenConnections, halfClose,
            cable(
                "cable", "the cable of a worker is pulled",
                rules: [["-A", "OUTPUT"], ["-A", "INPUT"]]),
            cable(
                "cable-answers", "packets of a worker arrive, and none come back",
                rules: [["-A", "INPUT"]]),
        ]
    }

    private static let nobodyDies: [Limit] = [
        .atMost(0, "workers declared dead"), .atMost(0, "claims reaped"),
    ]

    /// The roads that a run was given.
    private final class Roads: Sendable {
        private let proxies = Mutex<[(postgres: Proxy, redis: Proxy)]>([])

        var all: [(postgres: Proxy, redis: Proxy)] { proxies.withLock { $0 } }

        /// Opens roads to both servers.
        func open(_ stage: Stage) async throws -> Stage.Road {
            let postgres = try await Proxy.open(to: stage.postgres.port)
            let redis = try await Proxy.open(to: stage.redis.port)
            proxies.withLock { $0.append((postgres, redis)) }
            return Stage.Road(
                databaseURL: Stage.databaseURL(port: postgres.port),
                redisURL: "redis://127.0.0.1:\(redis.port)")
        }

        /// How much was felt of it.
        var struck: Int { all.reduce(0) { $0 + $1.postgres.struck + $1.redis.struck } }

        /// The same weather on every road.
        func set(_ postgres: Weather, _ redis: Weather) {
            for road in all { (road.postgres.weather, road.redis.weather) = (postgres, redis) }
        }
    }

    /// The first worker has roads of its own; they are cut and mended, twice.
    private static func partition(
        _ name: String, _ summary: String, postgres: Weather, redis: Weather,
        isQuick: Bool = false, limits: [Limit] = [], cancels: Bool = false
    ) -> Fault {
        let roads = Roads()
        let isFatal = limits.isEmpty
        // Cut off from PostgreSQL, it is declared dead, and must find that out.
        let back: [Limit] = isFatal ? [.atLeast(1, "registered anew")] : []
        let strict: [Limit] =
            cancels ? [.atMost(0, "runs that overlap"), .atLeast(1, "runs cancelled")] : []
        return Fault(
            name: name, summary: summary, isQuick: isQuick,
            limits: limits + back + strict + [.struck(2)],
            prepare: { stage in
                stage.roads[0] = try await roads.open(stage)
                if cancels {
                    stage.workerEnvironment[0] = ["TASQ_WORKER_ON_LEASE_UNKNOWN": "cancel"]
                }
            }
        ) { rig in
            let living = "SELECT count(*) FROM tasq.worker"
            let workers = try await rig.number(living)
            for round in 0..<2 {
                if cancels {
                    // Something that would still be on board when the lease has run out.
                    let long = Int(rig.plan.profile.lease / .milliseconds(1)) * 2
                    await rig.load.ask(
                        for: (0..<24).map { _ in rig.load.drawn(.run, milliseconds: long) })
                    try await rig.pass(.milliseconds(500))
                }
                if isFatal { await rig.markDisturbed(rig.workers[0], "CUT") }
                roads.set(postgres, redis)
                // PostgreSQL sees the end of its sessions the second time, and nothing at first.
                if cancels, round == 1 { for road in roads.all { road.postgres.reset() } }
                try await rig.pass(rig.plan.profile.lease + .seconds(5))
                if isFatal {
                    // Where it had the term, another has to take that over before.
                    _ = await rig.comes(within: .seconds(30), "it is declared dead") {
                        try await rig.number(living) < workers
                    }
                }
                roads.set(.fair, .fair)
                try await rig.pass(.seconds(3))
            }
            return [.struck(roads.struck)]
        }
    }

    private static var slowNetwork: Fault {
        let roads = Roads()
        return Fault(
            name: "slow-network",
            summary: "every way takes 80 ms, more or less, and cuts what is sent into pieces",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: nobodyDies + [.atLeast(10, "rate during, share"), .struck(1000)],
            prepare: { stage in
                stage.road = try await roads.open(stage)
            }
        ) { rig in
            let slow = Weather(latency: .milliseconds(40), jitter: .milliseconds(10), slice: 700)
            roads.set(slow, slow)
            try await rig.pass(.seconds(12))
            roads.set(.fair, .fair)
            return [.struck(roads.struck)]
        }
    }

    private static var brokenConnections: Fault {
        let roads = Roads()
        return Fault(
            name: "broken-connections",
            summary: "connections are reset now and then, and all of them every two seconds",
            limits: nobodyDies + [.struck(10)],
            prepare: { stage in stage.road = try await roads.open(stage) }
        ) { rig in
            let bad = Weather(latency: .milliseconds(2), resetChance: 0.01)
            for _ in 0..<5 {
                roads.set(bad, bad)
                try await rig.pass(.seconds(2))
                for road in roads.all {
                    road.postgres.reset()
                    road.redis.reset()
                }
            }
            roads.set(.fair, .fair)
            return [.struck(roads.struck)]
        }
    }

    /// What sees the end of what comes must not wait for the other way to end as well.
    private static var halfClose: Fault {
        let roads = Roads()
        return Fault(
            name: "half-close",
            summary: "one way of every connection ends, to the servers and from them in turn",
            limits: nobodyDies + [.struck(10)],
            prepare: { stage in stage.road = try await roads.open(stage) }
        ) { rig in
            for round in 0..<6 {
                for road in roads.all {
                    road.postgres.halfClose(towardsServer: round.isMultiple(of: 2))
                    road.redis.halfClose(towardsServer: round.isMultiple(of: 2))
                }
                try await rig.pass(.seconds(2))
            }
            return [.struck(roads.struck)]
        }
    }

    /// The first worker lives in a network of its own, whose packets the kernel drops.
    private static func cable(_ name: String, _ summary: String, rules: [[String]]) -> Fault {
        let space = Mutex<NetworkNamespace?>(nil)
        return Fault(
            name: name, summary: summary,
            needs: [
                .root, .program("iptables", package: "iptables"),
                .program("ip", package: "iproute2"),
            ],
            setup: Setup(programs: [.chaos, .tasq, .chaos]), limits: [.struck(2)],
            prepare: { stage in
                let made = try await NetworkNamespace.make()
                stage.cleanups.append { await made.remove() }
                space.withLock { $0 = made }
                // The servers listen on loopback only; a road leads to them from the cable's end.
                let postgres = try await Proxy.open(to: stage.postgres.port, on: made.address)
                let redis = try await Proxy.open(to: stage.redis.port, on: made.address)
                stage.kept += [postgres, redis] as [any Sendable]
                stage.roads[0] = Stage.Road(
                    databaseURL: Stage.databaseURL(port: postgres.port, host: made.address),
                    redisURL: "redis://\(made.address):\(redis.port)")
                stage.wrappers[0] = made.wrapper
            }
        ) { rig in
            guard let space = space.withLock({ $0 }) else {
                throw TestingError.failed("there is no network to cut off")
            }
            var struck = 0
            for _ in 0..<2 {
                await rig.markDisturbed(rig.workers[0], "CUT")
                for rule in rules { try await space.drop(rule) }
                try await rig.pass(rig.plan.profile.lease + .seconds(7))
                if try await space.dropped() > 0 { struck += 1 }
                try await space.mend()
                try await rig.pass(.seconds(3))
            }
            return [.struck(struck)]
        }
    }
}
