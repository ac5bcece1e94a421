import NIOCore
import NIOPosix
import TasqTLS

/// What a ``TargetPool`` has: connections that rest, are busy or being made, and exchanges that
/// wait for one. Lives on the pool's event loop.
final class TargetConnections {
    private let origin: HTTPOrigin
    private let peers: PeerRule?
    private let limit: Int
    private let loop: any EventLoop
    private var tls: TLSContext?

    /// The one used last is the next to be used.
    private var resting: [TargetConnection] = []
    private var open: [ObjectIdentifier: TargetConnection] = [:]
    /// For whom connections are being made.
    private var dialing: [ObjectIdentifier: HTTPExchange] = [:]
    private var waiting = CircularBuffer<HTTPExchange>()
    private var isClosed = false

    init(to origin: HTTPOrigin, peers: PeerRule?, limit: Int, loop: any EventLoop) {
        self.origin = origin
        self.peers = peers
        self.limit = limit
        self.loop = loop
    }

    func start(_ exchange: HTTPExchange, tls: TLSContext?) {
        guard !isClosed else {
            return exchange.end(isWhole: false, otherwise: RequestFault.closed)
        }
        self.tls = tls
        exchange.start(on: loop)
        if let connection = resting.popLast() {
            connection.carry(exchange)
        } else if open.count + dialing.count < limit {
            dial(for: exchange)
        } else {
            waiting.append(exchange)
        }
    }

    /// Sends over a fresh connection what one used before has failed to carry.
    func resend(_ exchange: HTTPExchange) {
        exchange.isRepeated = true
        guard !isClosed else {
            return exchange.end(isWhole: false, otherwise: RequestFault.closed)
        }
        dial(for: exchange)
    }

    /// A connection can carry the next exchange.
    func ready(_ connection: TargetConnection) {
        guard !isClosed else { return connection.close() }
        if let next = nextWaiting() { return connection.carry(next) }
        resting.append(connection)
        connection.rest()
    }

    /// A connection is closed, or about to be.
    func lost(_ connection: TargetConnection) {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        resting.removeAll { $0 === connection }
        refill()
    }

    /// Closes what is open, and at its time what is being made.
    func close() {
        isClosed = true
        for exchange in Array(waiting) + Array(dialing.values) {
            exchange.end(isWhole: false, otherwise: RequestFault.closed)
        }
        waiting.removeAll()
        for connection in Array(open.values) { connection.close() }
    }

    // MARK: Making connections

    private func dial(for exchange: HTTPExchange) {
        dialing[ObjectIdentifier(exchange)] = exchange
        // Several channels may be tried, one for each address, and one of them connects.
        let tried = NIOLoopBoundBox([ObjectIdentifier: TargetConnection](), eventLoop: loop)
        let pool = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(max(.nanoseconds(1), exchange.deadline - .now()))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    tried.value[ObjectIdentifier(channel)] =
                        try pool.value.buildPipeline(of: channel)
                }
            }
            .connect(host: origin.host, port: origin.port)
            .assumeIsolated()
            .whenComplete { result in
                self.dialed(
                    result.map { tried.value[ObjectIdentifier($0)] }, for: exchange)
            }
    }

    private func buildPipeline(of channel: any Channel) throws -> TargetConnection {
        let pipeline = channel.pipeline.syncOperations
        if let peers { try pipeline.addHandler(PeerGate(peers)) }
        if let tls { try pipeline.addHandler(try tls.clientHandler(for: origin.host)) }
        let connection = TargetConnection(self)
        try pipeline.addHandler(connection)
        return connection
    }

    private func dialed(
        _ result: Result<TargetConnection?, any Error>, for exchange: HTTPExchange
    ) {
        dialing[ObjectIdentifier(exchange)] = nil
        switch result {
        case .success(let connection?) where isClosed:
            connection.close()
        case .success(let connection?):
            // One that has broken by now ends the exchange with the reason.
            if !connection.isClosed { open[ObjectIdentifier(connection)] = connection }
            if !exchange.isOver {
                connection.carry(exchange)
            } else if !connection.isClosed {
                ready(connection)
            }
            refill()
        case .success(nil):
            exchange.end(isWhole: false)
            refill()
        case .failure(let error):
            exchange.end(isWhole: false, otherwise: error)
            refill()
        }
    }

    /// Makes a connection for the next exchange that waits, if there may be one more.
    private func refill() {
        guard !isClosed, open.count + dialing.count < limit, let next = nextWaiting() else {
            return
        }
        dial(for: next)
    }

    private func nextWaiting() -> HTTPExchange? {
        while let exchange = waiting.popFirst() {
            if !exchange.isOver { return exchange }
        }
        return nil
    }
}
