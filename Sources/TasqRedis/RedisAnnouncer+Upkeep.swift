import NIOCore
public import Tasq

extension RedisAnnouncer {
    /// Writes the epoch mark, and returns what it replaces: one for everything on a single primary,
    /// in a cluster one beside the lists of each queue, on whichever node they are.
    public func exchangeEpoch(
        _ mark: String, beside queues: [Name]
    ) async throws(AnnouncerError) -> EpochMarks {
        guard case .cluster = deployment.servers else {
            let answer = await exchange(mark, at: [keys.epoch])[0]
            switch answer.reply(about: keys.epoch).flatMap(Self.mark) {
            case .success(let mark):
                outages.succeeded(.marking, at: answer.node)
                return .whole(mark)
            case .failure(let fault):
                throw failure(fault, while: .marking, at: answer.node)
            }
        }
        let answers = await exchange(mark, at: queues.map { keys.epoch(of: $0) })
        var marks: [Name: EpochMark] = [:]
        for (queue, answer) in zip(queues, answers) {
            switch answer.reply(about: keys.epoch(of: queue)).flatMap(Self.mark) {
            case .success(let mark):
                outages.succeeded(.marking, at: answer.node)
                marks[queue] = .replaced(mark)
            case .failure(let fault):
                outages.failed(.marking, fault, at: answer.node)
                marks[queue] = .unreachable
            }
        }
        return .parts(marks)
    }

    /// Redis before 6.2 has another command for it.
    private func exchange(_ mark: String, at keys: [String]) async -> [Answer] {
        var answers: [Answer] = []
        var open = Array(keys.indices)
        if !lacksExchange.isKnown {
            answers = await send(keys.map { KeyedCommand("SET", $0, mark, "GET", on: $0) })
            // One that knows the command, but not this form of it, finds fault with its syntax.
            open = open.filter { answers[$0].isUnknownCommand || answers[$0].isSyntaxError }
            if open.isEmpty { return answers }
            lacksExchange.note()
        }
        let old = await send(open.map { KeyedCommand("GETSET", keys[$0], mark, on: keys[$0]) })
        guard !answers.isEmpty else { return old }
        for (place, answer) in zip(open, old) { answers[place] = answer }
        return answers
    }

    private static func mark(in reply: Reply) -> Result<String?, RedisFault> {
        switch reply {
        case .bytes(let bytes):
            .success(String(decoding: bytes.prefix(RedisLimits.markBytes), as: UTF8.self))
        case .null: .success(nil)
        default: .failure(.unexpected)
        }
    }

    /// Empties the lists of these queues.
    public func clear(_ queues: [Name]) async throws(AnnouncerError) {
        // One key each: a cluster that moves a slot would refuse several.
        let commands = queues.flatMap { queue in
            keys.lists(queue).map { KeyedCommand("UNLINK", $0, on: $0) }
        }
        guard !commands.isEmpty else { return }
        _ = try await run(commands, while: .clearing)
    }

    /// Takes these ids off a list, each once, from the end that is taken next; returns how many went.
    ///
    /// Redis looks through the whole list for an id that is not there, so few are sent at first, then
    /// more and more, and no more once most of some were gone.
    public func withdraw(
        _ ids: [JobID], from queue: Name, _ priority: Priority
    ) async throws(AnnouncerError) -> Int {
        let list = keys.list(queue, priority)
        var withdrawn = 0
        var rest = ids[...]
        var count = 1
        while !rest.isEmpty {
            let some = rest.prefix(count)
            count = min(count * 4, RedisLimits.removalsAtOnce)
            rest = rest.dropFirst(some.count)
            let removals = some.map { KeyedCommand("LREM", list, "-1", "\($0)", on: list) }
            let found = try await run(removals, while: .clearing).count { $0 == .integer(1) }
            withdrawn += found
            if found * 2 < some.count { break }
        }
        return withdrawn
    }

    /// How many ids stand on the lists of each queue. A queue with something else at the key of a
    /// list is left out, and told of once; throws when that leaves none.
    public func depths(of queues: [Name]) async throws(AnnouncerError) -> [Name: Int] {
        let places = queues.flatMap { queue in
            keys.lists(queue).map { (queue: queue, list: $0) }
        }
        guard !places.isEmpty else { return [:] }
        let answers = await send(places.map { KeyedCommand("LLEN", $0.list, on: $0.list) })
        var depths: [Name: Int] = [:]
        var strange: [Name: RedisFault] = [:]
        for (place, answer) in zip(places, answers) {
            switch answer.reply(about: place.list) {
            case .success(.integer(let length)):
                outages.succeeded(.counting, at: answer.node)
                outages.succeeded(.counting, on: place.list, at: answer.node)
                let (sum, overflow) = depths[place.queue, default: 0].addingReportingOverflow(
                    Int(clamping: max(0, length)))
                depths[place.queue] = overflow ? .max : sum
            case .success: throw failure(.unexpected, while: .counting, at: answer.node)
            case .failure(let fault) where fault.isOfOneList:
                outages.failed(.counting, fault, on: place.list, at: answer.node)
                strange[place.queue] = fault
            case .failure(let fault): throw failure(fault, while: .counting, at: answer.node)
            }
        }
        for queue in strange.keys { depths[queue] = nil }
        if depths.isEmpty, let fault = strange.values.first { throw error(fault) }
        return depths
    }

    /// Runs commands over the shared connections; throws when any of them fails.
    func run(
        _ commands: [KeyedCommand], while activity: OutageLog.Activity
    ) async throws(AnnouncerError) -> [Reply] {
        var replies: [Reply] = []
        for (command, answer) in zip(commands, await send(commands)) {
            switch answer.reply(about: command.key) {
            case .failure(let fault): throw failure(fault, while: activity, at: answer.node)
            case .success(let reply):
                outages.succeeded(activity, at: answer.node)
                replies.append(reply)
            }
        }
        return replies
    }

    private func send(_ commands: [KeyedCommand]) async -> [Answer] {
        switch await deployment.send(commands, within: RedisLimits.answerTime).answer() {
        case .success(let answers): answers
        case .failure(let fault):
            commands.map { _ in Answer(result: .failure(fault), node: "") }
        }
    }

    /// Tells the log and makes the error for the caller.
    func failure(
        _ fault: RedisFault, while activity: OutageLog.Activity, at node: String = ""
    ) -> AnnouncerError {
        outages.failed(activity, fault, at: node)
        return error(fault)
    }
}

extension RedisFault {
    /// An answer of another type than the command's.
    static let unexpected = RedisFault(.garbled, "sent an answer that does not fit the command")
}
