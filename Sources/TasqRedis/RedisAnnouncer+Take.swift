import Logging
import NIOCore
public import Tasq

extension RedisAnnouncer {
    /// Waits up to `wait`, at most a minute, for announced ids.
    ///
    /// Throws at the latest two seconds after the wait, and returns at the latest two seconds after
    /// that. Ids that came while the task was being cancelled are put back where they were. After a
    /// failure the next take first rests up to two seconds of its wait, so a caller that tries again
    /// at once does not spin. A list whose key holds something else is left out, and the wait is
    /// short then, for the caller is to look at the table.
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

    /// One blocking take at one server, from those of the lists that are lists.
    func take(
        upTo limit: Int, from lists: [String], at node: Node, until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        var tries = 2
        while true {
            tries -= 1
            let usable = await usable(among: lists)
            guard !usable.isEmpty else {
                await rest(RedisLimits.strangeTime, until: end)
                return .failure(note(.strange, at: node))
            }
            let end = usable.count == lists.count ? end : min(end, .now + RedisLimits.strangeWait)
            let result = await waitHereOrThere(upTo: limit, for: usable, at: node, until: end)
            // Redis does not say which of them it is.
            guard case .failure(let fault) = result, fault.isOfOneList, !Task.isCancelled
            else { return result }
            guard tries > 0, await findStrange(among: usable) else {
                return .failure(note(fault))
            }
        }
    }

    /// A wait that is too short to block is made here: a look, the wait, and a second look.
    private func waitHereOrThere(
        upTo limit: Int, for lists: [String], at node: Node, until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        let isShort = end - .now < RedisLimits.shortestWait
        let first = await wait(upTo: limit, for: lists, at: node, until: end)
        guard isShort, case .success(let taking) = first, taking.ids.isEmpty,
            taking.redirection == nil, .now < end, !Task.isCancelled
        else { return first }
        await rest(RedisLimits.shortestWait, until: end)
        guard !Task.isCancelled else { return first }
        return await wait(upTo: limit, for: lists, at: node, until: end)
    }

    /// One take at one server, over its connection, which blocks unless the wait is short.
    private func wait(
        upTo limit: Int, for lists: [String], at node: Node, until end: ContinuousClock.Instant
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
        let outcome = await withTaskCancellationHandler {
            await ask(request, over: connection, until: end)
        } onCancel: {
            interruption.begin()
        }
        let isUsable = await interruption.finish()
        if case .success(.error(let text)?) = outcome.reply,
            let redirection = Redirection(text, from: connection.server),
            case .cluster = deployment.servers
        {
            giveBack(connection, to: node, isUsable)
            return .success(Taking(redirection: redirection))
        }
        switch outcome.reply.flatMap({ request.read($0) }) {
        case .failure(let fault):
            node.takes.giveBack(connection, after: Task.isCancelled ? .cancelled : fault)
            // That is told when it is known which list it is.
            return .failure(fault.isOfOneList ? fault.at(node.name) : note(fault, at: node))
        case .success(let batch):
            let ids = ids(among: batch, from: connection)
            if let fault = outcome.fault {
                node.takes.giveBack(connection, after: isUsable ? fault : .cancelled)
                _ = note(fault, at: node)
            } else {
                outages.succeeded(.taking, at: node.name)
                giveBack(connection, to: node, isUsable)
            }
            return .success(Taking(ids: ids, list: batch.list))
        }
    }

    /// What an exchange came to.
    private struct Outcome {
        /// As a server of today answers, whatever the server's age.
        var reply: Result<Reply?, RedisFault>
        /// What kept the others away after the first id had come.
        var fault: RedisFault?
    }

    /// Asks in one step, or, where the server does not know that command, in two.
    private func ask(
        _ request: TakeRequest, over connection: RedisConnection, until end: ContinuousClock.Instant
    ) async -> Outcome {
        if !connection.isOld {
            let answer = await connection.send(request.commands, within: request.time).settled()
            guard case .success(let replies) = answer, case .error(let text)? = replies.first,
                RedisFault.answer(text, about: "").isUnknownCommand
            else { return Outcome(reply: answer.map(\.first)) }
            connection.noteOld()
            guard !Task.isCancelled else { return Outcome(reply: .success(Reply.null)) }
        }
        let first = await connection.send(request.firstOne, within: request.time).settled()
            .map { request.firstOne(in: $0) }
        guard request.limit > 1, !Task.isCancelled,
            case .success(var batch) = first.flatMap({ request.read($0) }), !batch.elements.isEmpty
        else { return Outcome(reply: first.map(Optional.some)) }
        let answer = await connection.send(
            request.others(of: batch.list), within: RedisLimits.answerTime
        ).settled()
        var fault: RedisFault?
        switch answer.flatMap({ request.others(in: $0, of: batch.list) }) {
        case .success(let others): batch.elements += others
        case .failure(let failure):
            // What has moved to another node is there for the next take.
            if !failure.isOfMove { fault = failure }
        }
        let elements = Reply.array(batch.elements.map { .bytes($0) })
        return Outcome(
            reply: .success(Reply.array([.bytes(Array(batch.list.utf8)), elements])), fault: fault)
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
