import Histogram
import Synchronization
import Tasq

/// Latencies from any number of tasks, with three significant digits.
final class LatencyRecord: Sendable {
    /// Longer ones count as this long.
    static let longest = Duration.seconds(600)

    /// In microseconds.
    private let histogram = Mutex(
        Histogram<UInt64>(highestTrackableValue: UInt64(LatencyRecord.longest.inMicroseconds)))

    /// One below zero, as when a handler began before the commit's return was seen, counts as zero.
    func note(_ latency: Duration) {
        let microseconds = min(max(latency, .zero), Self.longest).inMicroseconds
        histogram.withLock { _ = $0.record(UInt64(microseconds)) }
    }

    var count: Int { histogram.withLock { Int($0.totalCount) } }

    /// In milliseconds; 0 of none.
    func percentile(_ percentile: Double) -> Double {
        histogram.withLock {
            guard $0.totalCount > 0 else { return 0 }
            return Double(Swift.min($0.valueAtPercentile(percentile), $0.maxRecorded)) / 1000
        }
    }

    func curve(_ name: String) -> LatencyCurve {
        LatencyCurve(
            name: name,
            points: [0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99].map {
                .init(percentile: $0, milliseconds: percentile($0))
            })
    }
}
