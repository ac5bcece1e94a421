import Synchronization
import Tasq
import TasqTesting

/// What happens to a Redis that is more than one server.
extension Fault {
    /// Under this name sentinels know the servers.
    private static let service = "bells"

    /// A server that stood still believes for a while that it is the primary still.
    static var redisSentinel: Fault {
        let replicas = Mutex<[PrivateRedis]>([])
        return Fault(
            name: "redis-sentinel",
            summary: "sentinels replace a primary that stands still, then one that dies",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [.atMost(5000, "healed")],
            prepare: { stage in
                let primary = stage.redis
                let replica = try await PrivateRedis.start(
                    arguments: ["--replicaof", "127.0.0.1", "\(primary.port)"])
                replicas.withLock { $0 = [replica] }
                stage.cleanups.append { await replica.kill() }
                try await eventually("the replica follows") {
                    try await primary.command("INFO", "replication").contains("state=online")
                }
                var sentinels: [PrivateSentinel] = []
                for _ in 0..<2 {
                    let sentinel = try await PrivateSentinel.start(watching: primary, as: service)
                    stage.cleanups.append { await sentinel.kill() }
                    sentinels.append(sentinel)
                }
                for sentinel in sentinels {
                    try await eventually("the sentinels know of all") {
                        try await sentinel.command("INFO", "sentinel")
                            .contains("slaves=1,sentinels=2")
                    }
                }
                let hosts = sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
                stage.road.redisURL = "redis+sentinel://\(hosts)/\(service)"
                stage.listsURL = stage.road.redisURL
            }
        ) { rig in
            let first = rig.redis
            guard let second = replicas.withLock({ $0.first }) else {
                throw TestingError.failed("there is no replica")
            }
            first.pause()
            try await eventually(within: .seconds(60), "the second takes over") {
                try await second.isPrimary
            }
            try await rig.pass(.seconds(3))
            first.resume()
            try await eventually(within: .seconds(60), "the first follows") {
                try await first.command("INFO", "replication").contains("master_link_status:up")
            }
            await second.kill()
            try await eventually(within: .seconds(60), "the first takes over") {
                try await first.isPrimary
            }
            try await rig.pass(.seconds(2))
            try await second.restart()
            return []
        }
    }

    /// First a node whose replica takes over; then that replica too, and with it every slot, until
    /// both come back empty.
    static var redisCluster: Fault {
        let made = Mutex<PrivateRedisCluster?>(nil)
        return Fault(
            name: "redis-cluster",
            summary: "a node of a Redis Cluster is lost, then the replica that took over",
            setup: Setup(excuses: Excuse.ofSlowness),
            limits: Limit.unseen + [.atMost(5000, "healed")],
            prepare: { stage in
                let cluster = try await PrivateRedisCluster.start(primaries: 3, replicas: 3)
                made.withLock { $0 = cluster }
                for node in cluster.nodes { stage.cleanups.append { await node.kill() } }
                stage.road.redisURL = cluster.url
                stage.listsURL = cluster.url
            }
        ) { rig in
            guard let cluster = made.withLock({ $0 }) else {
                throw TestingError.failed("there is no cluster")
            }
            let node = try await cluster.primary(of: "tasq:{default}:ready:1")
            guard let place = cluster.primaries.firstIndex(where: { $0 === node }) else {
                throw TestingError.failed("the node is none of the cluster's primaries")
            }
            let replica = cluster.replicas[place]
            await node.kill()
            try await eventually(within: .seconds(60), "the replica takes over") {
                try await replica.isPrimary
            }
            try await rig.pass(.seconds(4))
            await replica.kill()
            try await rig.pass(.seconds(5))
            try await replica.restart()
            try await node.restart()
            try await eventually(within: .seconds(60), "the cluster is whole") {
                for node in cluster.nodes {
                    let info = try await node.command("CLUSTER", "INFO")
                    guard info.contains("cluster_state:ok") else { return false }
                }
                return true
            }
            return []
        }
    }
}

extension PrivateRedis {
    /// Whether it believes so.
    fileprivate var isPrimary: Bool {
        get async throws {
            try await command("INFO", "replication").contains("role:master")
        }
    }
}
