import Synchronization
public import Tasq
import TasqWebhooks

/// Counts what the listeners of this process did; both share one.
public final class HTTPMeters: Sendable {
    private struct Source {
        var accepted = 0
        var duplicates = 0
        var lastReceived: Timestamp?
        /// By the code of the problem, here and for both listeners.
        var refused: [String: Int] = [:]
    }

    private struct Counts {
        var sources: [String: Source] = [:]
        var enqueued = 0
        var refused: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let commits = Distribution(.statement)

    /// Starts at nothing.
    public init() {}

    /// These may send from now on; one that has not sent yet is told of, too.
    func know(_ sources: [WebhookSource]) {
        counts.withLock { counts in
            for source in sources {
                let name = source.name.description
                if counts.sources[name] == nil { counts.sources[name] = Source() }
            }
        }
    }

    /// An event has been committed.
    func accepted(from source: Name) { received(from: source) { $0.accepted += 1 } }

    /// An event came that had been committed before.
    func duplicate(from source: Name) { received(from: source) { $0.duplicates += 1 } }

    private func received(from source: Name, _ count: (inout Source) -> Void) {
        counts.withLock { counts in
            count(&counts.sources[source.description, default: Source()])
            counts.sources[source.description]?.lastReceived = Timestamp.now
        }
    }

    func enqueued(_ jobs: Int) { counts.withLock { $0.enqueued += jobs } }

    /// A request was refused, whatever it was for.
    func refused(_ problem: Problem) {
        counts.withLock { $0.refused[problem.code, default: 0] += 1 }
    }

    /// It was for this source.
    func refused(_ problem: Problem, from source: Name) {
        counts.withLock { counts in
            counts.sources[source.description, default: Source()]
                .refused[problem.code, default: 0] += 1
        }
    }

    func committed(in duration: Duration) { commits.observe(duration) }

    /// The counts so far.
    public func metrics() -> [Metric] {
        let counts = counts.withLock { $0 }
        let sources = counts.sources.sorted { $0.key < $1.key }
        func perSource(_ value: (Source) -> Double?) -> [Metric.Sample] {
            sources.compactMap { name, source in
                value(source).map { Metric.Sample($0, labels: [.init("source", name)]) }
            }
        }
        return [
            Metric(
                "tasq_source_accepted_total", .counter,
                help: "Webhook events committed, by source.",
                samples: perSource { Double($0.accepted) }),
            Metric(
                "tasq_source_duplicate_total", .counter,
                help: "Webhook events that had been committed before, by source.",
                samples: perSource { Double($0.duplicates) }),
            Metric(
                "tasq_source_last_received_timestamp_seconds", .gauge,
                help: "When this server last took one of those; nothing before the first.",
                samples: perSource { source in
                    source.lastReceived.map { Double($0.microseconds) / 1_000_000 }
                }),
            Metric(
                "tasq_http_enqueued_total", .counter,
                help: "Jobs committed for POST /v1/jobs.", value: Double(counts.enqueued)),
            Metric(
                "tasq_http_rejected_total", .counter,
                help: "Requests refused on either listener, by the code of the problem.",
                samples: refusals(counts.refused)),
            Metric(
                "tasq_source_rejected_total", .counter,
                help: "Those of them that were for a source of webhooks, likewise.",
                samples: sources.flatMap { name, source in
                    refusals(source.refused, [.init("source", name)])
                }),
            Metric(
                "tasq_http_commit_duration_seconds", .histogram,
                help: "Time from a complete request to its commit in PostgreSQL.",
                samples: commits.samples()),
        ]
    }

    private func refusals(
        _ counts: [String: Int], _ labels: [Metric.Label] = []
    ) -> [Metric.Sample] {
        counts.sorted { $0.key < $1.key }.map { code, count in
            Metric.Sample(Double(count), labels: labels + [.init("reason", code)])
        }
    }
}
