import Tasq
import TasqTesting

@testable import TasqRedis

/// One cluster of three primaries for the tests that leave it whole; each has keys of its own.
private let sharedCluster = Task { try await PrivateRedisCluster.start() }

/// Likewise one of servers without `BLMPOP`.
private let sharedOldCluster = Task { try await PrivateRedisCluster.start(arguments: Doorbell.old) }

extension Doorbell {
    static func byCluster(isOld: Bool) async throws -> (Doorbell, PrivateRedisCluster) {
        guard isOld else { return try await sharedByCluster() }
        let cluster = try await sharedOldCluster.value
        return (try Doorbell(cluster.url), cluster)
    }

    static func sharedByCluster() async throws -> (Doorbell, PrivateRedisCluster) {
        let cluster = try await sharedCluster.value
        return (try Doorbell(cluster.url), cluster)
    }

    /// A queue whose lists are on a primary, by its place.
    func queue(on place: Int, of cluster: PrivateRedisCluster) throws -> Name {
        var number = 0
        while true {
            number += 1
            let queue = try Name("q\(number)-\(prefix.suffix(8))")
            let slot = KeySlot(of: list(queue)).number
            if slot * cluster.primaries.count / KeySlot.count == place { return queue }
        }
    }

    /// One queue on each primary.
    func queues(of cluster: PrivateRedisCluster) throws -> [Name] {
        try cluster.primaries.indices.map { try queue(on: $0, of: cluster) }
    }
}

/// A slot on its way from one primary of a cluster to another.
struct Migration {
    let cluster: PrivateRedisCluster
    let slot: String
    let source: PrivateRedis
    let target: PrivateRedis

    init(of queue: Name, _ bell: Doorbell, _ cluster: PrivateRedisCluster) async throws {
        self.cluster = cluster
        let slot = KeySlot(of: bell.list(queue)).number
        self.slot = "\(slot)"
        let place = slot * cluster.primaries.count / KeySlot.count
        source = cluster.primaries[place]
        target = cluster.primaries[(place + 1) % cluster.primaries.count]
    }

    func begin() async throws {
        let (from, to) = (
            try await source.command("CLUSTER", "MYID"), try await target.command("CLUSTER", "MYID")
        )
        try await target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", from)
        try await source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", to)
    }

    func move(_ key: String) async throws {
        try await source.command("MIGRATE", "127.0.0.1", "\(target.port)", key, "0", "5000")
    }

    func end() async throws {
        let to = try await target.command("CLUSTER", "MYID")
        for node in [target, source] {
            try await node.command("CLUSTER", "SETSLOT", slot, "NODE", to)
        }
    }
}

extension PrivateRedis {
    /// Makes a cluster of this node alone.
    func serveAllSlots() async throws {
        try await command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        try await eventually("the node serves all slots") {
            try await command("CLUSTER", "INFO").contains("cluster_state:ok")
        }
    }
}
