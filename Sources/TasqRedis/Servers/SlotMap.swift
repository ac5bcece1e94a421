/// Which node of a cluster serves which slot, as one of them told it.
struct SlotMap: Sendable {
    private(set) var primaries: [ServerAddress] = []
    /// For each slot the place in ``primaries``, or ``unserved``.
    private var owners: [UInt16] = []
    private static let unserved = UInt16.max

    /// Knows nothing.
    init() {}

    /// Reads the answer to `CLUSTER SLOTS`; `nil` if it is none, or names no node at all.
    ///
    /// - Parameter server: Who answered: a node that does not know its own name leaves it out.
    init?(_ reply: Reply?, from server: ServerAddress) {
        guard case .array(let ranges) = reply, ranges.count <= KeySlot.count else { return nil }
        owners = [UInt16](repeating: Self.unserved, count: KeySlot.count)
        for range in ranges {
            guard case .array(let parts) = range, parts.count >= 3,
                case .integer(let first) = parts[0], case .integer(let last) = parts[1],
                case .array(let node) = parts[2], node.count >= 2,
                case .integer(let port) = node[1], 0 <= first, first <= last,
                last < Int64(KeySlot.count)
            else { return nil }
            var host = Array(server.host.utf8)
            if case .bytes(let named) = node[0], !named.isEmpty { host = named }
            // A question mark: the node's name is not known yet.
            guard let owner = ServerAddress(bytes: host, port: port), owner.host != "?" else {
                continue
            }
            guard let place = enter(owner) else { return nil }
            for slot in Int(first)...Int(last) { owners[slot] = place }
        }
        guard !primaries.isEmpty else { return nil }
    }

    var isEmpty: Bool { primaries.isEmpty }

    /// How many slots a node serves.
    var servedSlots: Int { owners.count { $0 != Self.unserved } }

    /// The node that serves a slot.
    subscript(slot: KeySlot) -> ServerAddress? {
        get {
            guard !owners.isEmpty, owners[slot.number] != Self.unserved else { return nil }
            return primaries[Int(owners[slot.number])]
        }
        set {
            guard !owners.isEmpty, let newValue, let place = enter(newValue) else { return }
            owners[slot.number] = place
        }
    }

    private mutating func enter(_ server: ServerAddress) -> UInt16? {
        if let place = primaries.firstIndex(of: server) { return UInt16(place) }
        guard primaries.count < RedisLimits.clusterNodes else { return nil }
        primaries.append(server)
        return UInt16(primaries.count - 1)
    }
}
