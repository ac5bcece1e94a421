import NIOCore

/// Sends each command to the node of its key, and after it where it has gone.
extension Cluster {
    /// A command that has not been answered for good yet.
    private struct Open {
        let place: Int
        let command: KeyedCommand
        /// Where a node sent it; otherwise where the map says.
        var target: ServerAddress?
        var isAsking = false
    }

    /// Sends commands; each gets its own answer, in their order. Never fails.
    func send(
        _ commands: [KeyedCommand], within time: TimeAmount, _ patience: CommandLink.Patience
    ) -> EventLoopFuture<[Answer]> {
        let deadline = NIODeadline.now() + time
        let open = commands.enumerated().map { Open(place: $0.offset, command: $0.element) }
        let none: [Answer?] = commands.map { _ in nil }
        return map().flatMap { map in
            self.round(open, none, map, by: deadline, patience, RedisLimits.redirections)
        }.flatMapErrorThrowing { error in
            let fault = RedisFault(connectionError: error)
            return commands.map { _ in Answer(result: .failure(fault), node: "") }
        }
    }

    private func round(
        _ open: [Open], _ answers: [Answer?], _ map: SlotMap, by deadline: NIODeadline,
        _ patience: CommandLink.Patience, _ rounds: Int
    ) -> EventLoopFuture<[Answer]> {
        var answers = answers
        var groups: [ServerAddress: [Open]] = [:]
        for item in open {
            if let server = item.target ?? map[KeySlot(of: item.command.key)] {
                groups[server, default: []].append(item)
            } else {
                refresh()
                answers[item.place] = Answer(result: .failure(.unserved), node: "")
            }
        }
        let sent = groups.map { server, items in
            send(items, to: server, by: deadline, patience).map { (server, items, $0) }
        }
        let known = answers
        return EventLoopFuture.whenAllSucceed(sent, on: eventLoop).flatMap { groups in
            var answers = known
            var again: [Open] = []
            var isEarly = false
            for (server, items, results) in groups {
                for (var item, result) in zip(items, results) {
                    let redirection = self.redirection(in: result, from: server)
                    if let redirection, rounds > 0 {
                        switch redirection {
                        case .moved(let target):
                            self.learn(KeySlot(of: item.command.key), isAt: target)
                            (item.target, item.isAsking) = (target, false)
                        case .ask(let target): (item.target, item.isAsking) = (target, true)
                        case .tryAgain: isEarly = true
                        }
                        again.append(item)
                    } else {
                        answers[item.place] = Answer(
                            result: redirection == nil ? result : .failure(.restless),
                            node: server.description)
                    }
                }
            }
            guard !again.isEmpty else {
                return self.eventLoop.makeSucceededFuture(answers.compactMap { $0 })
            }
            let rest: @Sendable () -> EventLoopFuture<[Answer]> = { [again, answers] in
                self.round(again, answers, map, by: deadline, patience, rounds - 1)
            }
            guard isEarly else { return rest() }
            return self.eventLoop.flatScheduleTask(in: RedisLimits.migrationPause, rest)
                .futureResult
        }
    }

    /// One node's share, in one go. Never fails.
    private func send(
        _ items: [Open], to server: ServerAddress, by deadline: NIODeadline,
        _ patience: CommandLink.Patience
    ) -> EventLoopFuture<[Result<Reply, RedisFault>]> {
        var commands = Commands()
        for item in items {
            if item.isAsking { commands.append(["ASKING"]) }
            commands.append(item.command)
        }
        let time = max(.milliseconds(1), deadline - .now())
        return node(at: server).commands.send(commands, within: time, patience).map { replies in
            var rest = replies[...]
            return items.map { item in
                if item.isAsking { rest = rest.dropFirst() }
                return rest.popFirst().map { .success($0) } ?? .failure(.unexpected)
            }
        }.flatMapErrorThrowing { error in
            let fault = RedisFault(connectionError: error)
            if fault.isOfConnection { self.refresh() }
            return items.map { _ in .failure(fault) }
        }
    }

    private func redirection(
        in result: Result<Reply, RedisFault>, from server: ServerAddress
    ) -> Redirection? {
        guard case .success(.error(let text)) = result else { return nil }
        if text.hasPrefix("CLUSTERDOWN") { refresh() }
        return Redirection(text, from: server)
    }
}

extension RedisFault {
    /// A command was sent on too often.
    static let restless = RedisFault(
        .server("MOVED"), "the slot of the key is on its way between nodes")
    static let unserved = RedisFault(.server("CLUSTERDOWN"), "no node serves the slot of the key")
}
