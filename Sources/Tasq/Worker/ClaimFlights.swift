import Synchronization

/// Claims under way beside the loop that finds jobs, one sweep among them at most, and what has
/// become of them.
final class ClaimFlights: Sendable {
    struct Landing {
        let ids: [JobID]
        let result: Result<[ClaimedJob], StoreError>
    }

    struct SweepLanding {
        /// The list was empty when it began.
        let isIdle: Bool
        /// How many jobs it was to claim at most.
        let limit: Int
        /// Where it began.
        let start: [Name: QueuedCursor]
        let result: Result<Sweep, StoreError>
        let asked: ContinuousClock.Instant
        let answered: ContinuousClock.Instant
    }

    private struct State {
        var inTheAir = 0
        var landings: [Landing] = []
        var isSweeping = false
        var sweep: SweepLanding?
    }

    private let state = Mutex(State())

    /// How many have not been taken note of.
    var count: Int { state.withLock { $0.inTheAir + $0.landings.count } }

    /// A sweep is under way, or has not been taken note of.
    var isSweeping: Bool { state.withLock { $0.isSweeping } }

    func startSweep() {
        state.withLock { $0.isSweeping = true }
    }

    func land(_ sweep: SweepLanding) {
        state.withLock { $0.sweep = sweep }
    }

    /// The sweep that has come back.
    func landedSweep() -> SweepLanding? {
        state.withLock { state in
            guard let sweep = state.sweep else { return nil }
            state.sweep = nil
            state.isSweeping = false
            return sweep
        }
    }

    func start() {
        state.withLock { $0.inTheAir += 1 }
    }

    func land(_ ids: [JobID], _ result: Result<[ClaimedJob], StoreError>) {
        state.withLock { state in
            state.inTheAir -= 1
            state.landings.append(Landing(ids: ids, result: result))
        }
    }

    /// Those that have come back since the last call.
    func landed() -> [Landing] {
        state.withLock { state in
            defer { state.landings = [] }
            return state.landings
        }
    }
}
