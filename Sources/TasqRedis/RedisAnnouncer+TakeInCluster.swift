import NIOCore
import Tasq

/// Taking where every queue has a node of its own.
///
/// A cluster lets one command touch the keys of one slot only, so a take waits at one queue. Of
/// several, all are looked at first, by urgency; if there is nothing, one take waits at each, and the
/// first to get ids ends the others.
extension RedisAnnouncer {
    func take(
        upTo limit: Int, from queues: [Name], in cluster: Cluster,
        until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        guard queues.count > 1 else {
            return await take(upTo: limit, from: queues[0], in: cluster, until: end)
        }
        let map: SlotMap
        switch await cluster.map(before: end) {
        case .success(let known): map = known
        case .failure(let fault): return .failure(note(fault))
        }
        let lists = keys.lists(byUrgency: queues)
        let lengths = await deployment.send(
            lists.map { KeyedCommand("LLEN", $0, on: $0) }, within: RedisLimits.answerTime,
            .failsFast
        ).settled()
        guard case .success(let lengths) = lengths else { return .success(Taking()) }
        _ = noteStrange(among: lists, lengths)
        for (list, length) in zip(lists, lengths) where !Task.isCancelled {
            guard case .success(.integer(let count)) = length.result, count > 0 else { continue }
            let result = await pop(upTo: limit, from: list)
            // One that fails holds up no other; the take that waits there tells of it, and rests.
            guard case .success(let taking) = result, !taking.ids.isEmpty else { continue }
            return result
        }
        return await race(upTo: limit, from: queues, in: cluster, map, until: end)
    }

    /// One take at each queue whose node is not known to be gone. Ids that come to a second one go
    /// back. While a node is gone the wait is short, for the caller looks at the table then.
    private func race(
        upTo limit: Int, from queues: [Name], in cluster: Cluster, _ map: SlotMap,
        until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        var end = end
        let there = queues.filter { queue in
            guard let server = map[KeySlot(of: keys.epoch(of: queue))] else { return false }
            let node = cluster.node(at: server).takes.failing
            if node.isFailing { end = min(end, .now + RedisLimits.partialTime) }
            return !node.isResting
        }
        guard !there.isEmpty else {
            return await take(upTo: limit, from: queues[0], in: cluster, until: end)
        }
        if there.count < queues.count {
            end = min(end, .now + RedisLimits.partialTime)
        } else if hasStrange(among: keys.lists(byUrgency: there)) {
            end = min(end, .now + RedisLimits.strangeWait)
        }
        // Where there are more queues than takes, others have their turn soon.
        if there.count > RedisLimits.takeConnections { end = min(end, .now + RedisLimits.turnTime) }
        return await race(upTo: limit, from: there, in: cluster, until: end)
    }

    private func race(
        upTo limit: Int, from queues: [Name], in cluster: Cluster,
        until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        await withTaskGroup(of: Result<Taking, RedisFault>?.self) { group in
            let queues = queues.prefix(RedisLimits.takeConnections)
            for queue in queues {
                group.addTask {
                    await self.take(upTo: limit, from: queue, in: cluster, until: end)
                }
            }
            // A node that does not even refuse a connection holds up nobody.
            group.addTask {
                await self.rest(.seconds(3600), until: end + RedisLimits.partialTime)
                return nil
            }
            var first: Result<Taking, RedisFault>?
            var left = queues.count
            for await result in group {
                guard let result else {
                    group.cancelAll()
                    continue
                }
                left -= 1
                if left == 0 { group.cancelAll() }
                switch (result, first) {
                case (.success(let taking), .success(let winner)?) where !winner.ids.isEmpty:
                    await putBack(taking)
                case (.success(let taking), _):
                    first = result
                    if !taking.ids.isEmpty { group.cancelAll() }
                case (.failure(let fault), nil) where fault.kind != .cancelled: first = result
                case (.failure, _): break
                }
            }
            return first ?? .success(Taking())
        }
    }

    /// Waits at the node of one queue, wherever it goes meanwhile.
    private func take(
        upTo limit: Int, from queue: Name, in cluster: Cluster,
        until end: ContinuousClock.Instant
    ) async -> Result<Taking, RedisFault> {
        let lists = keys.lists(queue)
        let slot = KeySlot(of: lists[0])
        var moves = 0
        while true {
            let map: SlotMap
            switch await cluster.map(before: end) {
            case .success(let known): map = known
            case .failure(let fault): return .failure(note(fault))
            }
            guard let server = map[slot] else {
                cluster.refresh()
                await rest(RedisLimits.unservedPause, until: end)
                return .failure(note(.unserved))
            }
            let result = await take(
                upTo: limit, from: lists, at: cluster.node(at: server), until: end)
            switch result {
            case .failure(let fault):
                if fault.kind != .cancelled { cluster.refresh() }
                return result
            case .success(let taking):
                guard !Task.isCancelled else { return result }
                switch taking.redirection {
                case nil: return result
                case .moved(let target)?:
                    cluster.learn(slot, isAt: target)
                    moves += 1
                    // Nodes that name each other, or themselves, would do so for ever.
                    guard moves <= RedisLimits.redirections else {
                        await rest(RedisLimits.unservedPause, until: end)
                        return .failure(note(.restless))
                    }
                    guard .now < end else { return .success(Taking()) }
                case .ask?, .tryAgain?:
                    let found = await walk(lists, upTo: limit)
                    if case .success(let taking) = found, taking.ids.isEmpty, .now < end,
                        !Task.isCancelled
                    {
                        await rest(RedisLimits.walkPause, until: end)
                    } else {
                        return found
                    }
                }
            }
        }
    }

    /// While a slot is on its way, no command may touch several keys, nor wait: the lists are looked
    /// at one by one.
    private func walk(_ lists: [String], upTo limit: Int) async -> Result<Taking, RedisFault> {
        for list in await usable(among: lists) where !Task.isCancelled {
            let found = await pop(upTo: limit, from: list)
            switch found {
            case .success(let taking) where taking.ids.isEmpty: continue
            case .failure(let fault) where fault.isOfOneList:
                _ = await findStrange(among: [list])
                continue
            default: return found
            }
        }
        return .success(Taking())
    }

    func rest(_ time: Duration, until end: ContinuousClock.Instant) async {
        do {
            try await Task.sleep(until: min(.now + time, end), clock: .continuous)
        } catch {
            // Cancelled: whoever rests looks for that himself.
        }
    }
}

extension Cluster {
    /// The map, waiting out the rest after a failure, but not beyond `end`.
    func map(before end: ContinuousClock.Instant) async -> Result<SlotMap, RedisFault> {
        while let (until, fault) = restsUntil {
            do {
                try await Task.sleep(until: min(until, end), clock: .continuous)
            } catch {
                return .failure(.cancelled)
            }
            if ContinuousClock.now >= end, until >= end { return .failure(fault) }
        }
        return await map().answer()
    }
}
