import NIOCore

/// A take at a server without `BLMPOP`: Redis before 7.0, and what was forked from it.
///
/// `BRPOP` waits at the same lists in the same order, but brings one id; what else the take has room
/// for is then taken off the same list in one transaction. Whatever becomes of that, the first id
/// has been taken and is part of the answer. If the transaction's answer gets lost, so do the others: a
/// sweep finds their rows.
extension TakeRequest {
    /// The first id. In a transaction `BRPOP` does not wait.
    var firstOne: Commands {
        guard !blocks else { return Commands(["BRPOP"] + lists + [seconds]) }
        var commands = Commands("MULTI")
        commands.append(["BRPOP"] + lists + ["1"])
        commands.append(["EXEC"])
        return commands
    }

    /// What answers ``firstOne``, as an answer to ``commands`` would have it.
    func firstOne(in replies: [Reply]) -> Reply {
        if let error = replies.first(where: \.isError) { return error }
        var reply = replies.last
        if !blocks {
            guard case .array(let results) = reply, results.count == 1 else { return .null }
            reply = results[0]
        }
        guard case .array(let parts) = reply else { return reply ?? .null }
        return .array([parts.first ?? .null, .array(Array(parts.dropFirst()))])
    }

    /// Up to `limit - 1` more of a list, oldest at its end, but not too many for one answer.
    func others(of list: String) -> Commands {
        let count = min(limit, RedisLimits.idsPerOldTake) - 1
        var commands = Commands("MULTI")
        commands.append(["LRANGE", list, String(-count), "-1"])
        commands.append(["LTRIM", list, "0", String(-count - 1)])
        commands.append(["EXEC"])
        return commands
    }

    /// The elements in ``others(of:)``'s answer, in the order in which takes take them.
    func others(in replies: [Reply], of list: String) -> Result<[[UInt8]], RedisFault> {
        if case .error(let text)? = replies.first(where: \.isError) {
            return .failure(.answer(text, about: list))
        }
        guard case .array(let results)? = replies.last, case .array(let elements)? = results.first
        else { return .failure(.unexpected) }
        return .success(elements.reversed().map(\.element))
    }
}
