import Logging
import NIOCore
import Synchronization
public import Tasq

/// How others see that a worker lives: it listens on a channel of its own, and a server knows how
/// many listen on a channel.
extension RedisAnnouncer {
    /// Listens until the task is cancelled, over a connection of its own that is made anew when it is
    /// lost. Does nothing in a cluster, where each node knows of its own listeners only, nor while the
    /// user may not use `INFO`, `SUBSCRIBE` or `PUBSUB`.
    ///
    /// It is told where only once the connection that everything else goes over leads to that server,
    /// too: what is asked there is what others see.
    public func showPresence(
        of worker: WorkerID, onChange: @escaping @Sendable (String?) -> Void
    ) async {
        guard case .one(let node, _) = deployment.servers else { return }
        let current = Listening(onChange)
        // One that gave no answer, kept until another one stands: to close it would look like this
        // process's end.
        var silent: RedisConnection?
        var backoff = RedisLimits.backoff
        var isRefused = false
        loop: while !Task.isCancelled {
            switch await listen(for: worker, at: node) {
            case .success(let (connection, server)):
                silent?.end(.cancelled)
                silent = nil
                current.begin(connection)
                connection.ended.whenComplete { _ in current.tell(nil, of: connection) }
                let isSilent = await hold(connection, at: server, for: worker) {
                    backoff.reset()
                    isRefused = false
                    current.tell(server, of: connection)
                }
                current.tell(nil, of: connection)
                if isSilent { silent = connection } else { connection.end(.cancelled) }
                await backoff.pause()
            case .failure(let fault) where fault.kind == .closed:
                break loop
            case .failure(let fault) where !fault.isOfConnection:
                if !isRefused {
                    logger.info("\(text(of: fault)); a worker's end shows by its lease alone")
                }
                isRefused = true
                await sleep(for: RedisLimits.missingTime)
            case .failure:
                await backoff.pause()
            }
        }
        silent?.end(.cancelled)
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

    /// A connection on which we listen, and on which start of which server.
    private func listen(
        for worker: WorkerID, at node: Node
    ) async -> Result<(RedisConnection, String), RedisFault> {
        let connection: RedisConnection
        switch await node.presenceConnection() {
        case .failure(let fault): return .failure(fault)
        case .success(let opened): connection = opened
        }
        let channel = keys.presence(of: worker)
        var commands = Commands("INFO", "server")
        commands.append(["SUBSCRIBE", channel])
        switch await connection.send(commands, within: RedisLimits.answerTime).answer() {
        case .failure(let fault):
            connection.end(fault)
            return .failure(fault)
        case .success(let replies):
            var fault: RedisFault?
            for case .error(let text) in replies {
                fault = fault ?? .answer(text, about: "the channel \(channel)")
            }
            if fault == nil, let server = replies.first.flatMap(start) {
                connection.noteServed()
                return .success((connection, server))
            }
            connection.end(.cancelled)
            return .failure(fault ?? RedisFault(.server("INFO"), "does not say which run it is"))
        }
    }

    /// Returns when the connection has ended, or is of no more use: whether because it gives no
    /// answer. `seen` is called when others see us, once.
    private func hold(
        _ connection: RedisConnection, at server: String, for worker: WorkerID, seen: () -> Void
    ) async -> Bool {
        let ended = Signal()
        connection.ended.whenComplete { _ in ended.raise() }
        var isSeen = false
        while !Task.isCancelled {
            if let presence = await presence(of: [worker]) {
                // The others' way may lead to another server now.
                guard presence.server == server, presence.workers.contains(worker) else {
                    return false
                }
                if !isSeen { seen() }
                isSeen = true
            }
            let isOver = await happens(within: RedisLimits.presencePause, unless: nil) {
                await ended.wait()
                return true
            }
            guard !isOver, !Task.isCancelled else { return false }
            // The connection lives on if the answer does not come in time; see above.
            let answer = await connection.send(
                Commands("PING"), within: RedisLimits.presenceTime
            ).settled(within: RedisLimits.answerTime)
            if case .failure(let fault) = answer { return fault.kind == .silent }
        }
        return false
    }

    /// What `INFO` says of the start of the server, drawn anew with each, and the beginning of our
    /// channels: those who have another one cannot see us.
    private func start(in reply: Reply) -> String? {
        guard case .bytes(let bytes) = reply else { return nil }
        let lines = String(decoding: bytes.prefix(RedisLimits.infoBytes), as: UTF8.self)
            .split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.hasPrefix("run_id:") }) else { return nil }
        let number = line.dropFirst("run_id:".count)
        guard (1...64).contains(number.utf8.count), number.allSatisfy(\.isHexDigit) else {
            return nil
        }
        return "redis/\(number)/\(prefix)"
    }
}

/// The connection on which a worker listens now; an earlier one has nothing more to tell.
private final class Listening: Sendable {
    private struct State {
        var connection: RedisConnection?
        var server: String?
    }

    private let state = Mutex(State())
    private let onChange: @Sendable (String?) -> Void

    init(_ onChange: @escaping @Sendable (String?) -> Void) {
        self.onChange = onChange
    }

    func begin(_ connection: RedisConnection) {
        state.withLock { $0.connection = connection }
    }

    func tell(_ server: String?, of connection: RedisConnection) {
        state.withLock { state in
            guard state.connection === connection, state.server != server else { return }
            state.server = server
            onChange(server)
        }
    }
}
