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
        let connection: RedisConnection
        switch await takes.borrow(before: end) {
        case .success(let borrowed): connection = borrowed
        case .failure where Task.isCancelled: return []
        case .failure(let fault): throw takeFailed(fault)
        }
        let lists = keys.lists(byUrgency: queues)
        let request = TakeRequest(
            lists: lists, limit: min(limit, RedisLimits.idsPerTake), wait: end - .now)
        let answer = await withTaskCancellationHandler {
            await connection.send(request.commands, within: request.time).settled()
        } onCancel: {
            interrupt(connection)
        }
        switch answer.flatMap(request.read) {
        case .failure(let fault):
            let reason = Task.isCancelled ? .cancelled : fault
            takes.giveBack(connection, after: reason)
            if Task.isCancelled { return [] }
            throw takeFailed(fault)
        case .success(let batch):
            let ids = sort(batch, from: connection)
            outages.succeeded(.taking)
            guard !Task.isCancelled else {
                takes.giveBack(connection, after: .cancelled)
                await putBack(ids, on: batch.list)
                return []
            }
            takes.giveBack(connection)
            tally.update { $0.taken += ids.count }
            return ids
        }
    }

    /// Ends a wait without losing what Redis may be handing out at this very moment: it is asked
    /// to stop waiting and answers with nothing or with the ids. Only if that does not work is the
    /// connection cut.
    private func interrupt(_ connection: RedisConnection) {
        connection.shut()
        connection.end(.cancelled, after: RedisLimits.cancelGrace)
        guard let id = connection.clientID else { return connection.end(.cancelled) }
        unblock(connection, id)
    }

    /// Asks again until the take has ended: the first time may have come before the wait began.
    private func unblock(_ connection: RedisConnection, _ id: Int64) {
        guard connection.isActive else { return }
        let answer = commands.send(
            Commands("CLIENT", "UNBLOCK", String(id)), within: RedisLimits.answerTime, .failsFast)
        answer.whenComplete { result in
            guard case .success(let replies) = result, case .integer(let woken)? = replies.first
            else { return connection.end(.cancelled) }
            guard woken == 0 else { return }
            answer.eventLoop.scheduleTask(in: RedisLimits.unblockPause) {
                self.unblock(connection, id)
            }
        }
    }

    /// The ids among the elements. What is no id is dropped, and told once a connection.
    private func sort(_ batch: TakeRequest.Batch, from connection: RedisConnection) -> [JobID] {
        let ids = batch.elements.compactMap { element -> JobID? in
            guard element.count == 36 else { return nil }
            return JobID(String(decoding: element, as: UTF8.self))
        }
        let dropped = batch.elements.count - ids.count
        guard dropped > 0 else { return ids }
        tally.update { $0.malformed += dropped }
        if connection.mayWarn() {
            logger.warning(
                "\(place): dropped \(dropped) elements of \(batch.list) that are no job ids")
        }
        return ids
    }

    /// Puts ids back so that they are the next to be taken, in their old order.
    private func putBack(_ ids: [JobID], on list: String) async {
        guard !ids.isEmpty else { return }
        var command = Commands()
        command.append(["RPUSH", list], ids.reversed())
        let answer = await commands.send(command, within: RedisLimits.announceTime).settled()
        if case .success(let replies) = answer, case .integer? = replies.first {
            tally.update { $0.givenBack += ids.count }
        } else {
            tally.update { $0.giveBackFailures += ids.count }
        }
    }

    private func takeFailed(_ fault: RedisFault) -> AnnouncerError {
        tally.update { $0.takeFailures += 1 }
        return failure(fault, while: .taking)
    }
}

/// One take as Redis is asked for it, and as it answers.
struct TakeRequest: Sendable {
    /// What came, all from one list.
    struct Batch {
        var list: String
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
        switch replies.first {
        case .null:
            return .success(Batch(list: "", elements: []))
        case .error(let text):
            return .failure(.answer(text, about: subject))
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
