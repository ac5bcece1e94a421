import Logging
import Tasq
import TasqRedis
import TasqTesting

/// An announcer on a server, with keys and a log of its own.
struct Doorbell: Sendable {
    let announcer: RedisAnnouncer
    let log = RecordedLog()
    let prefix: String

    init(
        _ url: String, prefix: String = "t" + JobID().description, idsPerList: Int? = nil
    ) throws(InvalidInput) {
        self.prefix = prefix
        var settings = try RedisSettings(url: url, prefix: prefix)
        settings.announceTime = settings.announceTime.onThisMachine
        if let idsPerList { settings.idsPerList = idsPerList }
        announcer = RedisAnnouncer(settings, logger: log.logger)
    }

    /// What makes a server of today as old as one before 7.0.
    static let old = ["--rename-command", "BLMPOP", "", "--rename-command", "LMPOP", ""]

    /// On the Redis all tests of this run share.
    static func shared() async throws -> (Doorbell, any RedisServer) {
        let redis = try await TestServers.redis()
        return (try Doorbell(redis.url), redis)
    }

    func list(_ queue: Name = .defaultQueue, _ level: Int = 1) -> String {
        "\(prefix):{\(queue)}:ready:\(level)"
    }

    /// Exchanges the epoch mark of a server that has one for everything.
    func exchangeEpoch(_ mark: String) async throws -> String? {
        guard case .whole(let old) = try await announcer.exchangeEpoch(mark, beside: []) else {
            throw TestingError.failed("one mark was expected")
        }
        return old
    }

    /// Announces and waits until Redis has confirmed it.
    func announce(_ jobs: [Announcement]) async throws {
        try await announcer.refill(jobs)
    }

    /// Takes until there is nothing left.
    func drain(_ queues: [Name] = [.defaultQueue]) async throws -> [JobID] {
        var ids: [JobID] = []
        while true {
            let more = try await announcer.take(upTo: 1000, from: queues, wait: .zero)
            if more.isEmpty { return ids }
            ids += more
        }
    }

    /// Takes as a patient caller: again after each error, until something comes.
    func takeInTime(
        within limit: Duration = .seconds(60).onThisMachine, upTo count: Int = 10
    ) async throws -> [JobID] {
        var ids: [JobID] = []
        try await eventually(within: limit, "something is taken") {
            ids = try await announcer.take(
                upTo: count, from: [.defaultQueue], wait: .milliseconds(500))
            return !ids.isEmpty
        }
        return ids
    }
}

extension Announcement {
    /// A new job's.
    static func new(_ queue: Name = .defaultQueue, _ level: Int = 1) -> Announcement {
        Announcement(id: JobID(), queue: queue, priority: Priority.all[level])
    }

    static func new(_ count: Int, _ queue: Name = .defaultQueue) -> [Announcement] {
        (0..<count).map { _ in .new(queue) }
    }
}

extension RedisServer {
    /// How many clients wait in a blocking take.
    func blockedClients() async throws -> Int {
        let info = try await command("INFO", "clients")
        for line in info.split(whereSeparator: \.isNewline) {
            guard line.hasPrefix("blocked_clients:") else { continue }
            return Int(line.dropFirst("blocked_clients:".count).filter(\.isNumber)) ?? 0
        }
        return 0
    }

    /// How often a command was called, by a client or in a transaction.
    func calls(of name: String) async throws -> Int {
        let info = try await command("INFO", "commandstats")
        let start = "cmdstat_\(name):calls="
        for line in info.split(whereSeparator: \.isNewline) where line.hasPrefix(start) {
            return Int(line.dropFirst(start.count).prefix { $0.isNumber }) ?? 0
        }
        return 0
    }

    func waitForBlockedClients(_ count: Int) async throws {
        try await eventually("\(count) clients wait") { try await blockedClients() == count }
    }
}
