import NIOCore
public import Tasq

extension RedisAnnouncer {
    /// Writes the epoch mark and returns the one it replaces; `nil` if there was none.
    public func exchangeEpoch(_ mark: String) async throws(AnnouncerError) -> String? {
        let replies = try await run(
            Commands("SET", keys.epoch, mark, "GET"), while: .marking, on: [keys.epoch])
        switch replies.first {
        case .bytes(let bytes):
            return String(decoding: bytes.prefix(RedisLimits.markBytes), as: UTF8.self)
        case .null: return nil
        default: throw failure(.unexpected, while: .marking)
        }
    }

    /// Empties the lists of these queues.
    public func clear(_ queues: [Name]) async throws(AnnouncerError) {
        guard !queues.isEmpty else { return }
        var commands = Commands()
        for queue in queues { commands.append(["UNLINK"] + keys.lists(queue)) }
        _ = try await run(commands, while: .clearing, on: queues.map { keys.lists($0)[0] })
    }

    /// How many ids stand on the lists of each queue.
    public func depths(of queues: [Name]) async throws(AnnouncerError) -> [Name: Int] {
        let places = queues.flatMap { queue in
            keys.lists(queue).map { (queue: queue, list: $0) }
        }
        guard !places.isEmpty else { return [:] }
        var commands = Commands()
        for place in places { commands.append(["LLEN", place.list]) }
        let replies = try await run(commands, while: .counting, on: places.map(\.list))
        var depths: [Name: Int] = [:]
        for (place, reply) in zip(places, replies) {
            guard case .integer(let length) = reply else {
                throw failure(.unexpected, while: .counting)
            }
            let (sum, overflow) = depths[place.queue, default: 0].addingReportingOverflow(
                Int(clamping: max(0, length)))
            depths[place.queue] = overflow ? .max : sum
        }
        return depths
    }

    /// Runs commands over the shared connection, one for each key; throws when any of them fails.
    func run(
        _ batch: Commands, while activity: OutageLog.Activity, on keys: [String]
    ) async throws(AnnouncerError) -> [Reply] {
        let answer = await commands.send(batch, within: RedisLimits.answerTime).answer()
        switch answer {
        case .failure(let fault): throw failure(fault, while: activity)
        case .success(let replies):
            for case (let key, .error(let text)) in zip(keys, replies) {
                throw failure(.answer(text, about: key), while: activity)
            }
            outages.succeeded(activity)
            return replies
        }
    }

    /// Tells the log and makes the error for the caller.
    func failure(_ fault: RedisFault, while activity: OutageLog.Activity) -> AnnouncerError {
        outages.failed(activity, fault)
        return error(fault)
    }
}

extension RedisFault {
    /// An answer of another type than the command's.
    static let unexpected = RedisFault(.garbled, "sent an answer that does not fit the command")
}
