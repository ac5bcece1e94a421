import Synchronization

/// How a run ended, as a label.
package enum RunEnd: Int, Sendable, CaseIterable {
    case success
    case retry
    case snooze
    case cancelled
    case error
    case handedBack
    /// The claim was taken away while the handler ran: cancelled from outside, or given back.
    case revoked
    /// The lease had run out: what the handler did counts for nothing.
    case lost

    /// How a worker's claims end in the table. A worker elsewhere cancels nothing.
    static let recorded: [RunEnd] = [.success, .retry, .snooze, .cancelled, .error, .handedBack]
    static let recordedElsewhere = recorded.filter { $0 != .cancelled }

    /// Whether the run came to nothing, and that by itself.
    var isFailure: Bool {
        switch self {
        case .retry, .error, .lost: true
        case .success, .snooze, .cancelled, .handedBack, .revoked: false
        }
    }

    var label: Metric.Label {
        Metric.Label("outcome", self == .handedBack ? "handed_back" : "\(self)")
    }
}

/// How long the runs of one queue and kind took, by their ends. Only what happens takes memory, and
/// what happens nearly always takes the short way.
package final class RunMeter: Sendable {
    private let successes: Distribution
    private let tell: @Sendable (RunEnd) -> Facade.Tell?
    private let ends = InlineArray<8, AtomicLazyReference<Distribution>> { _ in
        AtomicLazyReference()
    }

    package init(_ tell: @escaping @Sendable (RunEnd) -> Facade.Tell?) {
        successes = Distribution(.job, tell(.success))
        self.tell = tell
        precondition(ends.count == RunEnd.allCases.count)
    }

    package subscript(_ end: RunEnd) -> Distribution {
        if end == .success { return successes }
        return ends[end.rawValue].load()
            ?? ends[end.rawValue].storeIfNil(Distribution(.job, tell(end)))
    }

    func samples(_ labels: [Metric.Label]) -> [Metric.Sample] {
        RunEnd.allCases.flatMap { end -> [Metric.Sample] in
            let times = end == .success ? successes : ends[end.rawValue].load()
            guard let times, times.count > 0 else { return [] }
            return times.samples(labels + [end.label])
        }
    }
}

/// A counter for each way a run may end.
package final class EndCounters: Sendable {
    private let counters: [Counter]

    package init(_ make: (RunEnd) -> Counter) {
        counters = RunEnd.allCases.map(make)
    }

    package subscript(_ end: RunEnd) -> Counter { counters[end.rawValue] }

    func samples(_ ends: [RunEnd]) -> [Metric.Sample] {
        ends.map { Metric.Sample(Double(self[$0].value), labels: [$0.label]) }
    }
}
