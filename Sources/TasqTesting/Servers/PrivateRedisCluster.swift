/// A private Redis Cluster of loopback nodes; each primary has an equal share of the slots.
///
/// It never outlives this process, nor this object.
package final class PrivateRedisCluster: Sendable {
    /// Those that begin as primaries, in the order of their slots.
    package let primaries: [PrivateRedis]
    /// Those that begin as replicas, the first of the first primary.
    package let replicas: [PrivateRedis]

    private static let slots = 16_384

    private init(primaries: [PrivateRedis], replicas: [PrivateRedis]) {
        self.primaries = primaries
        self.replicas = replicas
    }

    /// Starts the nodes and waits until they serve every slot.
    ///
    /// A node counts as gone when it was silent for a second.
    ///
    /// - Parameters:
    ///   - count: Three at least, for a failover needs the majority of them.
    ///   - replicaCount: Of the first primaries, one each.
    ///   - arguments: More of `redis-server`'s for every node.
    package static func start(
        primaries count: Int = 3, replicas replicaCount: Int = 0, arguments: [String] = []
    ) async throws -> PrivateRedisCluster {
        let arguments =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"] + arguments
        var nodes: [PrivateRedis] = []
        for _ in 0..<(count + replicaCount) {
            nodes.append(try await PrivateRedis.start(arguments: arguments))
        }
        let cluster = PrivateRedisCluster(
            primaries: Array(nodes.prefix(count)), replicas: Array(nodes.dropFirst(count)))
        try await cluster.join()
        return cluster
    }

    /// The connection URL, of its first three nodes.
    package var url: String {
        "redis+cluster://"
            + primaries.prefix(3).map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    }

    /// All nodes.
    package var nodes: [PrivateRedis] { primaries + replicas }

    /// The slot of a key.
    package func slot(of key: String) async throws(TestingError) -> Int {
        Int(try await primaries[0].command("CLUSTER", "KEYSLOT", key)) ?? 0
    }

    /// The node that serves a key at the beginning.
    package func primary(of key: String) async throws(TestingError) -> PrivateRedis {
        let slot = try await slot(of: key)
        let place = primaries.indices.first { range($0).contains(slot) } ?? 0
        return primaries[place]
    }

    private func range(_ place: Int) -> Range<Int> {
        (Self.slots * place / primaries.count)..<(Self.slots * (place + 1) / primaries.count)
    }

    private func join() async throws {
        for (place, node) in primaries.enumerated() {
            let range = range(place)
            try await node.command(
                "CLUSTER", "ADDSLOTSRANGE", "\(range.lowerBound)", "\(range.upperBound - 1)")
        }
        for (place, node) in nodes.enumerated() {
            try await node.command("CLUSTER", "SET-CONFIG-EPOCH", "\(place + 1)")
            if place > 0 {
                try await node.command("CLUSTER", "MEET", "127.0.0.1", "\(primaries[0].port)")
            }
        }
        try await settle(known: nodes.count)
        for (primary, replica) in zip(primaries, replicas) {
            let id = try await primary.command("CLUSTER", "MYID")
            try await replica.command("CLUSTER", "REPLICATE", id)
        }
        for node in nodes {
            try await eventually("every node knows of the replicas") {
                let known = try await node.command("CLUSTER", "NODES").split(separator: "\n")
                return known.count { $0.contains("slave") } == replicas.count
            }
        }
        for (primary, replica) in zip(primaries, replicas) {
            try await eventually("the replica follows") {
                let link = try await replica.command("INFO", "replication")
                let known = try await primary.command("INFO", "replication")
                return link.contains("master_link_status:up")
                    && known.contains("connected_slaves:1")
            }
        }
    }

    /// Waits until every node knows of all, and that all slots are served.
    private func settle(known count: Int) async throws(TestingError) {
        for node in nodes {
            try await eventually("the cluster is whole") {
                let info = try await node.command("CLUSTER", "INFO")
                return info.contains("cluster_state:ok")
                    && info.contains("cluster_known_nodes:\(count)")
                    && info.contains("cluster_slots_ok:\(Self.slots)")
            }
        }
    }
}
