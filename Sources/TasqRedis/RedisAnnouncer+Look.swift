import NIOCore
public import Tasq

/// Reading what stands in Redis, for checks.
extension RedisAnnouncer {
    /// The queues that have lists. Walks all keys of every primary, a thousand at a time.
    public func announcedQueues() async throws(AnnouncerError) -> [Name] {
        var queues: Set<Name> = []
        try await scan(keys.listPattern) { key in
            if let queue = keys.queue(ofList: key) { queues.insert(queue) }
        }
        return Array(queues)
    }

    /// The epoch marks as they stand, without writing any: one, or in a cluster one for each queue
    /// that has one, of a hundred queues at most.
    package func marks() async throws(AnnouncerError) -> [String] {
        var places = [keys.epoch]
        if case .cluster = deployment.servers {
            places = []
            try await scan(keys.epochPattern) { key in
                if places.count < RedisLimits.marksRead { places.append(key) }
            }
        }
        guard !places.isEmpty else { return [] }
        let replies = try await run(
            places.map { KeyedCommand("GET", $0, on: $0) }, while: .counting)
        return replies.compactMap { reply in
            guard case .bytes(let bytes) = reply else { return nil }
            return String(decoding: bytes.prefix(RedisLimits.markBytes), as: UTF8.self)
        }
    }

    /// Walks all keys of every primary that match, a thousand at a time.
    private func scan(
        _ pattern: String, _ visit: (String) -> Void
    ) async throws(AnnouncerError) {
        for node in try await nodes() {
            var cursor = "0"
            repeat {
                let reply = try await ask(
                    node, Commands("SCAN", cursor, "MATCH", pattern, "COUNT", "1000"))
                guard case .array(let parts) = reply, parts.count == 2,
                    case .bytes(let next) = parts[0], case .array(let found) = parts[1]
                else { throw failure(.unexpected, while: .counting, at: node.name) }
                cursor = String(decoding: next.prefix(RedisLimits.markBytes), as: UTF8.self)
                for case .bytes(let key) in found { visit(String(decoding: key, as: UTF8.self)) }
            } while cursor != "0"
        }
    }

    /// A stretch of a list, newest first. Elements are cut to 1024 bytes.
    public func announced(
        on queue: Name, _ priority: Priority, from index: Int, limit: Int
    ) async throws(AnnouncerError) -> [String] {
        let list = keys.list(queue, priority)
        let count = min(max(1, limit), RedisLimits.idsPerTake)
        let (last, overflow) = index.addingReportingOverflow(count - 1)
        let replies = try await run(
            [
                KeyedCommand(
                    "LRANGE", list, String(index), String(overflow ? .max : last), on: list)
            ], while: .counting)
        guard case .array(let elements) = replies[0] else {
            throw failure(.unexpected, while: .counting)
        }
        return elements.map { element in
            guard case .bytes(let bytes) = element else { return "" }
            return String(decoding: bytes.prefix(RedisLimits.markBytes), as: UTF8.self)
        }
    }

    /// A server that keys are on, and what it tells about itself.
    package struct ServerFacts: Sendable {
        /// Which of several it is; empty for the only one.
        package var name: String
        /// As `INFO` names them.
        package var facts: [String: String]
    }

    /// What each primary tells about itself.
    package func information() async throws(AnnouncerError) -> [ServerFacts] {
        var servers: [ServerFacts] = []
        for node in try await nodes() {
            var facts: [String: String] = [:]
            for section in ["server", "memory", "persistence", "replication", "stats"] {
                guard case .bytes(let bytes) = try await ask(node, Commands("INFO", section))
                else { throw failure(.unexpected, while: .counting, at: node.name) }
                let text = String(decoding: bytes, as: UTF8.self)
                for line in text.split(whereSeparator: \.isNewline) {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    facts[String(line[..<colon])] = String(line[line.index(after: colon)...])
                }
            }
            servers.append(ServerFacts(name: node.name, facts: facts))
        }
        return servers
    }

    /// What each sentinel says: which server is the primary, or why it says nothing. `nil` where
    /// there are no sentinels.
    package func opinions() async -> [(sentinel: String, primary: String?, fault: String)]? {
        guard case .one(_, let sentinels?) = deployment.servers else { return nil }
        return await sentinels.opinions().map { opinion in
            switch opinion.primary {
            case .success(let server): ("\(opinion.sentinel)", "\(server)", "")
            case .failure(let fault): ("\(opinion.sentinel)", nil, fault.text)
            }
        }
    }

    /// How many of a cluster's slots are served, and how many there are; `nil` without a cluster.
    package func servedSlots() async throws(AnnouncerError) -> (served: Int, all: Int)? {
        guard case .cluster(let cluster) = deployment.servers else { return nil }
        switch await cluster.refresh().answer() {
        case .success(let map): return (map.servedSlots, KeySlot.count)
        case .failure(let fault): throw failure(fault, while: .counting)
        }
    }

    private func nodes() async throws(AnnouncerError) -> [Node] {
        switch await deployment.nodes() {
        case .success(let nodes): return nodes
        case .failure(let fault): throw failure(fault, while: .counting)
        }
    }

    private func ask(_ node: Node, _ command: Commands) async throws(AnnouncerError) -> Reply {
        let sent = await node.commands.send(command, within: RedisLimits.answerTime).answer()
        let answer = Answer(result: sent.map { $0[0] }, node: node.name)
        switch answer.reply(about: "keys") {
        case .failure(let fault): throw failure(fault, while: .counting, at: node.name)
        case .success(let reply):
            outages.succeeded(.counting, at: node.name)
            return reply
        }
    }
}
