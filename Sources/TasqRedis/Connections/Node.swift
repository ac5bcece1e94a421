import NIOCore

/// One server and our connections to it, made as they are wanted.
final class Node: Sendable {
    /// What tells it from the others in the log; empty where there are no others.
    let name: String
    let commands: CommandLink
    let takes: TakeConnections

    init(_ name: String, _ dialer: Dialer, _ tally: Tally) {
        self.name = name
        commands = CommandLink(dialer, tally)
        takes = TakeConnections(dialer, tally)
    }

    /// Whether any connection stands.
    var isInUse: Bool { commands.connection != nil || !takes.connections.isEmpty }

    /// Ends the connections to any other server than this one; new ones are made when wanted.
    func leave(unless server: ServerAddress?, because fault: RedisFault) {
        let connections = takes.connections + (commands.connection.map { [$0] } ?? [])
        for connection in connections where connection.server != server { connection.end(fault) }
    }

    /// Ends the connections for good, fails all who wait and returns what is being closed.
    @discardableResult
    func shutDown(_ fault: RedisFault = .closed) -> [RedisConnection] {
        takes.shutDown(fault) + commands.shutDown(fault)
    }
}
