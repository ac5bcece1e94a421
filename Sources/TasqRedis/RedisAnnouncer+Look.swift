import NIOCore
public import Tasq

/// Reading what stands in Redis, for checks.
extension RedisAnnouncer {
    /// The queues that have lists. Walks all keys of the database, a thousand at a time.
    public func announcedQueues() async throws(AnnouncerError) -> [Name] {
        var queues: Set<Name> = []
        var cursor = "0"
        repeat {
            let reply = try await run(
                Commands("SCAN", cursor, "MATCH", keys.listPattern, "COUNT", "1000"),
                while: .counting, on: [keys.listPattern]
            ).first
            guard case .array(let parts) = reply, parts.count == 2,
                case .bytes(let next) = parts[0], case .array(let found) = parts[1]
            else { throw failure(.unexpected, while: .counting) }
            cursor = String(decoding: next.prefix(RedisLimits.markBytes), as: UTF8.self)
            for case .bytes(let key) in found {
                if let queue = keys.queue(ofList: String(decoding: key, as: UTF8.self)) {
                    queues.insert(queue)
                }
            }
        } while cursor != "0"
        return Array(queues)
    }

    /// A stretch of a list, newest first. Elements are cut to ``RedisLimits/markBytes``.
    public func announced(
        on queue: Name, _ priority: Priority, from index: Int, limit: Int
    ) async throws(AnnouncerError) -> [String] {
        let list = keys.list(queue, priority)
        let count = min(max(1, limit), RedisLimits.idsPerTake)
        let (last, overflow) = index.addingReportingOverflow(count - 1)
        let reply = try await run(
            Commands("LRANGE", list, String(index), String(overflow ? .max : last)),
            while: .counting, on: [list]
        ).first
        guard case .array(let elements) = reply else {
            throw failure(.unexpected, while: .counting)
        }
        return elements.map { element in
            guard case .bytes(let bytes) = element else { return "" }
            return String(decoding: bytes.prefix(RedisLimits.markBytes), as: UTF8.self)
        }
    }

    /// What Redis tells about itself, as `INFO` names it.
    package func information() async throws(AnnouncerError) -> [String: String] {
        var facts: [String: String] = [:]
        for section in ["server", "memory", "persistence", "replication", "stats"] {
            let reply = try await run(
                Commands("INFO", section), while: .counting, on: [section]
            ).first
            guard case .bytes(let bytes) = reply else {
                throw failure(.unexpected, while: .counting)
            }
            for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
                guard let colon = line.firstIndex(of: ":") else { continue }
                facts[String(line[..<colon])] = String(line[line.index(after: colon)...])
            }
        }
        return facts
    }
}
