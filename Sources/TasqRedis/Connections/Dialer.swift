import NIOCore
import NIOPosix

/// Makes connections to one server: socket, pipeline, user, database, name.
struct Dialer: Sendable {
    /// Who we are to a server, and what we want of it.
    struct Introduction: Sendable {
        var user: String?
        var password: String?
        var database = 0
        /// Whether a server that is not a primary is left again at once.
        var wantsPrimary = false
    }

    let eventLoop: any EventLoop
    let tls: RedisTLS?
    let introduction: Introduction
    /// Where the server is: asked before every connection, for it may have moved.
    let address: @Sendable () -> EventLoopFuture<ServerAddress>
    /// Told when what ``address`` gave was no primary, and one is wanted.
    var onNotPrimary: @Sendable () -> Void = {}

    /// Connects once; fails with a ``RedisFault`` after two seconds for the connection and two for
    /// the first answers at the latest, once it is known where to.
    func dial() -> EventLoopFuture<RedisConnection> {
        address().flatMap(dial).flatMapErrorThrowing { error in
            throw RedisFault(connectionError: error)
        }
    }

    private func dial(_ server: ServerAddress) -> EventLoopFuture<RedisConnection> {
        // Kept here as well: a handshake may have failed before anybody is told that the
        // connection stands, and only the handler knows why.
        let kept = NIOLoopBoundBox.makeEmptyBox(valueType: RedisHandler.self, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(RedisLimits.connectTime)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    kept.value = try buildPipeline(of: channel, to: server)
                }
            }
            .connect(host: server.host, port: server.port)
            .flatMap { channel in greet(channel, kept.value, server) }
    }

    /// The one place where a connection's pipeline is built.
    private func buildPipeline(
        of channel: any Channel, to server: ServerAddress
    ) throws -> RedisHandler {
        try closeOnExec(channel)
        if let tls {
            try channel.pipeline.syncOperations.addHandler(tls.handler(for: server.host))
        }
        let handler = RedisHandler(eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(handler)
        return handler
    }

    /// Says who we are and which database we want, in one go.
    private func greet(
        _ channel: any Channel, _ kept: RedisHandler?, _ server: ServerAddress
    ) -> EventLoopFuture<RedisConnection> {
        guard let kept else { return channel.eventLoop.makeFailedFuture(RedisFault.lost) }
        let handler = NIOLoopBound(kept, eventLoop: channel.eventLoop)
        var mandatory = 0
        var greeting = Commands()
        if let password = introduction.password {
            greeting.append(["AUTH"] + (introduction.user.map { [$0] } ?? []) + [password])
            mandatory += 1
        }
        if introduction.database != 0 {
            greeting.append(["SELECT", String(introduction.database)])
            mandatory += 1
        }
        if introduction.wantsPrimary { greeting.append(["ROLE"]) }
        greeting.append(["CLIENT", "SETNAME", "tasq"])
        greeting.append(["CLIENT", "ID"])
        let promise = channel.eventLoop.makePromise(of: [Reply].self)
        handler.value.send(greeting, by: .now() + RedisLimits.answerTime, promise)
        return promise.futureResult.flatMapErrorThrowing { [isSecure = tls != nil] error in
            switch (error as? RedisFault)?.kind {
            case .lost?: throw RedisFault.hungUp
            case .silent? where isSecure: throw RedisFault.noHandshake
            default: throw error
            }
        }.flatMapThrowing { [mandatory] replies in
            do throws(RedisFault) {
                let id = try Self.clientID(in: replies, mandatory: mandatory)
                if introduction.wantsPrimary { try checkRole(replies[mandatory], of: server) }
                return RedisConnection(channel, handler, to: server, clientID: id)
            } catch {
                handler.value.end(error)
                throw error
            }
        }
    }

    /// Checks the answers; those to `ROLE` and `CLIENT` may be refused, a user without that right
    /// can work.
    private static func clientID(
        in replies: [Reply], mandatory: Int
    ) throws(RedisFault) -> Int64? {
        for (index, reply) in replies.enumerated() {
            guard case .error(let text) = reply else { continue }
            let fault = RedisFault.refusal(text)
            if index < mandatory || fault.isRefusalOfAll { throw fault }
        }
        guard case .integer(let id)? = replies.last else { return nil }
        return id
    }

    /// Sentinels are behind the times while a failover is under way: the server itself knows best.
    private func checkRole(_ reply: Reply, of server: ServerAddress) throws(RedisFault) {
        guard case .array(let parts) = reply, case .bytes(let role)? = parts.first else { return }
        guard !role.elementsEqual("master".utf8) else { return }
        onNotPrimary()
        throw .notPrimary(server)
    }
}

extension RedisFault {
    /// A server without a free slot says so, but its words are often lost with the connection.
    fileprivate static let hungUp = RedisFault(
        .refused("CLOSED"),
        "hung up on us: see its log; raise maxclients if it is full, use rediss:// if it wants TLS")

    /// A plain port waits for the end of the line it takes a handshake for.
    fileprivate static let noHandshake = RedisFault(
        .silent, "no answer in time: is it the TLS port?")

    fileprivate static func notPrimary(_ server: ServerAddress) -> RedisFault {
        RedisFault(.unreachable, "\(server) is named by the sentinels and is not the primary")
    }

    /// Whether no other command would fare better.
    fileprivate var isRefusalOfAll: Bool {
        kind == .refused("NOAUTH") || kind == .refused("MAXCLIENTS")
    }
}
