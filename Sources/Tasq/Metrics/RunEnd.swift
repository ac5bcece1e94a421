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

    init(_ verdict: Verdict) {
        self =
            switch verdict {
            case .success: .success
            case .retry: .retry
            case .snooze, .later: .snooze
            case .cancelled: .cancelled
            case .error: .error
            case .handedBack, .unstarted: .handedBack
            }
    }

    var label: Metric.Label {
        Metric.Label("outcome", self == .handedBack ? "handed_back" : "\(self)")
    }
}

/// How long the runs of one kind took, by their ends. Only what happens takes memory, and what
/// happens nearly always takes the short way.
package final class RunMeter: Sendable {
    private let successes = Distribution(.job)
    private let ends = InlineArray<8, AtomicLazyReference<Distribution>> { _ in
        AtomicLazyReference()
    }

    package init() {
        precondition(ends.count == RunEnd.allCases.count)
    }

    package subscript(_ end: RunEnd) -> Distribution {
        if end == .success { return successes }
        return ends[end.rawValue].load() ?? ends[end.rawValue].storeIfNil(Distribution(.job))
    }

    func samples(of kind: String) -> [Metric.Sample] {
        RunEnd.allCases.flatMap { end -> [Metric.Sample] in
            let times = end == .success ? successes : ends[end.rawValue].load()
            guard let times, times.count > 0 else { return [] }
            return times.samples([.init("kind", kind), end.label])
        }
    }
}

/// A counter for each way a run may end.
package final class EndCounters: Sendable {
    private let counters = RunEnd.allCases.map { _ in Counter() }

    package init() {}

    package subscript(_ end: RunEnd) -> Counter { counters[end.rawValue] }

    var samples: [Metric.Sample] {
        RunEnd.allCases.map { Metric.Sample(Double(self[$0].value), labels: [$0.label]) }
    }
}
