import NIOCore
import Synchronization

/// Asks sentinels which server is the primary of a service.
///
/// One after the other, the one first that was last believed: two that disagree, as in the middle of
/// a failover, must not send us to and fro. Half a second each, so that one that is gone holds up
/// nobody.
final class Sentinels: Sendable {
    private let service: String
    private let links: [CommandLink]
    private let addresses: [ServerAddress]
    private let first = Mutex(0)

    init(_ settings: RedisSettings, service: String, eventLoop: any EventLoop, _ tally: Tally) {
        self.service = service
        addresses = settings.servers
        links = settings.servers.map { server in
            CommandLink(
                Dialer(
                    eventLoop: eventLoop, tls: settings.tls,
                    introduction: .init(
                        user: settings.sentinelUser, password: settings.sentinelPassword),
                    address: { eventLoop.makeSucceededFuture(server) }),
                tally)
        }
    }

    /// Where the primary is, by the first sentinel that knows; fails with a ``RedisFault``.
    func primary(on eventLoop: any EventLoop) -> EventLoopFuture<ServerAddress> {
        ask(first.withLock { $0 }, tries: min(links.count, RedisLimits.placesAsked), on: eventLoop)
    }

    /// What each sentinel says now; for checks.
    func opinions() async -> [(sentinel: ServerAddress, primary: Result<ServerAddress, RedisFault>)]
    {
        var opinions: [(ServerAddress, Result<ServerAddress, RedisFault>)] = []
        for index in links.indices {
            opinions.append((addresses[index], await opinion(of: index).settled()))
        }
        return opinions
    }

    /// Begins with the next one from now on: what this one said last was not so.
    func distrust() {
        first.withLock { $0 = ($0 + 1) % links.count }
    }

    @discardableResult
    func shutDown() -> [RedisConnection] {
        links.flatMap { $0.shutDown() }
    }

    private func ask(
        _ index: Int, tries: Int, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ServerAddress> {
        opinion(of: index).map { server in
            self.first.withLock { $0 = index }
            return server
        }.flatMapError { error in
            guard tries > 1 else {
                self.distrust()
                return eventLoop.makeFailedFuture(error)
            }
            return self.ask((index + 1) % self.links.count, tries: tries - 1, on: eventLoop)
        }
    }

    private func opinion(of index: Int) -> EventLoopFuture<ServerAddress> {
        let place = "sentinel \(addresses[index])"
        return links[index].send(
            Commands("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service), within: RedisLimits.answerTime
        ).within(RedisLimits.sentinelTime).flatMapThrowing { [service] replies in
            switch replies.first {
            case .array(let parts):
                guard let server = ServerAddress(parts) else { throw RedisFault.unexpected }
                return server
            case .null: throw RedisFault(.refused("SERVICE"), "watches nothing named \(service)")
            case .error(let text):
                throw text.hasPrefix("ERR unknown command")
                    ? RedisFault.noSentinel : RedisFault.refusal(text)
            default: throw RedisFault.unexpected
            }
        }.flatMapErrorThrowing { error in
            let fault = RedisFault(connectionError: error)
            throw RedisFault(fault.kind, "\(place): \(fault.text)")
        }
    }
}

extension RedisFault {
    fileprivate static let noSentinel = RedisFault(
        .refused("SENTINEL"),
        "is no sentinel: name sentinels in REDIS_URL, or use redis:// for a server by itself")
}

extension ServerAddress {
    /// Host and port, as sentinels give them.
    fileprivate init?(_ parts: [Reply]) {
        guard parts.count == 2, case .bytes(let host) = parts[0], case .bytes(let port) = parts[1],
            let number = Int(String(decoding: port.prefix(8), as: UTF8.self)),
            let server = ServerAddress(bytes: host, port: Int64(number))
        else { return nil }
        self = server
    }

    /// As a server names another; `nil` for what cannot be one.
    init?(bytes: [UInt8], port: Int64) {
        guard (1...255).contains(bytes.count), bytes.allSatisfy({ $0 > 32 && $0 < 127 }),
            (1...65_535).contains(port)
        else { return nil }
        self.init(host: String(decoding: bytes, as: UTF8.self), port: Int(port))
    }
}
