import Synchronization
import TasqHTTP

/// The demo's receiving endpoint: counts what arrives, by job and claim.
final class DemoReceiver: Sendable {
    /// What arrived for one job.
    struct Arrivals: Sendable {
        /// When the first delivery arrived.
        var first: ContinuousClock.Instant
        /// Deliveries that were answered 200.
        var taken = 0
        /// Deliveries that were answered 500 on purpose.
        var refused = 0
        /// The claims they came under.
        var claims: Set<String> = []
        /// When the first of those answered 200 arrived.
        var firstTaken: ContinuousClock.Instant?
    }

    private struct State {
        var arrivals: [String: Arrivals] = [:]
        var taken = 0
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// Every this many-th new job is refused at its first attempt, to show a retry.
    static let refusedShare = 100

    /// Serves on a free loopback port until cancelled; tells the port once.
    func run(onListening: @escaping @Sendable (Int) -> Void) async throws {
        let receiver = Receiver(onListening: onListening) { delivery in
            await self.take(
                job: delivery.header("tasq-job-id") ?? "",
                claim: delivery.header("tasq-claim") ?? "")
        }
        try await receiver.run()
    }

    /// What has arrived so far, by job id.
    var arrivals: [String: Arrivals] { state.withLock { $0.arrivals } }

    /// Deliveries answered 200 so far.
    var taken: Int { state.withLock { $0.taken } }

    /// Keeps every delivery waiting from now on, so that a backlog builds up.
    func hold() {
        state.withLock { $0.isHeld = true }
    }

    /// Lets the waiting deliveries, and all others, go on.
    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for delivery in held { delivery.resume() }
    }

    private func take(job: String, claim: String) async -> Int {
        let isTaken = state.withLock { state in
            let now = ContinuousClock.now
            let isNew = state.arrivals[job] == nil
            var arrivals = state.arrivals[job] ?? Arrivals(first: now)
            arrivals.claims.insert(claim)
            let isRefused = isNew && state.arrivals.count % Self.refusedShare == 1
            if isRefused {
                arrivals.refused += 1
            } else {
                arrivals.taken += 1
                arrivals.firstTaken = arrivals.firstTaken ?? now
                state.taken += 1
            }
            state.arrivals[job] = arrivals
            return !isRefused
        }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                if state.isHeld { state.held.append(continuation) }
                return state.isHeld
            }
            if !waits { continuation.resume() }
        }
        return isTaken ? 200 : 500
    }
}
