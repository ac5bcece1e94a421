import Synchronization

/// Counts observations in fixed buckets, without a lock.
///
/// How many fell into a bucket and what they sum up to share one word, so that an observation is
/// one relaxed addition and the two never tell different stories. Before a word runs over, whoever
/// added last moves it to wide totals; readers look at both under the same lock.
package final class Distribution: Sendable {
    /// What is observed and where its buckets end.
    package struct Scale: Sendable {
        /// Upper bounds of all buckets but the last, rising, in units.
        let bounds: [Int64]
        /// The same as `le` writes them.
        let labels: [String]
        /// What one unit of the sums is worth.
        let unit: Double

        /// What a statement takes: 0.1 ms to 10 s.
        package static let statement = times([
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
            2.5, 5, 10,
        ])
        /// What jobs take and wait: 0.5 ms to 2 h.
        package static let job = times([
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
            300, 1800, 7200,
        ])
        /// How many there are in a batch.
        package static let batch = Scale([1, 2, 5, 10, 20, 50, 100, 200, 500].map(Double.init), 1)

        private static func times(_ seconds: [Double]) -> Scale {
            Scale(seconds, 0x1p34 / 1e18)
        }

        private init(_ bounds: [Double], _ unit: Double) {
            self.bounds = bounds.map { Int64($0 / unit) }
            labels = bounds.map(PrometheusText.number)
            self.unit = unit
        }
    }

    private struct Totals {
        var counts: [Int]
        var sums: [UInt64]
    }

    /// Buckets at most, the one that holds everything among them.
    private static let bucketLimit = 20
    /// The lower bits of a word count, the others sum up.
    private static let countBits: UInt64 = 20
    private static let countMask: UInt64 = 1 << countBits - 1
    /// A word is moved when half of either part is used up, which leaves room for those who add
    /// before it has been.
    private static let fullCount: UInt64 = 1 << (countBits - 1)
    private static let fullSum: UInt64 = 1 << (63 - countBits)
    /// What is more than this goes to the totals itself: five hours.
    private static let largest: Int64 = 1 << 40

    private let scale: Scale
    private let words: InlineArray<20, Atomic<UInt64>>
    private let totals: Mutex<Totals>
    private let tell: Facade.Tell?

    /// Whoever else is to be told of each observation.
    package init(_ scale: Scale, _ tell: Facade.Tell? = nil) {
        precondition(scale.bounds.count < Self.bucketLimit)
        self.scale = scale
        self.tell = tell
        words = InlineArray { _ in Atomic(0) }
        totals = Mutex(
            Totals(
                counts: Array(repeating: 0, count: Self.bucketLimit),
                sums: Array(repeating: 0, count: Self.bucketLimit)))
    }

    /// Counts a duration; one below nothing counts as nothing.
    package func observe(_ duration: Duration) {
        // A shift in place of a division; a unit is 2^34 attoseconds, about 17 ns.
        enter(Int64(clamping: duration.attoseconds >> 34))
        if let tell { tell(max(0, Int64(clamping: duration.attoseconds / 1_000_000_000))) }
    }

    /// Counts a number of things.
    package func observe(_ count: Int) {
        enter(Int64(count))
        if let tell { tell(Int64(count)) }
    }

    private func enter(_ units: Int64) {
        let units = max(0, units)
        var bucket = 0
        while bucket < scale.bounds.count, units > scale.bounds[bucket] { bucket += 1 }
        guard units < Self.largest else {
            return totals.withLock { totals in
                totals.counts[bucket] += 1
                totals.sums[bucket] &+= UInt64(units)
            }
        }
        let word = words[bucket].wrappingAdd(
            UInt64(units) << Self.countBits | 1, ordering: .relaxed
        ).newValue
        if word & Self.countMask >= Self.fullCount || word >> Self.countBits >= Self.fullSum {
            empty(bucket)
        }
    }

    private func empty(_ bucket: Int) {
        totals.withLock { totals in
            let word = words[bucket].exchange(0, ordering: .relaxed)
            totals.counts[bucket] += Int(word & Self.countMask)
            totals.sums[bucket] &+= word >> Self.countBits
        }
    }

    /// How many have been observed.
    package var count: Int { snapshot.counts.reduce(0, +) }

    /// The samples of a histogram: the buckets, then sum and count.
    package func samples(_ labels: [Metric.Label] = []) -> [Metric.Sample] {
        let (counts, sum) = snapshot
        var total = 0
        var samples: [Metric.Sample] = []
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < scale.labels.count ? scale.labels[index] : "+Inf"
            samples.append(
                Metric.Sample(
                    Double(total), labels: labels + [.init("le", bound)], suffix: "_bucket"))
        }
        samples.append(Metric.Sample(sum, labels: labels, suffix: "_sum"))
        samples.append(Metric.Sample(Double(total), labels: labels, suffix: "_count"))
        return samples
    }

    private var snapshot: (counts: [Int], sum: Double) {
        totals.withLock { totals in
            var counts: [Int] = []
            var sum = 0.0
            for bucket in 0...scale.bounds.count {
                let word = words[bucket].load(ordering: .relaxed)
                counts.append(totals.counts[bucket] + Int(word & Self.countMask))
                sum += Double(totals.sums[bucket] &+ word >> Self.countBits)
            }
            return (counts, sum * scale.unit)
        }
    }
}
