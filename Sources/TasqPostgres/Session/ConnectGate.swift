import Tasq

/// Decides when the next connection attempt may be made after one has failed.
///
/// While all is well it stands open. After a failure it opens for one attempt at a time, after a
/// wait that doubles with every failure and is jittered, so that neither one process nor a fleet
/// of them hammers a server that is down or starting up.
struct ConnectGate {
    typealias Instant = ContinuousClock.Instant

    /// The wait after the first failure.
    static let shortestWait: Duration = .milliseconds(50)
    /// The longest wait for a server that does not answer.
    static let longestWait: Duration = .seconds(1)
    /// The wait after a refusal that time alone does not mend, such as a wrong password; kept
    /// long, so that no account is locked by our trying.
    static let refusalWait: Duration = .seconds(10)

    private var backoff = Backoff(
        from: Self.shortestWait, to: Self.longestWait, spread: 0.5...1)
    private var isProbing = false
    private(set) var opensAt: Instant?
    private(set) var reason: StoreError?

    /// Whether an attempt may be made now; a `true` must be followed by its outcome.
    mutating func admits(at now: Instant) -> Bool {
        guard let opensAt else { return true }
        guard !isProbing, now >= opensAt else { return false }
        isProbing = true
        return true
    }

    mutating func succeeded() {
        self = ConnectGate()
    }

    /// `chance`, from 0 to 1, is where in the upper half of the wait the next attempt falls.
    mutating func failed(
        _ error: StoreError, at now: Instant, chance: Double = Double.random(in: 0...1)
    ) {
        reason = error
        isProbing = false
        // Attempts that were under way together fail together and count once.
        if let opensAt, now < opensAt { return }
        let wait = backoff.next(chance: chance)
        opensAt = now + (error.isTransient ? wait : Self.refusalWait * (0.5 + 0.5 * chance))
    }
}
