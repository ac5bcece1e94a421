import Synchronization

/// Wakes one waiter when the earliest of the times it was set to has come.
final class Alarm: Sendable {
    private struct State {
        var due: ContinuousClock.Instant?
        var wake = Signal()
    }

    private let state = Mutex(State())

    /// Sets it, unless it is set to something sooner.
    func set(after delay: Duration) {
        let due = ContinuousClock.now + delay
        let wake = state.withLock { state -> Signal? in
            guard state.due.map({ due < $0 }) ?? true else { return nil }
            state.due = due
            defer { state.wake = Signal() }
            return state.wake
        }
        wake?.raise()
    }

    /// Returns when its time has come, and forgets it; or when cancelled.
    func wait() async {
        while !Task.isCancelled {
            let (due, wake) = state.withLock { ($0.due, $0.wake) }
            guard let due else {
                await wake.wait()
                continue
            }
            let now = ContinuousClock.now
            guard now < due else {
                state.withLock { state in
                    if state.due == due { state.due = nil }
                }
                return
            }
            _ = await happens(within: due - now, unless: nil) {
                await wake.wait()
                return true
            }
        }
    }
}
