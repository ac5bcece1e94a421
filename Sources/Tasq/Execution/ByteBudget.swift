import DequeModule
import Synchronization

/// Bytes that many may hold together, and a line of those who wait until there is room.
///
/// Whoever asks for much waits in turn, so that large ones do not starve; little goes past them, and a
/// quarter is left to it, so that small ones are not held up. Only alone may much have all.
package final class ByteBudget: Sendable {
    /// So few bytes need not stand in line.
    package static let little = 1_048_576

    private struct Waiter {
        let number: Int
        let bytes: Int
        let answer: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var line: Deque<Waiter> = []
        var nextNumber = 0
        /// Left before they stood in line.
        var left: Set<Int> = []
    }

    /// What all together may hold.
    package let total: Int
    private let state: Mutex<State>

    package init(_ total: Int) {
        self.total = total
        state = Mutex(State(free: total))
    }

    /// Bytes that are held now.
    package var held: Int { state.withLock { total - $0.free } }

    /// How many stand in line.
    package var waiting: Int { state.withLock { $0.line.count } }

    /// Takes room where there is some; `false`: there is none.
    package func take(_ bytes: Int) -> Bool {
        state.withLock { take(bytes, &$0) }
    }

    private func take(_ bytes: Int, _ state: inout State) -> Bool {
        guard bytes > 0 else { return true }
        guard fits(bytes, state), state.line.isEmpty || bytes <= Self.little else { return false }
        state.free -= bytes
        return true
    }

    private func fits(_ bytes: Int, _ state: State) -> Bool {
        let kept = bytes > Self.little && state.free < total ? total / 4 : 0
        return bytes <= state.free - kept
    }

    /// Takes room, and waits for it up to `patience`, or as long as it takes when that is `nil`;
    /// `false`: there was none in time, there never is so much, or the task was cancelled.
    package func wait(for bytes: Int, upTo patience: Duration?) async -> Bool {
        if take(bytes) { return true }
        guard bytes <= total, patience != .zero else { return false }
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await self.stand(number, for: bytes) }
            group.addTask {
                if let patience {
                    await sleep(for: patience)
                } else {
                    await Signal().wait()
                }
                self.leave(number)
                return nil
            }
            var hasRoom = false
            for await answer in group {
                guard let answer else { continue }
                hasRoom = answer
                group.cancelAll()
            }
            state.withLock { _ = $0.left.remove(number) }
            return hasRoom
        }
    }

    /// Gives room back to whoever waits.
    package func giveBack(_ bytes: Int) {
        guard bytes > 0 else { return }
        let served = state.withLock { state in
            state.free += bytes
            return serve(&state)
        }
        for answer in served { answer.resume(returning: true) }
    }

    private func stand(_ number: Int, for bytes: Int) async -> Bool {
        await withCheckedContinuation { answer in
            let atOnce = state.withLock { state -> Bool? in
                guard !state.left.contains(number) else { return false }
                guard !take(bytes, &state) else { return true }
                state.line.append(Waiter(number: number, bytes: bytes, answer: answer))
                return nil
            }
            if let atOnce { answer.resume(returning: atOnce) }
        }
    }

    /// Ends a wait, unless room was just found for it.
    private func leave(_ number: Int) {
        let (waiter, served) = state.withLock {
            state -> (Waiter?, [CheckedContinuation<Bool, Never>]) in
            guard let place = state.line.firstIndex(where: { $0.number == number }) else {
                state.left.insert(number)
                return (nil, [])
            }
            let waiter = state.line.remove(at: place)
            return (waiter, serve(&state))
        }
        waiter?.answer.resume(returning: false)
        for answer in served { answer.resume(returning: true) }
    }

    private func serve(_ state: inout State) -> [CheckedContinuation<Bool, Never>] {
        var served: [CheckedContinuation<Bool, Never>] = []
        while let first = state.line.first, fits(first.bytes, state) {
            state.free -= first.bytes
            served.append(first.answer)
            state.line.removeFirst()
        }
        return served
    }
}
