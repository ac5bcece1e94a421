import NIOCore
import Synchronization
import Tasq

/// The nodes of a cluster, and which of them serves which slot.
///
/// Any node tells the whole map, so one that answers is enough. The map is asked for when it is
/// first wanted, when an answer or a fault shows that it is old, and now and then while it is used;
/// one question at a time.
final class Cluster: Sendable {
    private struct State {
        var map = SlotMap()
        var nodes: [ServerAddress: Node] = [:]
        var question: EventLoopFuture<SlotMap>?
        var backoff = RedisLimits.backoff
        var fault = RedisFault.lost
        /// Until when the map counts as new whatever an answer says.
        var freshUntil = NIODeadline.distantPast
        var isClosed = false
    }

    private let settings: RedisSettings
    private let tally: Tally
    let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ settings: RedisSettings, eventLoop: any EventLoop, _ tally: Tally) {
        self.settings = settings
        self.eventLoop = eventLoop
        self.tally = tally
    }

    /// The map as it is known, or as soon as it is; fails with a ``RedisFault``.
    func map() -> EventLoopFuture<SlotMap> {
        let known = state.withLock { $0.map }
        return known.isEmpty ? refresh() : eventLoop.makeSucceededFuture(known)
    }

    /// Asks for the map, unless somebody does or the last try has just failed.
    @discardableResult
    func refresh() -> EventLoopFuture<SlotMap> {
        let promise = eventLoop.makePromise(of: SlotMap.self)
        let (standing, places) = state.withLock {
            state -> (EventLoopFuture<SlotMap>?, [ServerAddress]) in
            if let question = state.question { return (question, []) }
            if state.isClosed {
                return (eventLoop.makeFailedFuture(RedisFault.closed), [])
            }
            if state.backoff.restsUntil != nil {
                return (eventLoop.makeFailedFuture(state.fault), [])
            }
            if .now() < state.freshUntil {
                return (eventLoop.makeSucceededFuture(state.map), [])
            }
            state.question = promise.futureResult
            // At random, because a node that is cut off from the others tells an old map.
            let primaries = state.map.primaries.shuffled()
            let others = settings.servers.filter { !primaries.contains($0) }.shuffled()
            return (nil, Array((primaries + others).prefix(RedisLimits.placesAsked)))
        }
        if let standing {
            promise.fail(RedisFault.cancelled)
            return standing
        }
        ask(places[...]).whenComplete { result in
            promise.completeWith(self.conclude(result))
        }
        return promise.futureResult
    }

    /// Until when nobody is asked for a map that is not known, and why; `nil` if it is known, or may
    /// be asked for.
    var restsUntil: (ContinuousClock.Instant, RedisFault)? {
        state.withLock { state in
            guard state.map.isEmpty, let until = state.backoff.restsUntil else { return nil }
            return (until, state.fault)
        }
    }

    /// A node by its address.
    func node(at server: ServerAddress) -> Node {
        state.withLock { state in node(at: server, &state) }
    }

    /// What a node said about one slot; the rest of the map is asked for.
    func learn(_ slot: KeySlot, isAt server: ServerAddress) {
        state.withLock { state in state.map[slot] = server }
        refresh()
    }

    /// The nodes that serve slots now; fails with a ``RedisFault``.
    func primaries() -> EventLoopFuture<[Node]> {
        map().map { map in
            self.state.withLock { state in map.primaries.map { self.node(at: $0, &state) } }
        }
    }

    /// Whether any connection stands.
    var isInUse: Bool { state.withLock { $0.nodes.values.contains { $0.isInUse } } }

    @discardableResult
    func shutDown() -> [RedisConnection] {
        let nodes = state.withLock { state in
            state.isClosed = true
            return Array(state.nodes.values)
        }
        return nodes.flatMap { $0.shutDown() }
    }

    private func node(at server: ServerAddress, _ state: inout State) -> Node {
        if let node = state.nodes[server] { return node }
        let dialer = Dialer(
            eventLoop: eventLoop, tls: settings.tls,
            introduction: .init(user: settings.user, password: settings.password),
            address: { [eventLoop] in eventLoop.makeSucceededFuture(server) })
        let node = Node(server.description, dialer, tally)
        if state.isClosed { node.shutDown() }
        state.nodes[server] = node
        return node
    }

    private func ask(_ places: ArraySlice<ServerAddress>) -> EventLoopFuture<SlotMap> {
        guard let server = places.first else { return eventLoop.makeFailedFuture(RedisFault.lost) }
        return node(at: server).commands.send(
            Commands("CLUSTER", "SLOTS"), within: RedisLimits.answerTime
        ).within(RedisLimits.mapTime).flatMapThrowing { replies in
            if case .error(let text) = replies.first {
                throw text.hasPrefix("ERR This instance has cluster support disabled")
                    ? RedisFault.noCluster : RedisFault.answer(text, about: "the cluster's slots")
            }
            guard let map = SlotMap(replies.first, from: server) else {
                throw RedisFault.unexpected
            }
            return map
        }.flatMapError { error in
            guard places.count > 1 else {
                let fault = RedisFault(connectionError: error)
                return self.eventLoop.makeFailedFuture(
                    RedisFault(fault.kind, "\(server): \(fault.text)"))
            }
            return self.ask(places.dropFirst())
        }
    }

    /// Enters a new map and leaves the nodes that are primaries no more.
    private func conclude(
        _ result: Result<SlotMap, any Error>
    ) -> Result<SlotMap, any Error> {
        let left = state.withLock { state -> [Node] in
            state.question = nil
            switch result {
            case .failure(let error):
                state.backoff.rest()
                state.fault = RedisFault(connectionError: error)
                return []
            case .success(let map):
                state.backoff.reset()
                state.freshUntil = .now() + RedisLimits.mapPause
                state.map = map
                let past = state.nodes.filter { !map.primaries.contains($0.key) }
                for server in past.keys { state.nodes[server] = nil }
                return Array(past.values)
            }
        }
        for node in left { node.shutDown(.demoted) }
        return result
    }
}

extension RedisFault {
    fileprivate static let noCluster = RedisFault(
        .refused("CLUSTER"), "is not part of a cluster: use redis:// in REDIS_URL")
    fileprivate static let demoted = RedisFault(.lost, "the node serves no slots any more")
}
