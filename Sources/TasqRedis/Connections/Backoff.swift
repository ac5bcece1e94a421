import Tasq

/// How long to leave Redis alone after failures: exponential, jittered, 50 ms to 2 s.
struct Backoff: Sendable {
    private(set) var failures = 0
    /// Nothing is tried before; `nil` while all is well.
    private(set) var restsUntil: ContinuousClock.Instant?

    /// Counts a failure. `chance`, from 0 to 1, is where in the jitter's range the rest falls.
    mutating func failed(
        at now: ContinuousClock.Instant = .now, chance: Double = Double.random(in: 0...1)
    ) {
        let (shortest, longest) = (RedisLimits.backoff.lowerBound, RedisLimits.backoff.upperBound)
        let full = min(longest, shortest * (1 << min(failures, 10)))
        failures = min(failures + 1, 1000)
        restsUntil = now + full * (0.5 + 0.5 * chance)
    }

    mutating func succeeded() {
        self = Backoff()
    }

    /// Until when to rest, if at all.
    func rest(at now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant? {
        restsUntil.flatMap { $0 > now ? $0 : nil }
    }
}
