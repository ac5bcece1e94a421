/// Jobs that were not taken, by the queue whose limit refused them; those of queues beyond the first
/// few are counted together.
final class RefusalCounters: Sendable {
    private let own: Labelled<Name, Counter>
    private let rest: Counter

    /// `make` makes the counter of a queue.
    init(_ make: @escaping @Sendable (String) -> Counter) {
        own = Labelled { make($0.description) }
        rest = make(LabelLimit.other)
    }

    subscript(queue: Name) -> Counter {
        // One that is called as the others together are is counted among them.
        (queue.description == LabelLimit.other ? nil : own[queue]) ?? rest
    }

    /// By queue; those of the rest once there are any.
    var samples: [Metric.Sample] {
        var counts = own.all.map { ($0.key.description, $0.meter.value) }.sorted { $0 < $1 }
        if rest.value > 0 { counts.append((LabelLimit.other, rest.value)) }
        return counts.map { .init(Double($1), labels: [.init("queue", $0)]) }
    }
}
