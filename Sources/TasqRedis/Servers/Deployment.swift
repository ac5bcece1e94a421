import NIOCore
import Synchronization

/// The servers behind an announcer, whatever their shape, and a watch over where they are.
///
/// The watch asks every two seconds, as long as connections stand: one to a server that is cut off,
/// or was replaced while it still runs, tells nothing by itself.
final class Deployment: Sendable {
    enum Servers: Sendable {
        /// One server, whose address the sentinels tell where there are any.
        case one(Node, Sentinels?)
        case cluster(Cluster)
    }

    let servers: Servers
    private let eventLoop: any EventLoop
    private let watch = Mutex<RepeatedTask?>(nil)

    init(_ settings: RedisSettings, eventLoop: any EventLoop, _ tally: Tally) {
        self.eventLoop = eventLoop
        var introduction = Dialer.Introduction(
            user: settings.user, password: settings.password, database: settings.database)
        switch settings.shape {
        case .single:
            let server = settings.servers[0]
            let dialer = Dialer(
                eventLoop: eventLoop, tls: settings.tls, introduction: introduction,
                address: { eventLoop.makeSucceededFuture(server) })
            servers = .one(Node("", dialer, tally), nil)
        case .sentinel(let service):
            introduction.wantsPrimary = true
            let sentinels = Sentinels(settings, service: service, eventLoop: eventLoop, tally)
            let dialer = Dialer(
                eventLoop: eventLoop, tls: settings.tls, introduction: introduction,
                address: { sentinels.primary(on: eventLoop) }, onNotPrimary: sentinels.distrust)
            servers = .one(Node("", dialer, tally), sentinels)
        case .cluster:
            servers = .cluster(Cluster(settings, eventLoop: eventLoop, tally))
        }
        startWatch()
    }

    /// Sends commands, each to the server of its key. Never fails: each has an answer of its own.
    func send(
        _ commands: [KeyedCommand], within time: TimeAmount,
        _ patience: CommandLink.Patience = .waits
    ) -> EventLoopFuture<[Answer]> {
        switch servers {
        case .cluster(let cluster): return cluster.send(commands, within: time, patience)
        case .one(let node, _):
            var batch = Commands()
            for command in commands { batch.append(command) }
            return node.commands.send(batch, within: time, patience).map { replies in
                replies.map { Answer(result: .success($0), node: "") }
            }.flatMapErrorThrowing { error in
                let fault = RedisFault(connectionError: error)
                return commands.map { _ in Answer(result: .failure(fault), node: "") }
            }
        }
    }

    /// Every server that keys may be on.
    func nodes() async -> Result<[Node], RedisFault> {
        switch servers {
        case .one(let node, _): .success([node])
        case .cluster(let cluster): await cluster.primaries().answer()
        }
    }

    @discardableResult
    func shutDown() -> [RedisConnection] {
        watch.withLock { watch in
            watch?.cancel()
            watch = nil
        }
        return switch servers {
        case .one(let node, let sentinels): node.shutDown() + (sentinels?.shutDown() ?? [])
        case .cluster(let cluster): cluster.shutDown()
        }
    }

    private func startWatch() {
        if case .one(_, nil) = servers { return }
        let pause = RedisLimits.watchPause
        let task = eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) {
            [servers, eventLoop] _ in Self.look(servers, eventLoop)
        }
        watch.withLock { $0 = task }
    }

    private static func look(_ servers: Servers, _ eventLoop: any EventLoop) {
        switch servers {
        case .cluster(let cluster): if cluster.isInUse { cluster.refresh() }
        case .one(let node, let sentinels):
            guard let sentinels, node.isInUse else { return }
            sentinels.primary(on: eventLoop).whenSuccess { server in
                node.leave(unless: server, because: .replaced(by: server))
            }
        }
    }
}

extension RedisFault {
    fileprivate static func replaced(by server: ServerAddress) -> RedisFault {
        RedisFault(.lost, "the primary is \(server) now")
    }
}
