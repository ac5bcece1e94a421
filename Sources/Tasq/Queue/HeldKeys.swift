import DequeModule
import Synchronization

/// Where calls wait whose keys somebody else has locked, so that nobody else waits with them.
///
/// A key that held up a write is remembered for some seconds, and whoever comes with it meanwhile waits
/// here at once. The calls of one key are written together, by one flight at a time, and the keys take
/// turns. A turn waits for the lock only a while, the shorter the more keys there are, so a key that is
/// free again does not stand long behind those that are not. A call gives up when its patience is over,
/// but not before it was tried.
final class HeldKeys<Item: Sendable, Answer: Sendable>: Sendable {
    /// Writes the items, and waits so long for a lock.
    typealias Write = @Sendable ([Item], Duration) async throws(StoreError) -> [Answer]

    /// How it waits and what it remembers.
    struct Limits {
        /// How long a call waits for a key before it gives up.
        var patience: Duration = .seconds(2)
        /// How long a key is remembered after it last held something up.
        var memory: Duration = .seconds(10)
        /// Keys that are remembered; a further one is met anew each time.
        var keys = 1000
        /// Keys whose calls may wait; those of a further one give up at once.
        var turns = 1000
        /// How long a turn waits for its lock, at least and at most.
        var least: Duration = .milliseconds(5)
        var most: Duration = .milliseconds(200)
        /// Items that may wait.
        var items = 10_000
        /// Turns at a time.
        var flights = 2
        /// How long a flight rests after a turn in vain.
        var rest: Duration = .milliseconds(10)
    }

    private struct Call {
        let items: [Item]
        let deadline: ContinuousClock.Instant
        let answer: CheckedContinuation<Result<[Answer], StoreError>, Never>
        var wasTried = false
    }

    private struct Turn {
        let key: String
        let calls: [Call]
        /// Those that were tried before, and whose patience is over.
        let expired: [Call]
        let patience: Duration
    }

    private enum Entry {
        case isRefused
        case waits
        case flies
    }

    private struct State {
        /// Until when each key is remembered.
        var known: [String: ContinuousClock.Instant] = [:]
        /// The calls of each key that wait, none of one whose only calls are in the air.
        var calls: [String: Deque<Call>] = [:]
        /// The keys of those that wait, without those that are in the air, the next one first.
        var turns: Deque<String> = []
        var items = 0
        var flights = 0
    }

    private let limits: Limits
    private let batchLimit: Int
    private let byteLimit: Int
    private let weigh: @Sendable (Item) -> Int
    private let keyOf: @Sendable (Item) -> String?
    private let write: Write
    private let state = Mutex(State())

    /// `key` is what an item may be held up by. A batch is bounded as a ``Coalescer``'s.
    init(
        limits: Limits = Limits(), batchLimit: Int, byteLimit: Int = .max,
        weighing weigh: @escaping @Sendable (Item) -> Int = { _ in 0 },
        by key: @escaping @Sendable (Item) -> String?, write: @escaping Write
    ) {
        self.limits = limits
        self.batchLimit = batchLimit
        self.byteLimit = byteLimit
        self.weigh = weigh
        self.keyOf = key
        self.write = write
    }

    /// Writes the items among others of `ordinary`; apart from them where one of their keys is held up,
    /// or turns out to be. Answers in their order.
    func submit(
        _ items: [Item], unlessHeldUp ordinary: Coalescer<Item, Answer>
    ) async throws(StoreError) -> [Answer] {
        if let held = heldKey(of: items) { return try await wait(items, for: held) }
        do throws(StoreError) {
            return try await ordinary.submit(items)
        } catch {
            guard error.isContended else { throw error }
        }
        // Which of several it was nobody says. By the first one the same call is known again, and no
        // other key is held against anybody.
        let first = heldKey(of: items) ?? items.lazy.compactMap(keyOf).first ?? ""
        remember(first)
        return try await wait(items, for: first)
    }

    /// Items that wait for their turn.
    var waitingCount: Int { state.withLock { $0.items } }

    private func heldKey(of items: [Item]) -> String? {
        state.withLock { state in
            guard !state.known.isEmpty else { return nil }
            let now = ContinuousClock.now
            for item in items {
                guard let key = keyOf(item), let end = state.known[key] else { continue }
                if now < end { return key }
                state.known[key] = nil
            }
            return nil
        }
    }

    private func remember(_ key: String) {
        state.withLock { state in
            let now = ContinuousClock.now
            if state.known.count >= limits.keys {
                state.known = state.known.filter { now < $0.value }
            }
            guard state.known.count < limits.keys || state.known[key] != nil else { return }
            state.known[key] = now + limits.memory
        }
    }

    private func wait(_ items: [Item], for key: String) async throws(StoreError) -> [Answer] {
        let result = await withCheckedContinuation { continuation in
            let call = Call(
                items: items, deadline: .now + limits.patience, answer: continuation)
            switch state.withLock({ enter(call, for: key, &$0) }) {
            case .isRefused:
                continuation.resume(
                    returning: .failure(
                        .contended("too many writes wait for keys locked elsewhere: try again")))
            case .waits: break
            case .flies: Task { await self.fly() }
            }
        }
        return try result.get()
    }

    private func enter(_ call: Call, for key: String, _ state: inout State) -> Entry {
        let isFirst = state.calls[key] == nil
        guard
            state.calls.isEmpty
                || state.items + call.items.count <= limits.items
                    && (!isFirst || state.calls.count < limits.turns)
        else { return .isRefused }
        state.calls[key, default: []].append(call)
        state.items += call.items.count
        guard isFirst else { return .waits }
        state.turns.append(key)
        guard state.flights < limits.flights else { return .waits }
        state.flights += 1
        return .flies
    }

    private func fly() async {
        while let turn = nextTurn() {
            for call in turn.expired {
                call.answer.resume(returning: .failure(.contended("its key is locked elsewhere")))
            }
            let calls = await send(turn.calls, of: turn)
            end(turn, again: calls)
            if !calls.isEmpty { await sleep(for: min(limits.rest, turn.patience / 4)) }
        }
    }

    /// The oldest calls of the next key, those of one item together.
    private func nextTurn() -> Turn? {
        state.withLock { state in
            guard let key = state.turns.popFirst() else {
                state.flights -= 1
                return nil
            }
            let now = ContinuousClock.now
            var batch: [Call] = []
            var expired: [Call] = []
            var bytes = 0
            while let call = state.calls[key]?.first {
                if call.wasTried, call.deadline <= now {
                    state.calls[key]?.removeFirst()
                    state.items -= call.items.count
                    expired.append(call)
                    continue
                }
                let weight = call.items.reduce(0) { $0 + weigh($1) }
                guard
                    batch.isEmpty
                        || batch.count < batchLimit && weight <= byteLimit - bytes
                            && call.items.count == 1 && batch[0].items.count == 1
                else { break }
                state.calls[key]?.removeFirst()
                state.items -= call.items.count
                bytes += weight
                batch.append(call)
            }
            // All keys have a turn within the patience of a call. One that is late has a short turn.
            let share = limits.patience * limits.flights / max(1, state.calls.count)
            let left = (batch.last?.deadline ?? now) - now
            return Turn(
                key: key, calls: batch, expired: expired,
                patience: max(limits.least, min(limits.most, share, left)))
        }
    }

    /// Those that wait on stand behind those that were not in this turn.
    private func end(_ turn: Turn, again calls: [Call]) {
        state.withLock { state in
            state.items += calls.reduce(0) { $0 + $1.items.count }
            var all = state.calls[turn.key] ?? []
            all.append(contentsOf: calls)
            state.calls[turn.key] = all.isEmpty ? nil : all
            if !all.isEmpty { state.turns.append(turn.key) }
        }
    }

    /// Writes the calls; returns those that wait on.
    private func send(_ calls: [Call], of turn: Turn) async -> [Call] {
        guard !calls.isEmpty else { return [] }
        do throws(StoreError) {
            var answers = try await write(calls.flatMap(\.items), turn.patience)[...]
            for call in calls {
                call.answer.resume(returning: .success(Array(answers.prefix(call.items.count))))
                answers = answers.dropFirst(call.items.count)
            }
            return []
        } catch {
            switch error {
            case .contended:
                remember(turn.key)
                let now = ContinuousClock.now
                for call in calls where call.deadline <= now {
                    call.answer.resume(returning: .failure(error))
                }
                var rest = calls.filter { now < $0.deadline }
                for place in rest.indices { rest[place].wasTried = true }
                return rest
            case .rejected where calls.count > 1:
                var rest: [Call] = []
                for call in calls { rest += await send([call], of: turn) }
                return rest
            case .rejected, .unavailable, .unknown, .denied, .misconfigured, .unreadable, .full:
                for call in calls { call.answer.resume(returning: .failure(error)) }
                return []
            }
        }
    }
}
