import NIOCore
import NIOPosix

/// Makes connections: socket, pipeline, user, database, name.
struct Dialer: Sendable {
    let settings: RedisSettings
    let eventLoop: any EventLoop

    /// Connects once; fails with a ``RedisFault`` after two seconds for the connection and two for
    /// the first answers at the latest.
    func dial() -> EventLoopFuture<RedisConnection> {
        // Kept here as well: a handshake may have failed before anybody is told that the
        // connection stands, and only the handler knows why.
        let kept = NIOLoopBoundBox.makeEmptyBox(valueType: RedisHandler.self, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(RedisLimits.connectTime)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    kept.value = try buildPipeline(of: channel)
                }
            }
            .connect(host: settings.host, port: settings.port)
            .flatMap { channel in greet(channel, kept.value) }
            .flatMapErrorThrowing { error in throw RedisFault(connectionError: error) }
    }

    /// The one place where a connection's pipeline is built.
    private func buildPipeline(of channel: any Channel) throws -> RedisHandler {
        try closeOnExec(channel)
        if let tls = settings.tls {
            try channel.pipeline.syncOperations.addHandler(tls.handler())
        }
        let handler = RedisHandler(eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(handler)
        return handler
    }

    /// Says who we are and which database we want, in one go.
    private func greet(
        _ channel: any Channel, _ kept: RedisHandler?
    ) -> EventLoopFuture<RedisConnection> {
        guard let kept else { return channel.eventLoop.makeFailedFuture(RedisFault.lost) }
        let handler = NIOLoopBound(kept, eventLoop: channel.eventLoop)
        var mandatory = 0
        var greeting = Commands()
        if let password = settings.password {
            greeting.append(["AUTH"] + (settings.user.map { [$0] } ?? []) + [password])
            mandatory += 1
        }
        if settings.database != 0 {
            greeting.append(["SELECT", String(settings.database)])
            mandatory += 1
        }
        greeting.append(["CLIENT", "SETNAME", "tasq"])
        greeting.append(["CLIENT", "ID"])
        let promise = channel.eventLoop.makePromise(of: [Reply].self)
        handler.value.send(greeting, by: .now() + RedisLimits.answerTime, promise)
        return promise.futureResult.flatMapErrorThrowing { [isSecure = settings.tls != nil] error in
            switch (error as? RedisFault)?.kind {
            case .lost?: throw RedisFault.hungUp
            case .silent? where isSecure: throw RedisFault.noHandshake
            default: throw error
            }
        }.flatMapThrowing { [mandatory] replies in
            do throws(RedisFault) {
                let id = try Self.clientID(in: replies, mandatory: mandatory)
                return RedisConnection(channel, handler, clientID: id)
            } catch {
                handler.value.end(error)
                throw error
            }
        }
    }

    /// Checks the answers; those to `CLIENT` may be refused, a user without that right can work.
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
}

extension RedisFault {
    /// A server without a free slot says so, but its words are often lost with the connection.
    fileprivate static let hungUp = RedisFault(
        .refused("CLOSED"),
        "hung up on us: see its log; raise maxclients if it is full, use rediss:// if it wants TLS")

    /// A plain port waits for the end of the line it takes a handshake for.
    fileprivate static let noHandshake = RedisFault(
        .silent, "no answer in time: is it the TLS port?")

    /// Whether no other command would fare better.
    fileprivate var isRefusalOfAll: Bool {
        kind == .refused("NOAUTH") || kind == .refused("MAXCLIENTS")
    }
}
