import Tasq

/// What PostgreSQL says about queues and workers, as gauges.
struct StoreMetrics {
    /// Queues that get labels of their own; names come from whoever enqueues.
    static let queueLimit = 100

    let catalog: any Catalog

    /// Without an answer from PostgreSQL only that is told.
    func metrics() async -> [Metric] {
        do throws(StoreError) {
            let queues = try await catalog.queues()
            let workers = try await catalog.workers()
            return [up(true)] + metrics(of: queues) + metrics(of: workers)
        } catch {
            return [up(false)]
        }
    }

    private func up(_ isUp: Bool) -> Metric {
        Metric(
            "tasq_postgres_up", .gauge, help: "Whether PostgreSQL answered this scrape.",
            value: isUp ? 1 : 0)
    }

    private func metrics(of queues: [QueueRecord]) -> [Metric] {
        let shown = queues.prefix(Self.queueLimit)
        return [
            Metric(
                "tasq_queues", .gauge,
                help: "Queues; the first \(Self.queueLimit) by name have samples of their own.",
                value: Double(queues.count)),
            Metric(
                "tasq_queue_jobs", .gauge, help: "Unfinished jobs of a queue by status.",
                samples: shown.flatMap { queue in
                    let name = Metric.Label("queue", queue.name.description)
                    return [
                        ("scheduled", queue.scheduled), ("queued", queue.queued),
                        ("executing", queue.executing),
                    ].map { status, count in
                        Metric.Sample(Double(count), labels: [name, .init("status", status)])
                    }
                }),
            Metric(
                "tasq_queue_lag_seconds", .gauge,
                help: "How long the oldest due job of a queue has waited.",
                samples: shown.map { queue in
                    Metric.Sample(
                        (queue.oldestWait ?? .zero) / .seconds(1),
                        labels: [.init("queue", queue.name.description)])
                }),
        ]
    }

    private func metrics(of workers: [WorkerStanding]) -> [Metric] {
        [
            Metric(
                "tasq_workers", .gauge, help: "Registered workers.",
                value: Double(workers.count)),
            Metric(
                "tasq_worker_slots", .gauge, help: "Jobs the registered workers can run at once.",
                value: Double(workers.reduce(0) { $0 + $1.worker.concurrency })),
        ]
    }
}
