import NIOCore
public import Tasq

/// How others see that a worker lives: it listens on a channel of its own, and a server knows how
/// many listen on a channel.
extension RedisAnnouncer {
    /// Listens until the task is cancelled, over a connection of its own that is made anew when it is
    /// lost. Does nothing in a cluster, where each node knows of its own listeners only, nor while the
    /// user may not use `INFO` or `SUBSCRIBE`.
    public func showPresence(
        of worker: WorkerID, onChange: @escaping @Sendable (String?) -> Void
    ) async {
        guard case .one(let node, _) = deployment.servers else { return }
        var backoff = RedisLimits.backoff
        while !Task.isCancelled {
            var isRefused = false
            if case .success(let connection) = await node.presenceConnection() {
                switch await listen(on: keys.presence(of: worker), over: connection) {
                case .success(let server):
                    backoff.reset()
                    let ended = Signal()
                    onChange(server)
                    connection.ended.whenComplete { _ in
                        onChange(nil)
                        ended.raise()
                    }
                    await hold(connection, until: ended)
                case .failure(let fault):
                    if case .server = fault.kind { isRefused = true }
                }
                connection.end(.cancelled)
            }
            if isRefused {
                await sleep(for: RedisLimits.missingTime)
            } else {
                await backoff.pause()
            }
        }
        onChange(nil)
    }

    /// Asks the server how many listen on the channels of these workers, and waits a moment for it.
    public func presence(of workers: [WorkerID]) async -> Presence? {
        guard case .one(let node, _) = deployment.servers, !lacksPresence.isKnown else {
            return nil
        }
        var question = Commands("INFO", "server")
        question.append(["PUBSUB", "NUMSUB"] + workers.map(keys.presence))
        let answer = await node.commands.send(
            question, within: RedisLimits.answerTime, .failsFast
        ).settled(within: RedisLimits.patience)
        guard case .success(let replies) = answer, replies.count == 2 else { return nil }
        guard let server = start(in: replies[0]), case .array(let counts) = replies[1],
            counts.count == workers.count * 2
        else {
            lacksPresence.note()
            return nil
        }
        var seen: Set<WorkerID> = []
        for (place, worker) in workers.enumerated() {
            guard case .integer(let listeners) = counts[place * 2 + 1] else { return nil }
            if listeners > 0 { seen.insert(worker) }
        }
        return Presence(server: server, workers: seen)
    }

    /// Which start of which server it is on which we now listen.
    private func listen(
        on channel: String, over connection: RedisConnection
    ) async -> Result<String, RedisFault> {
        var commands = Commands("INFO", "server")
        commands.append(["SUBSCRIBE", channel])
        switch await connection.send(commands, within: RedisLimits.answerTime).answer() {
        case .failure(let fault): return .failure(fault)
        case .success(let replies):
            for case .error(let text) in replies {
                return .failure(.answer(text, about: "the channel \(channel)"))
            }
            guard let server = replies.first.flatMap(start) else {
                return .failure(RedisFault(.server("INFO"), "does not say which run of it this is"))
            }
            connection.noteServed()
            return .success(server)
        }
    }

    /// Returns when the connection has ended, which a server that is cut off does not tell.
    private func hold(_ connection: RedisConnection, until ended: Signal) async {
        while !Task.isCancelled {
            let isOver = await happens(within: RedisLimits.presencePause, unless: nil) {
                await ended.wait()
                return true
            }
            guard !isOver, !Task.isCancelled else { return }
            let answer = await connection.send(
                Commands("PING"), within: RedisLimits.answerTime
            ).answer()
            guard case .success = answer else { return }
        }
    }

    /// What `INFO` says of the start of the server: drawn anew with each.
    private func start(in reply: Reply) -> String? {
        guard case .bytes(let bytes) = reply else { return nil }
        let lines = String(decoding: bytes.prefix(RedisLimits.infoBytes), as: UTF8.self)
            .split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.hasPrefix("run_id:") }) else { return nil }
        let number = line.dropFirst("run_id:".count)
        guard (1...64).contains(number.utf8.count), number.allSatisfy(\.isHexDigit) else {
            return nil
        }
        return "redis/\(number)"
    }
}
