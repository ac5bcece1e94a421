import NIOCore
import NIOPosix

/// Connections that say nothing and want nothing.
struct Crowd: Sendable {
    private let connections: [any Channel]

    /// Connects as often as it is let.
    static func connect(_ count: Int, to port: Int) async throws -> Crowd {
        let group = MultiThreadedEventLoopGroup.singleton
        var connections: [any Channel] = []
        for _ in 0..<count {
            let bootstrap = ClientBootstrap(group: group).connectTimeout(.seconds(1))
            if let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get() {
                connections.append(channel)
            }
        }
        return Crowd(connections: connections)
    }

    func leave() async {
        for connection in connections { try? await connection.close() }
    }
}
