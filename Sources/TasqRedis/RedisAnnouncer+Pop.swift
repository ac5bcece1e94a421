import NIOCore
import Tasq

/// Taking from one list, over the shared connection, wherever the list is.
extension RedisAnnouncer {
    /// Takes from one list what is there now. Whether the task is cancelled or not: what comes is
    /// the caller's to put back.
    func pop(upTo limit: Int, from list: String) async -> Result<Taking, RedisFault> {
        guard !lacksMultiplePop.isKnown else { return await popSingly(upTo: limit, from: list) }
        let answer = await answers(
            to: [KeyedCommand("LMPOP", "1", list, "RIGHT", "COUNT", String(limit), on: list)])[0]
        guard !answer.isUnknownCommand else {
            lacksMultiplePop.note()
            return await popSingly(upTo: limit, from: list)
        }
        let request = TakeRequest(lists: [list], limit: limit, wait: .zero)
        switch answer.reply(about: list).flatMap({ request.read($0) }) {
        case .success(let batch):
            outages.succeeded(.taking, at: answer.node)
            return .success(Taking(ids: ids(among: batch, from: nil), list: list))
        case .failure(let fault):
            if !Task.isCancelled { outages.failed(.taking, fault, at: answer.node) }
            return .failure(fault)
        }
    }

    /// As many single pops as the list is long, in one go: where a slot may move, and each command be
    /// sent on by itself, a transaction might be torn apart.
    private func popSingly(
        upTo limit: Int, from list: String
    ) async -> Result<Taking, RedisFault> {
        let length = await answers(to: [KeyedCommand("LLEN", list, on: list)])[0]
        let count: Int
        switch length.reply(about: list) {
        case .success(.integer(let length)):
            count = min(Int(clamping: length), limit, RedisLimits.popsAtOnce)
        case .success: return .failure(.unexpected)
        case .failure(let fault):
            if !Task.isCancelled { outages.failed(.taking, fault, at: length.node) }
            return .failure(fault)
        }
        guard count > 0 else { return .success(Taking()) }
        let pops = await answers(
            to: (0..<count).map { _ in KeyedCommand("RPOP", list, on: list) })
        var batch = TakeRequest.Batch(list: list, elements: [])
        var fault: RedisFault?
        for pop in pops {
            switch pop.reply(about: list) {
            case .success(.bytes(let bytes)): batch.elements.append(bytes)
            case .success: break
            case .failure(let failure): fault = fault ?? failure
            }
        }
        if let fault {
            if !Task.isCancelled { outages.failed(.taking, fault, at: pops[0].node) }
            // What others brought is taken all the same.
            if batch.elements.isEmpty { return .failure(fault) }
        } else {
            outages.succeeded(.taking, at: pops[0].node)
        }
        return .success(Taking(ids: ids(among: batch, from: nil), list: list))
    }

    /// An answer to each; whether the task is cancelled or not.
    private func answers(to commands: [KeyedCommand]) async -> [Answer] {
        switch await deployment.send(commands, within: RedisLimits.answerTime).settled() {
        case .success(let answers): answers
        case .failure(let fault):
            commands.map { _ in Answer(result: .failure(fault), node: "") }
        }
    }
}

extension Answer {
    /// Whether the server does not know the command.
    var isUnknownCommand: Bool { fault?.isUnknownCommand ?? false }

    /// Whether the server does not understand the command's words.
    var isSyntaxError: Bool { fault?.isSyntaxError ?? false }

    private var fault: RedisFault? {
        guard case .failure(let fault) = reply(about: "") else { return nil }
        return fault
    }
}
