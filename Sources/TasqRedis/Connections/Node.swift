import NIOCore
import Synchronization

/// One server and our connections to it, made as they are wanted.
final class Node: Sendable {
    /// What tells it from the others in the log; empty where there are no others.
    let name: String
    let commands: CommandLink
    let takes: TakeConnections
    private let dialer: Dialer
    private let shown = Mutex(Shown())

    /// The connections on which workers of this process are seen.
    private struct Shown {
        var connections: [RedisConnection] = []
        var closed: RedisFault?
    }

    init(_ name: String, _ dialer: Dialer, _ tally: Tally) {
        self.name = name
        self.dialer = dialer
        commands = CommandLink(dialer, tally)
        takes = TakeConnections(dialer, tally)
    }

    /// A connection for somebody to be seen on; whoever asks for it ends it.
    func presenceConnection() async -> Result<RedisConnection, RedisFault> {
        let dialled = dialer.dial()
        let answer = await dialled.answer()
        guard case .success(let connection) = answer else {
            // Whoever waited may have gone before it came.
            dialled.whenSuccess { $0.end(.cancelled) }
            return answer
        }
        let closed = shown.withLock { shown in
            if shown.closed == nil { shown.connections.append(connection) }
            return shown.closed
        }
        if let closed {
            connection.end(closed)
            return .failure(closed)
        }
        connection.ended.whenSuccess { _ in
            self.shown.withLock { $0.connections.removeAll { $0 === connection } }
        }
        return answer
    }

    /// Whether any connection stands.
    var isInUse: Bool { !connections.isEmpty }

    private var connections: [RedisConnection] {
        takes.connections + (commands.connection.map { [$0] } ?? [])
            + shown.withLock { $0.connections }
    }

    /// Ends the connections to any other server than this one; new ones are made when wanted.
    func leave(unless server: ServerAddress?, because fault: RedisFault) {
        for connection in connections where connection.server != server { connection.end(fault) }
    }

    /// Ends the connections for good, fails all who wait and returns what is being closed.
    @discardableResult
    func shutDown(_ fault: RedisFault = .closed) -> [RedisConnection] {
        let seen = shown.withLock { shown in
            shown.closed = fault
            return shown.connections
        }
        for connection in seen { connection.end(fault) }
        return takes.shutDown(fault) + commands.shutDown(fault) + seen
    }
}
