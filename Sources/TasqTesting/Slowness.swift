import Foundation

/// How much slower this machine is than the one for which the limits of the tests were chosen.
///
/// `compose/test` measures the machine before a run and says it in `TASQ_TEST_SLOW`. Limits,
/// leases and patience of a fixture are multiplied by it; what users run is never touched.
package enum Slowness {
    /// From 1, also where nothing was measured, to 100.
    package static let factor: Double = {
        let given = ProcessInfo.processInfo.environment["TASQ_TEST_SLOW"].flatMap(Double.init)
        return min(max(given ?? 1, 1), 100)
    }()
}

extension Duration {
    /// This long on the machine for which the limits were chosen, and longer on a slower one.
    @usableFromInline package var onThisMachine: Duration { self * Slowness.factor }
}
