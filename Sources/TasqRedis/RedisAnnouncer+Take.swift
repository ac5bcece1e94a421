import Logging
import NIOCore
public import Tasq

extension RedisAnnouncer {
    /// Waits up to `wait`, at most a minute, for announced ids.
    ///
    /// Throws at the latest two seconds after the wait. Ids that came while the task was being
    /// cancelled are put back where they were. After a failure the next take first rests up to two
    /// seconds of its wait, so a caller that tries again at once does not spin.
    public func take(
        upTo limit: Int, from queues: [Name], wait: Duration
    ) async throws(AnnouncerError) -> [JobID] {
        guard limit > 0, !queues.isEmpty, !Task.isCancelled else { return [] }
        let end = ContinuousClock.now + min(wait, RedisLimits.longestWait)
        let limit = min(limit, RedisLimits.idsPerTake)
        let result: Result<Taking, RedisFault>
        switch deployment.servers {
        case .one(let node, _):
            let lists = keys.lists(byUrgency: queues)
            result = await take(upTo: limit, from: lists, at: node, until: end)
        case .cluster(let cluster):
            result = await take(upTo: limit, from: queues, in: cluster, until: end)
        }
        switch result {
        case .success(let taking):
            guard !Task.isCancelled else {
                await putBack(taking)
                return []
            }
            tally.update { $0.taken += taking.ids.count }
            return taking.ids
        case .failure where Task.isCancelled: return []
        case .failure(let fault):
            tally.update { $0.takeFailures += 1 }
            throw error(fault)
        }
    }

    /// One blocking take at one server, over its connection.
    func take(
        upTo limit: Int, from lists: [String], at node: Node, until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        let connection: RedisConnection
        switch await node.takes.borrow(before: end) {
        case .success(let borrowed): connection = borrowed
        case .failure(let fault): return .failure(note(fault, at: node))
        }
        guard !Task.isCancelled else {
            node.takes.giveBack(connection)
            return .failure(.cancelled)
        }
        let request = TakeRequest(lists: lists, limit: limit, wait: end - .now)
        let interruption = Interruption(connection, by: node.commands)
        let answer = await withTaskCancellationHandler {
            await connection.send(request.commands, within: request.time).settled()
        } onCancel: {
            interruption.begin()
        }
        let isUsable = await interruption.finish()
        if case .success(let replies) = answer, case .error(let text)? = replies.first,
            let redirection = Redirection(text, from: connection.server),
            case .cluster = deployment.servers
        {
            giveBack(connection, to: node, isUsable)
            return .success(Taking(redirection: redirection))
        }
        switch answer.flatMap(request.read) {
        case .failure(let fault):
            node.takes.giveBack(connection, after: Task.isCancelled ? .cancelled : fault)
            return .failure(note(fault, at: node))
        case .success(let batch):
            let ids = ids(among: batch, from: connection)
            outages.succeeded(.taking, at: node.name)
            giveBack(connection, to: node, isUsable)
            return .success(Taking(ids: ids, list: batch.list))
        }
    }

    private func giveBack(_ connection: RedisConnection, to node: Node, _ isUsable: Bool) {
        if isUsable {
            node.takes.giveBack(connection)
        } else {
            node.takes.giveBack(connection, after: .cancelled)
        }
    }

    /// Tells the log of a take that failed, and names the node where there are several.
    func note(_ fault: RedisFault, at node: Node? = nil) -> RedisFault {
        let fault = fault.at(node?.name ?? "")
        if !Task.isCancelled { outages.failed(.taking, fault, at: node?.name ?? "") }
        return fault
    }

    /// The ids among the elements. What is no id is dropped, and told once a connection.
    func ids(among batch: TakeRequest.Batch, from connection: RedisConnection?) -> [JobID] {
        let ids = batch.elements.compactMap(JobID.init(utf8:))
        let dropped = batch.elements.count - ids.count
        guard dropped > 0 else { return ids }
        tally.update { $0.malformed += dropped }
        if connection?.mayWarn() ?? false {
            logger.warning(
                "\(place): dropped \(dropped) elements of \(batch.list) that are no job ids")
        }
        return ids
    }

    /// Puts ids back so that they are the next to be taken, in their old order.
    func putBack(_ taking: Taking) async {
        guard !taking.ids.isEmpty else { return }
        let command = KeyedCommand(putBack: taking.ids, onto: taking.list)
        let answers = await deployment.send([command], within: announceTime).settled()
        if case .success(let answers) = answers, case .success(.integer) = answers[0].result {
            tally.update { $0.givenBack += taking.ids.count }
        } else {
            tally.update { $0.giveBackFailures += taking.ids.count }
        }
    }
}

/// What one take came to: ids of one list, or where to ask instead.
struct Taking: Sendable {
    var ids: [JobID] = []
    var list = ""
    var redirection: Redirection?
}

/// One take as Redis is asked for it, and as it answers.
struct TakeRequest: Sendable {
    /// What came, all from one list.
    struct Batch {
        let list: String
        var elements: [[UInt8]]
    }

    let lists: [String]
    let limit: Int
    let wait: Duration

    /// `BLMPOP` reads a wait of zero as for ever, so a short one does not block at all.
    var commands: Commands {
        let which = [String(lists.count)] + lists + ["RIGHT", "COUNT", String(limit)]
        guard wait >= RedisLimits.shortestWait else { return Commands(["LMPOP"] + which) }
        let milliseconds = wait.inMicroseconds / 1000
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        return Commands(["BLMPOP", "\(milliseconds / 1000).\(fraction)"] + which)
    }

    /// Redis does not say which of the lists an error concerns.
    private var subject: String {
        "one of the lists \(lists.first ?? "") to \(lists.last ?? "")"
    }

    /// When the connection is given up.
    var time: TimeAmount { (max(wait, .zero) + RedisLimits.takeGrace).timeAmount }

    func read(_ replies: [Reply]) -> Result<Batch, RedisFault> {
        guard case .error(let text)? = replies.first else { return read(replies.first) }
        return .failure(.answer(text, about: subject))
    }

    /// Reads a reply that is no error.
    func read(_ reply: Reply?) -> Result<Batch, RedisFault> {
        switch reply {
        case .null:
            return .success(Batch(list: "", elements: []))
        case .array(let parts):
            guard parts.count == 2, case .bytes(let key) = parts[0],
                case .array(let elements) = parts[1],
                let list = lists.first(where: { $0.utf8.elementsEqual(key) })
            else { return .failure(.unexpected) }
            var batch = Batch(list: list, elements: [])
            for element in elements {
                guard case .bytes(let bytes) = element else { return .failure(.unexpected) }
                batch.elements.append(bytes)
            }
            return .success(batch)
        default: return .failure(.unexpected)
        }
    }
}
