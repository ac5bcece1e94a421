import NIOCore
import Synchronization

/// A connection that stands: user, database and name are set.
final class RedisConnection: Sendable {
    /// Redis's own number for it; `nil` where the user may not ask.
    let clientID: Int64?
    /// Succeeds with the reason when the connection has ended.
    let ended: EventLoopFuture<RedisFault>
    let channel: any Channel
    let server: ServerAddress
    private let handler: NIOLoopBound<RedisHandler>
    private let marks = Mutex<Marks>(Marks())

    private struct Marks {
        var hasServed = false
        var hasWarned = false
        var isOld = false
    }

    /// Takes over a channel on its event loop.
    init(
        _ channel: any Channel, _ handler: NIOLoopBound<RedisHandler>, to server: ServerAddress,
        clientID: Int64?
    ) {
        self.clientID = clientID
        self.channel = channel
        self.server = server
        self.handler = handler
        ended = handler.value.ended.futureResult
    }

    var isActive: Bool { channel.isActive }

    /// Whether a command was answered well since the connection was made.
    var hasServed: Bool { marks.withLock { $0.hasServed } }

    func noteServed() {
        marks.withLock { $0.hasServed = true }
    }

    /// Whether the server is known not to have `BLMPOP`. A server's age is found out anew over each
    /// connection, for the next one may lead to another server.
    var isOld: Bool { marks.withLock { $0.isOld } }

    func noteOld() {
        marks.withLock { $0.isOld = true }
    }

    /// `true` the first time it is asked: what is told once a connection.
    func mayWarn() -> Bool {
        marks.withLock { marks in
            defer { marks.hasWarned = true }
            return !marks.hasWarned
        }
    }

    /// Sends commands and waits for a reply to each; fails with a ``RedisFault``. A missed deadline
    /// ends the connection: the late reply would be taken for the next one's.
    func send(_ commands: Commands, within time: TimeAmount) -> EventLoopFuture<[Reply]> {
        let promise = channel.eventLoop.makePromise(of: [Reply].self)
        let deadline = NIODeadline.now() + time
        channel.eventLoop.execute { [handler] in
            handler.value.send(commands, by: deadline, promise)
        }
        return promise.futureResult
    }

    func end(_ fault: RedisFault) {
        channel.eventLoop.execute { [handler] in handler.value.end(fault) }
    }

    /// Succeeds when the socket is closed.
    var closed: EventLoopFuture<Void> { channel.closeFuture }
}
