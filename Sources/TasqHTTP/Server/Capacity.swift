import Synchronization

/// What a listener has on its hands now, against its limits.
final class Capacity: Sendable {
    private struct State {
        var inFlight = 0
        var bufferedBytes = 0
        var isStopping = false
    }

    private let limits: HTTPLimits
    private let state = Mutex(State())

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Whether the listener is shutting down and takes no new requests.
    var isStopping: Bool { state.withLock(\.isStopping) }

    func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Takes a place for one request; `false` when all are taken.
    func enter() -> Bool {
        state.withLock { state in
            guard state.inFlight < limits.inFlight else { return false }
            state.inFlight += 1
            return true
        }
    }

    func leave() {
        state.withLock { $0.inFlight -= 1 }
    }

    /// Takes room for a part of a body; `false` when there is none.
    func reserve(_ bytes: Int) -> Bool {
        guard bytes > 0 else { return true }
        return state.withLock { state in
            guard bytes <= limits.bufferedBytes - state.bufferedBytes else { return false }
            state.bufferedBytes += bytes
            return true
        }
    }

    func release(_ bytes: Int) {
        guard bytes > 0 else { return }
        state.withLock { $0.bufferedBytes -= bytes }
    }
}
