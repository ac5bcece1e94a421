import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP road from a process to a server, with weather on it.
///
/// `tc netem` is not in every kernel; this needs none.
final class Proxy: Sendable {
    /// Where it listens.
    let port: Int
    private let listener: any Channel
    private let state: Road

    private init(listener: any Channel, state: Road) {
        self.listener = listener
        self.state = state
        port = listener.localAddress?.port ?? 0
    }

    deinit {
        listener.close(promise: nil)
        state.endAll()
    }

    /// What is on the road from now on.
    var weather: Weather {
        get { state.weather }
        set { state.weather = newValue }
    }

    /// Ends every connection at once, as a router that forgot them would.
    func reset() { state.endAll() }

    /// Ends one direction of every connection, so that the side which nothing comes to any more can
    /// still say what it likes: towards the server, or towards the process.
    func halfClose(towardsServer: Bool) { state.halfClose(towardsServer: towardsServer) }

    /// Connections that were made over this road.
    var connections: Int { state.count }

    /// Connections that were asked for, also while nobody was there at its end.
    var asked: Int { state.asked }

    /// Pieces that the weather slowed, sliced or held up, and connections that it ended.
    var struck: Int { state.struck }

    /// Opens a road to a port of this machine.
    static func open(to target: Int, on host: String = "127.0.0.1") async throws -> Proxy {
        let state = Road()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { client in
                state.noteAsked()
                return join(client, to: target, over: state)
            }
            .bind(host: host, port: 0).get()
        return Proxy(listener: listener, state: state)
    }

    /// Connects to the server and lets both sides talk.
    private static func join(
        _ client: any Channel, to target: Int, over road: Road
    ) -> EventLoopFuture<Void> {
        ClientBootstrap(group: client.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: target)
            .flatMap { server in
                client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(
                        Relay(from: client, to: server, .up, over: road))
                    try server.pipeline.syncOperations.addHandler(
                        Relay(from: server, to: client, .down, over: road))
                    road.add(client, server)
                }.flatMap { client.setOption(.autoRead, value: true) }
                    .flatMap { server.setOption(.autoRead, value: true) }
            }
            .flatMapError { error in
                client.close(promise: nil)
                return client.eventLoop.makeFailedFuture(error)
            }
    }
}

/// The weather, and the connections it is on.
private final class Road: Sendable {
    private struct State {
        var weather = Weather.fair
        var channels: [ObjectIdentifier: (channel: any Channel, isServer: Bool)] = [:]
        var asked = 0
        var count = 0
        var struck = 0
    }

    private let state = Mutex(State())

    var weather: Weather {
        get { state.withLock { $0.weather } }
        set { state.withLock { $0.weather = newValue } }
    }

    var asked: Int { state.withLock { $0.asked } }
    var count: Int { state.withLock { $0.count } }
    var struck: Int { state.withLock { $0.struck } }

    func noteAsked() { state.withLock { $0.asked += 1 } }

    func noteStrike() { state.withLock { $0.struck += 1 } }

    func add(_ client: any Channel, _ server: any Channel) {
        state.withLock { state in
            state.count += 1
            state.channels[ObjectIdentifier(client)] = (client, false)
            state.channels[ObjectIdentifier(server)] = (server, true)
        }
        for channel in [client, server] {
            channel.closeFuture.whenComplete { _ in
                self.state.withLock {
                    _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel))
                }
            }
        }
    }

    func endAll() {
        let channels = state.withLock { state in
            state.struck += state.channels.count
            return state.channels.values.map(\.channel)
        }
        Self.reset(channels)
    }

    func halfClose(towardsServer: Bool) {
        for end in state.withLock({ Array($0.channels.values) })
        where end.isServer == towardsServer {
            noteStrike()
            end.channel.close(mode: .output, promise: nil)
        }
    }

    /// Closes so that the other sides see a reset rather than an end.
    ///
    /// All are told so before the first is closed: a relay closes the other end of a road when one end
    /// is gone, which would be a quiet end.
    static func reset(_ channels: [any Channel]) {
        for channel in channels {
            guard let socket = channel as? any SocketOptionProvider else { continue }
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        for channel in channels { channel.close(promise: nil) }
    }
}

/// Carries the bytes of one direction.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Direction { case up, down }

    private enum Item {
        case bytes(ByteBuffer)
        /// One side has said its last, and still listens.
        case end
        /// One side has gone.
        case gone
    }

    /// How often a road that is cut is looked at again.
    private static let look = TimeAmount.milliseconds(10)

    private let own: any Channel
    private let other: any Channel
    private let direction: Direction
    private let road: Road
    private var waiting: CircularBuffer<(due: NIODeadline, item: Item)> = []
    private var hasAlarm = false

    init(
        from own: any Channel, to other: any Channel, _ direction: Direction, over road: Road
    ) {
        self.own = own
        self.other = other
        self.direction = direction
        self.road = road
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let weather = road.weather
        guard weather.resetChance == 0 || Double.random(in: 0..<1) >= weather.resetChance else {
            road.noteStrike()
            Road.reset([own, other])
            return
        }
        while bytes.readableBytes > 0 {
            let length = min(bytes.readableBytes, weather.slice ?? .max)
            guard let piece = bytes.readSlice(length: length) else { break }
            append(.bytes(piece), weather)
        }
        pump()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            append(.end, road.weather)
            pump()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        append(.gone, road.weather)
        pump()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        own.close(promise: nil)
    }

    private func append(_ item: Item, _ weather: Weather) {
        if weather.isFelt(towardsServer: direction == .up) { road.noteStrike() }
        let swing = weather.jitter * Double.random(in: -1...1)
        let delay = max(.zero, weather.latency + swing)
        let due = NIODeadline.now() + TimeAmount(delay)
        waiting.append((max(due, waiting.last?.due ?? due), item))
    }

    /// Delivers what is due, and sets an alarm for the rest.
    private func pump() {
        let weather = road.weather
        let isHeld = direction == .up ? weather.holdsUp : weather.holdsDown
        while !isHeld, let first = waiting.first, first.due <= .now() {
            switch waiting.removeFirst().item {
            case .bytes(let bytes): other.writeAndFlush(bytes, promise: nil)
            case .end: other.close(mode: .output, promise: nil)
            case .gone: other.close(promise: nil)
            }
        }
        guard let first = waiting.first, !hasAlarm else { return }
        hasAlarm = true
        let time = isHeld ? .now() + Self.look : first.due
        own.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.hasAlarm = false
            self.pump()
        }
    }
}
