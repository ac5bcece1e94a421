import Synchronization

/// How long each phase of a run takes.
final class Stopwatch: Sendable {
    private struct State {
        var phase: String?
        var since = ContinuousClock.now
        var seconds: [(phase: String, seconds: Double)] = []
    }

    private let state = Mutex(State())

    /// Ends the phase before, if there was one, and begins another.
    func begin(_ phase: String) {
        state.withLock { state in
            Self.close(&state)
            state.phase = phase
        }
    }

    /// Ends the last phase; returns all of them in the order they began.
    func end() -> [(phase: String, seconds: Double)] {
        state.withLock { state in
            Self.close(&state)
            state.phase = nil
            return state.seconds
        }
    }

    private static func close(_ state: inout State) {
        let now = ContinuousClock.now
        let seconds = (now - state.since) / .seconds(1)
        state.since = now
        guard let phase = state.phase else { return }
        if let index = state.seconds.firstIndex(where: { $0.phase == phase }) {
            state.seconds[index].seconds += seconds
        } else {
            state.seconds.append((phase, seconds))
        }
    }
}
