import Synchronization
public import Tasq

/// Counts what the listeners of this process did; both share one.
public final class HTTPMeters: Sendable {
    private struct Counts {
        var accepted = 0
        var duplicates = 0
        var enqueued = 0
        var refused: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let commits = Distribution(.statement)

    /// Starts at nothing.
    public init() {}

    func accepted() { counts.withLock { $0.accepted += 1 } }
    func duplicate() { counts.withLock { $0.duplicates += 1 } }
    func enqueued(_ jobs: Int) { counts.withLock { $0.enqueued += jobs } }
    func refused(_ problem: Problem) {
        counts.withLock { $0.refused[problem.code, default: 0] += 1 }
    }
    func committed(in duration: Duration) { commits.observe(duration) }

    /// The counts so far.
    public func metrics() -> [Metric] {
        let counts = counts.withLock { $0 }
        return [
            Metric(
                "tasq_http_accepted_total", .counter, help: "Webhook events committed.",
                value: Double(counts.accepted)),
            Metric(
                "tasq_http_duplicate_total", .counter,
                help: "Webhook events that had been committed before.",
                value: Double(counts.duplicates)),
            Metric(
                "tasq_http_enqueued_total", .counter,
                help: "Jobs committed for POST /v1/jobs.", value: Double(counts.enqueued)),
            Metric(
                "tasq_http_rejected_total", .counter,
                help: "Requests refused, by the code of the problem.",
                samples: counts.refused.sorted { $0.key < $1.key }.map { code, count in
                    Metric.Sample(Double(count), labels: [.init("reason", code)])
                }),
            Metric(
                "tasq_http_commit_duration_seconds", .histogram,
                help: "Time from a complete request to its commit in PostgreSQL.",
                samples: commits.samples()),
        ]
    }
}
