import Synchronization
public import Tasq
import TasqWebhooks

/// Counts what the listeners of this process did; both share one.
public final class HTTPMeters: Sendable {
    private struct Source {
        var accepted = 0
        var duplicates = 0
        var lastReceived: Timestamp?
    }

    private struct Refusal: Hashable {
        /// A source's name; empty for requests that went to none.
        let source: String
        let reason: String
    }

    private struct Counts {
        var sources: [String: Source] = [:]
        var enqueued = 0
        var refused: [Refusal: Int] = [:]
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

    /// A request was refused; `source` is a configured one's name, or `nil`.
    func refused(_ problem: Problem, from source: String?) {
        let refusal = Refusal(source: source ?? "", reason: problem.code)
        counts.withLock { $0.refused[refusal, default: 0] += 1 }
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
                "tasq_http_accepted_total", .counter,
                help: "Webhook events committed, by source.",
                samples: perSource { Double($0.accepted) }),
            Metric(
                "tasq_http_duplicate_total", .counter,
                help: "Webhook events that had been committed before, by source.",
                samples: perSource { Double($0.duplicates) }),
            Metric(
                "tasq_http_last_received_timestamp_seconds", .gauge,
                help: "When this server last took one of those; nothing before the first.",
                samples: perSource { source in
                    source.lastReceived.map { Double($0.microseconds) / 1_000_000 }
                }),
            Metric(
                "tasq_http_enqueued_total", .counter,
                help: "Jobs committed for POST /v1/jobs.", value: Double(counts.enqueued)),
            Metric(
                "tasq_http_rejected_total", .counter,
                help: "Requests refused, by the code of the problem, and by source at one's path.",
                samples: counts.refused.sorted {
                    ($0.key.source, $0.key.reason) < ($1.key.source, $1.key.reason)
                }.map { refusal, count in
                    Metric.Sample(Double(count), labels: labels(of: refusal))
                }),
            Metric(
                "tasq_http_commit_duration_seconds", .histogram,
                help: "Time from a complete request to its commit in PostgreSQL.",
                samples: commits.samples()),
        ]
    }

    private func labels(of refusal: Refusal) -> [Metric.Label] {
        let reason = Metric.Label("reason", refusal.reason)
        return refusal.source.isEmpty ? [reason] : [.init("source", refusal.source), reason]
    }
}
