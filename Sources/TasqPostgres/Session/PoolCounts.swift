package import Tasq

/// What a pool has met since it was made.
package final class PoolCounts: Sendable {
    package let connects = Counter()
    package let connectFailures = Counter()
    private let unavailable = Counter()
    private let contended = Counter()
    private let unknown = Counter()
    private let refused = Counter()

    package init() {}

    /// A statement failed.
    func failed(_ error: StoreError) {
        switch error {
        case .unavailable: unavailable.add()
        case .contended: contended.add()
        case .unknown: unknown.add()
        case .rejected, .denied, .misconfigured, .unreadable, .full: refused.add()
        }
    }

    var metrics: [Metric] {
        [
            Metric(
                "tasq_postgres_connects_total", .counter, help: "Connections made by the pool.",
                value: Double(connects.value)),
            Metric(
                "tasq_postgres_connect_failures_total", .counter,
                help: "Connections that could not be made.", value: Double(connectFailures.value)),
            Metric(
                "tasq_postgres_failures_total", .counter,
                help: "Statements that failed, by what the failure means.",
                samples: [
                    ("unavailable", unavailable), ("contended", contended), ("unknown", unknown),
                    ("refused", refused),
                ].map { .init(Double($1.value), labels: [.init("reason", $0)]) }),
        ]
    }
}
