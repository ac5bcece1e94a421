import DequeModule
import Synchronization

/// Turns concurrent calls into batched writes.
///
/// While one write is in flight the next collects whoever arrives; a lone caller waits for nobody.
/// Each caller gets its own answer after the commit. A lone caller writes in its own task, several
/// are written for in a task of nobody's: a caller that is cancelled (an HTTP client that hung up)
/// takes no other's write with it. A batch that the store refuses for its data, or that waits for
/// somebody's lock, is split until the item at fault stands alone.
package final class Coalescer<Item: Sendable, Answer: Sendable>: Sendable {
    package typealias Write = @Sendable ([Item]) async throws(StoreError) -> [Answer]

    private struct Call {
        let items: [Item]
        let answer: CheckedContinuation<Result<[Answer], StoreError>, Never>
    }

    private struct State {
        var waiting: Deque<Call> = []
        var waitingItems = 0
        var flights = 0
    }

    /// Calls that may wait; one more is refused, so a store that hangs cannot eat the memory.
    package static var maxWaitingItems: Int { 100_000 }

    private let batchLimit: Int
    private let flightLimit: Int
    private let write: Write
    private let state = Mutex(State())

    package init(batchLimit: Int, flightLimit: Int = 1, write: @escaping Write) {
        self.batchLimit = batchLimit
        self.flightLimit = flightLimit
        self.write = write
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
            let (accepted, starts) = state.withLock { state in
                guard
                    state.waitingItems + items.count <= Self.maxWaitingItems
                        || state.waiting.isEmpty
                else { return (false, false) }
                state.waiting.append(call)
                state.waitingItems += items.count
                guard state.flights < flightLimit else { return (true, false) }
                state.flights += 1
                return (true, true)
            }
            if !accepted {
                continuation.resume(
                    returning: .failure(.unavailable("too many writes are waiting: try again")))
            }
            if starts {
                Task { await self.fly() }
            }
        }
        return try result.get()
    }

    /// Items that wait for the write in flight to end.
    package var waitingCount: Int { state.withLock { $0.waitingItems } }

    /// Whether the caller may write at once, because there is a free flight and nobody waits.
    private func takesOff() -> Bool {
        state.withLock { state in
            guard state.waiting.isEmpty, state.flights < flightLimit else { return false }
            state.flights += 1
            return true
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
        while let batch = nextBatch() {
            await send(batch[...])
        }
    }

    private func nextBatch() -> [Call]? {
        state.withLock { state in
            var batch: [Call] = []
            var count = 0
            while let call = state.waiting.first,
                batch.isEmpty || count + call.items.count <= batchLimit
            {
                state.waiting.removeFirst()
                count += call.items.count
                batch.append(call)
            }
            state.waitingItems -= count
            if batch.isEmpty { state.flights -= 1 }
            return batch.isEmpty ? nil : batch
        }
    }

    private func send(_ batch: ArraySlice<Call>) async {
        do throws(StoreError) {
            var answers = try await write(batch.flatMap(\.items))[...]
            for call in batch {
                call.answer.resume(returning: .success(Array(answers.prefix(call.items.count))))
                answers = answers.dropFirst(call.items.count)
            }
        } catch {
            if error.concernsSomeRows, batch.count > 1 {
                let middle = batch.startIndex + batch.count / 2
                await send(batch[..<middle])
                await send(batch[middle...])
            } else {
                for call in batch { call.answer.resume(returning: .failure(error)) }
            }
        }
    }
}

extension StoreError {
    /// Whether a part of the batch may go through without the rest.
    fileprivate var concernsSomeRows: Bool {
        switch self {
        case .rejected, .contended: true
        case .unavailable, .unknown, .denied, .misconfigured: false
        }
    }
}
