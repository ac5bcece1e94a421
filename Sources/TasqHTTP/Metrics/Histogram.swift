import Synchronization

/// Counts durations in fixed buckets.
public final class Histogram: Sendable {
    /// Upper bounds of the buckets in seconds, from half a millisecond to ten seconds.
    public static let bounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private struct State {
        var counts = [Int](repeating: 0, count: Histogram.bounds.count + 1)
        var seconds = 0.0
    }

    private let state = Mutex(State())

    /// Starts at nothing.
    public init() {}

    /// Counts one duration.
    public func observe(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.seconds += seconds
        }
    }

    /// The counts so far, as a metric of this name.
    public func metric(_ name: String, help: String) -> Metric {
        let (counts, seconds) = state.withLock { ($0.counts, $0.seconds) }
        var total = 0
        var samples: [Metric.Sample] = []
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < Self.bounds.count ? Self.bounds[index] : .infinity
            samples.append(
                Metric.Sample(
                    Double(total), labels: [.init("le", PrometheusText.number(bound))],
                    suffix: "_bucket"))
        }
        samples.append(Metric.Sample(seconds, suffix: "_sum"))
        samples.append(Metric.Sample(Double(total), suffix: "_count"))
        return Metric(name, .histogram, help: help, samples: samples)
    }
}
