/// When a failed attempt is tried again: exponential, jittered, capped.
///
/// The wait before attempt `n + 1` is `base × factorⁿ⁻¹`, at most `cap`, then moved by up to
/// `jitter` either way so that jobs that failed together do not come back together. No attempt
/// number overflows: the arithmetic is floating point and saturates at the cap. Whatever a policy
/// says, a job waits at least ``floor``, so that no setting turns a failure into a busy loop.
public struct RetryPolicy: Sendable, Hashable {
    /// The shortest wait after a failure, whatever the policy says: a tenth of a second.
    public static let floor = Duration.milliseconds(100)

    /// The wait after the first failure.
    public var base: Duration
    /// By how much each further failure multiplies the wait; 1 or more.
    public var factor: Double
    /// The longest wait, before jitter.
    public var cap: Duration
    /// The share by which a wait may be shorter or longer, 0 to 1.
    public var jitter: Double

    /// Makes a policy; values out of range are moved to the nearest that is in it.
    public init(
        base: Duration = .seconds(2), factor: Double = 2, cap: Duration = .seconds(3600),
        jitter: Double = 0.2
    ) {
        self.base = max(.zero, base)
        self.factor = factor.isFinite ? max(1, factor) : 1
        self.cap = max(.zero, cap)
        self.jitter = jitter.isFinite ? min(1, max(0, jitter)) : 0
    }

    /// The wait of a job whose attempt `attempt` failed: the policy's, but at least ``floor``.
    package func wait(after attempt: Int) -> Duration {
        max(Self.floor, delay(after: attempt))
    }

    /// What the policy says of the wait after attempt `attempt` failed. `chance`, from -1 to 1, is
    /// where in the jitter's range it falls.
    public func delay(
        after attempt: Int, chance: Double = Double.random(in: -1...1)
    ) -> Duration {
        let exponent = max(0, Double(attempt) - 1)
        // pow by logarithm: an infinite result is cut by the cap like any other.
        let factors = exponent == 0 ? 1 : power(factor, exponent)
        let seconds = min(base.inSeconds * factors, cap.inSeconds, JobLimits.delay.inSeconds)
        return .seconds(seconds * (1 + jitter * chance))
    }

    private func power(_ base: Double, _ exponent: Double) -> Double {
        var result = 1.0
        var square = base
        var left = Int(min(exponent, 100_000))
        while left > 0 {
            if left & 1 == 1 { result *= square }
            square *= square
            left >>= 1
        }
        return result.isNaN ? .infinity : result
    }
}

extension Duration {
    /// The length in seconds.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }

    /// The length in whole microseconds, saturating.
    package var inMicroseconds: Int64 {
        let (scaled, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000)
        if overflow { return components.seconds < 0 ? .min : .max }
        let (sum, tooFar) = scaled.addingReportingOverflow(
            components.attoseconds / 1_000_000_000_000)
        return tooFar ? .max : sum
    }

    /// Whole minutes.
    public static func minutes(_ minutes: some BinaryInteger) -> Duration {
        .seconds(Int64(minutes) * 60)
    }
}
