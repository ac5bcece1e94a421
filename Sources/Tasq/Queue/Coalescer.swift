import DequeModule
import Synchronization

/// Turns concurrent calls into batched writes.
///
/// While one write is in flight the next collects whoever arrives; a lone caller waits for nobody.
/// A further flight sets off once ``flightLeast`` items wait, because a statement and its commit cost
/// as much as ten rows; or when the one in the air takes long, and may be held up. For the same
/// reason several callers that come one after the other wait for each other a moment, at most until
/// as many are there as flew last. Each caller
/// gets its own answer after the commit. A lone caller writes in its own task, a batch of several is
/// written in an unstructured one, so that cancelling one caller (an HTTP client that hung up) does
/// not cancel the others' writes. A batch that the store refuses for its data, or that waits for
/// somebody's lock, is split until the item at fault stands alone. Others of the batch with the key of
/// one that waits for a lock are not tried any more; ``HeldKeys`` says what becomes of them.
package final class Coalescer<Item: Sendable, Answer: Sendable>: Sendable {
    package typealias Write = @Sendable ([Item]) async throws(StoreError) -> [Answer]

    private struct Call {
        let items: [Item]
        let answer: CheckedContinuation<Result<[Answer], StoreError>, Never>
    }

    /// What a call that waits brings about.
    private enum Entry {
        case isRefused
        case waits
        case isWatched
        case flies
        /// That of the flight that waits for those who flew last.
        case ends(CheckedContinuation<Void, Never>)
    }

    private struct State {
        var waiting: Deque<Call> = []
        var waitingItems = 0
        var flights = 0
        var lastStart = ContinuousClock.now
        var lastCount = 0
        /// A flight that waits for those who flew last, and how many such waits there were.
        var pausing: CheckedContinuation<Void, Never>?
        var pauses = 0
        /// Somebody looks whether the flight in the air takes long.
        var isWatched = false
    }

    /// Calls that may wait; one more is refused, so a store that hangs cannot eat the memory.
    package static var maxWaitingItems: Int { 100_000 }
    /// Items that are worth a flight beside another one.
    package static var flightLeast: Int { 24 }
    /// Between the starts of two flights, after one of so many items and while no more wait.
    package static var pace: Duration { .microseconds(1500) }
    package static var pacedCounts: Range<Int> { 8..<flightLeast }
    /// A flight that has been in the air for longer is not waited for.
    package static var flightPatience: Duration { .milliseconds(10) }
    /// Locked keys that are looked for in one batch; then all that is left with a key is set aside.
    package static var heldLimit: Int { 16 }

    private let batchLimit: Int
    private let flightLimit: Int
    private let byteLimit: Int
    private let weigh: @Sendable (Item) -> Int
    private let keyOf: @Sendable (Item) -> String?
    private let write: Write
    private let writePiece: Write
    private let state = Mutex(State())

    /// A batch has at most `batchLimit` items that weigh at most `byteLimit` together, or is a single
    /// call. The pieces of one that waited for a lock are written by `writePiece`, which need not wait
    /// as long again; `key` is what an item of theirs may wait for.
    package init(
        batchLimit: Int, flightLimit: Int = 1, byteLimit: Int = .max,
        weighing weigh: @escaping @Sendable (Item) -> Int = { _ in 0 },
        by key: @escaping @Sendable (Item) -> String? = { _ in nil },
        writingPieces writePiece: Write? = nil, write: @escaping Write
    ) {
        self.batchLimit = batchLimit
        self.flightLimit = flightLimit
        self.byteLimit = byteLimit
        self.weigh = weigh
        self.keyOf = key
        self.write = write
        self.writePiece = writePiece ?? write
    }

    /// Writes the items together, perhaps with others', and answers in their order.
    package func submit(_ items: [Item]) async throws(StoreError) -> [Answer] {
        guard !items.isEmpty else { return [] }
        if takesOff() {
            // Without a change of tasks, which costs a lone caller a tenth of its time.
            defer { land() }
            return try await write(items)
        }
        let result = await withCheckedContinuation { continuation in
            let call = Call(items: items, answer: continuation)
            switch state.withLock({ enter(call, &$0) }) {
            case .isRefused:
                continuation.resume(
                    returning: .failure(.unavailable("too many writes are waiting: try again")))
            case .waits: break
            case .isWatched: Task { await self.watch() }
            case .flies: Task { await self.fly() }
            case .ends(let pause): pause.resume()
            }
        }
        return try result.get()
    }

    /// Items that wait for the write in flight to end.
    package var waitingCount: Int { state.withLock { $0.waitingItems } }

    /// Whether the caller may write at once, because nobody does or waits.
    private func takesOff() -> Bool {
        state.withLock { state in
            guard state.waiting.isEmpty, state.flights == 0 else { return false }
            state.flights += 1
            state.lastStart = .now
            return true
        }
    }

    private func enter(_ call: Call, _ state: inout State) -> Entry {
        guard
            state.waitingItems + call.items.count <= Self.maxWaitingItems || state.waiting.isEmpty
        else { return .isRefused }
        state.waiting.append(call)
        state.waitingItems += call.items.count
        if state.waitingItems >= state.lastCount, let pause = state.pausing.take() {
            return .ends(pause)
        }
        if startsFlight(&state) {
            state.flights += 1
            state.lastStart = .now
            return .flies
        }
        guard !state.isWatched, flightLimit > 1 else { return .waits }
        state.isWatched = true
        return .isWatched
    }

    private func startsFlight(_ state: inout State) -> Bool {
        guard state.flights > 0 else { return true }
        guard state.flights < flightLimit else { return false }
        return state.waitingItems >= Self.flightLeast
            || .now - state.lastStart >= Self.flightPatience
    }

    /// Lets those who wait set off beside a flight that takes long, until nobody waits.
    private func watch() async {
        while true {
            let (rest, starts) = state.withLock { state -> (Duration?, Bool) in
                guard !state.waiting.isEmpty else {
                    state.isWatched = false
                    return (nil, false)
                }
                let rest = state.lastStart + Self.flightPatience - .now
                guard rest <= .zero else { return (rest, false) }
                guard state.flights < flightLimit else { return (Self.flightPatience, false) }
                state.flights += 1
                state.lastStart = .now
                return (Self.flightPatience, true)
            }
            if starts {
                Task { await self.fly() }
            }
            guard let rest else { return }
            await sleep(for: rest)
        }
    }

    /// Ends a flight, or hands it to those who wait.
    private func land() {
        let goesOn = state.withLock { state in
            if state.waiting.isEmpty { state.flights -= 1 }
            return !state.waiting.isEmpty
        }
        if goesOn {
            Task { await self.fly() }
        }
    }

    private func fly() async {
        while true {
            await pause()
            guard let batch = nextBatch() else { return }
            var held: Set<String> = []
            await send(batch[...], by: write, &held)
        }
    }

    /// Waits until those who flew last are back, but not for long.
    private func pause() async {
        await withCheckedContinuation { continuation in
            let pause = state.withLock { state -> (number: Int, rest: Duration)? in
                guard Self.pacedCounts.contains(state.lastCount),
                    state.waitingItems < state.lastCount, state.pausing == nil
                else { return nil }
                let rest = state.lastStart + Self.pace - .now
                guard rest > .zero else { return nil }
                state.pausing = continuation
                state.pauses += 1
                return (state.pauses, rest)
            }
            guard let pause else { return continuation.resume() }
            Task {
                await sleep(for: pause.rest)
                endPause(pause.number)
            }
        }
    }

    private func endPause(_ number: Int) {
        state.withLock { $0.pauses == number ? $0.pausing.take() : nil }?.resume()
    }

    private func nextBatch() -> [Call]? {
        state.withLock { state in
            var batch: [Call] = []
            var (count, bytes) = (0, 0)
            while let call = state.waiting.first {
                let weight = call.items.reduce(0) { $0 + weigh($1) }
                guard
                    batch.isEmpty
                        || count + call.items.count <= batchLimit && weight <= byteLimit - bytes
                else { break }
                state.waiting.removeFirst()
                count += call.items.count
                bytes += weight
                batch.append(call)
            }
            state.waitingItems -= count
            state.lastStart = .now
            state.lastCount = count
            if batch.isEmpty { state.flights -= 1 }
            return batch.isEmpty ? nil : batch
        }
    }

    /// Writes the calls and answers them; adds the keys that turn out to be locked to those `held`.
    private func send(
        _ batch: ArraySlice<Call>, by write: Write, _ held: inout Set<String>
    ) async {
        do throws(StoreError) {
            var answers = try await write(batch.flatMap(\.items))[...]
            for call in batch {
                call.answer.resume(returning: .success(Array(answers.prefix(call.items.count))))
                answers = answers.dropFirst(call.items.count)
            }
        } catch {
            if error.concernsSomeRows, batch.count > 1 {
                let middle = batch.startIndex + batch.count / 2
                let next = error.isContended ? writePiece : write
                for half in [batch[..<middle], batch[middle...]] {
                    let free = dropHeld(from: half, held)
                    if !free.isEmpty { await send(free, by: next, &held) }
                }
            } else {
                if error.isContended, let key = batch.first?.items.lazy.compactMap(keyOf).first {
                    held.insert(key)
                }
                for call in batch { call.answer.resume(returning: .failure(error)) }
            }
        }
    }

    /// Answers the calls that would wait for a key that is known to be locked; returns the others.
    private func dropHeld(from calls: ArraySlice<Call>, _ held: Set<String>) -> ArraySlice<Call> {
        guard !held.isEmpty else { return calls }
        var free: [Call] = []
        for call in calls {
            let isHeld = call.items.contains { item in
                guard let key = keyOf(item) else { return false }
                return held.count >= Self.heldLimit || held.contains(key)
            }
            if isHeld {
                call.answer.resume(returning: .failure(.contended("its key is locked elsewhere")))
            } else {
                free.append(call)
            }
        }
        return free[...]
    }
}

extension StoreError {
    /// Whether somebody else's lock was waited for in vain.
    var isContended: Bool {
        if case .contended = self { true } else { false }
    }

    /// Whether a part of the batch may go through without the rest.
    fileprivate var concernsSomeRows: Bool {
        switch self {
        case .rejected, .contended: true
        case .unavailable, .unknown, .denied, .misconfigured, .unreadable, .full: false
        }
    }
}
