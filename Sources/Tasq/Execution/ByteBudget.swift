import DequeModule
import Synchronization

/// Bytes that many may hold together, and a line of those who wait until there is room.
///
/// Whoever asks for much waits in turn; whoever asks for little goes past them. Much never has more
/// than three quarters of it; little never more than half, and no more than the last quarter while
/// much waits: so neither keeps the other out.
package final class ByteBudget: Sendable {
    /// So few bytes need not stand in line.
    package static let little = 1_048_576

    private struct Waiter {
        let number: Int
        let bytes: Int
        let answer: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var little = 0
        var much = 0
        var line: Deque<Waiter> = []
        var nextNumber = 0
        /// Left before they stood in line.
        var left: Set<Int> = []
    }

    /// What all together may hold.
    package let total: Int
    private let state = Mutex(State())

    package init(_ total: Int) {
        self.total = total
    }

    /// The most that one may ask for.
    package var most: Int { max(total - total / 4, min(total, Self.little)) }

    /// Bytes that are held now.
    package var held: Int { state.withLock { $0.little + $0.much } }

    /// How many stand in line.
    package var waiting: Int { state.withLock { $0.line.count } }

    /// Takes room where there is some; `false`: there is none.
    package func take(_ bytes: Int) -> Bool {
        state.withLock { take(bytes, &$0) }
    }

    private func take(_ bytes: Int, _ state: inout State) -> Bool {
        guard bytes > 0 else { return true }
        let mayPass = Self.isLittle(bytes) || !Self.muchWaits(state)
        guard mayPass, fits(bytes, state) else { return false }
        Self.add(bytes, isLittle: Self.isLittle(bytes), to: &state)
        return true
    }

    private func fits(_ bytes: Int, _ state: State) -> Bool {
        let isLittle = Self.isLittle(bytes)
        let limit =
            if !isLittle { most } else if Self.muchWaits(state) { total - most } else {
                max(total / 2, min(total, Self.little))
            }
        return bytes <= limit - (isLittle ? state.little : state.much)
            && bytes <= total - state.little - state.much
    }

    private static func isLittle(_ bytes: Int) -> Bool { bytes <= little }

    private static func muchWaits(_ state: State) -> Bool {
        state.line.contains { !isLittle($0.bytes) }
    }

    private static func add(_ bytes: Int, isLittle: Bool, to state: inout State) {
        if isLittle { state.little += bytes } else { state.much += bytes }
    }

    /// Takes room, and waits for it up to `patience`, or as long as it takes when that is `nil`;
    /// `false`: there was none in time, there never is so much, or the task was cancelled.
    package func wait(for bytes: Int, upTo patience: Duration?) async -> Bool {
        if take(bytes) { return true }
        guard bytes <= most, patience != .zero else { return false }
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

    /// Gives back to whoever waits what was taken by so many bytes at a time.
    package func giveBack(_ bytes: Int) {
        guard bytes > 0 else { return }
        let served = state.withLock { state in
            Self.add(-bytes, isLittle: Self.isLittle(bytes), to: &state)
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
        // Much goes in turn.
        while let place = state.line.firstIndex(where: { !Self.isLittle($0.bytes) }),
            fits(state.line[place].bytes, state)
        {
            served.append(admit(place, &state))
        }
        while let place = state.line.firstIndex(where: {
            Self.isLittle($0.bytes) && fits($0.bytes, state)
        }) {
            served.append(admit(place, &state))
        }
        return served
    }

    private func admit(_ place: Int, _ state: inout State) -> CheckedContinuation<Bool, Never> {
        let waiter = state.line.remove(at: place)
        Self.add(waiter.bytes, isLittle: Self.isLittle(waiter.bytes), to: &state)
        return waiter.answer
    }
}
