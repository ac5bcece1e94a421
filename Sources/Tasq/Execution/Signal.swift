import Synchronization

/// Something that happens once, and that any number of tasks may wait for.
package final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var isRaised: Bool { state.withLock { $0.isRaised } }

    package func raise() {
        let waiting = state.withLock { state in
            state.isRaised = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Waits until it has been raised, or the task is cancelled.
    package func wait() async {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isRaised, !Task.isCancelled else { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }
}

/// Whether `event` came true within a time, and before `signal` was raised. The event is waited
/// for in a child task that is cancelled when the time is up, and must end soon after that.
package func happens(
    within limit: Duration, unless signal: Signal?,
    _ event: @escaping @Sendable () async -> Bool
) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
        group.addTask { await event() }
        group.addTask {
            await sleep(for: limit)
            return false
        }
        if let signal {
            group.addTask {
                await signal.wait()
                return false
            }
        }
        defer { group.cancelAll() }
        return await group.next() ?? false
    }
}
