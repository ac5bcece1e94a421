/// What the tables and Redis say about queues and workers, as gauges; alike in every process.
///
/// Costs four statements that look at a bounded number of unfinished and failed jobs, never at history,
/// and one command for each list in Redis. One or two processes of a deployment are enough to tell it.
public struct StoreMetrics: Sendable {
    let catalog: any Catalog
    let announcer: any Announcer

    /// Reads from these; without an announcer nothing is told of Redis.
    public init(catalog: any Catalog, announcer: any Announcer = NoAnnouncer()) {
        self.catalog = catalog
        self.announcer = announcer
    }

    /// The facts of now; empty when PostgreSQL does not answer, without those of Redis when that
    /// does not.
    public func metrics() async -> [Metric] {
        do throws(StoreError) {
            let queues = try await catalog.queues()
            let workers = try await catalog.workers()
            let unknown = try await catalog.unknownKinds()
            return metrics(of: queues) + failures(of: queues) + [metric(of: unknown)]
                + metrics(of: workers) + (await drift(of: queues))
        } catch {
            return []
        }
    }

    private func metrics(of queues: [QueueRecord]) -> [Metric] {
        [
            Metric(
                "tasq_queues", .gauge,
                help: "Queues; the first \(LabelLimit.texts) by name have samples of their own.",
                value: Double(queues.count)),
            Metric(
                "tasq_queue_jobs", .gauge,
                help:
                    "Unfinished jobs of a queue by status; of a long backlog, as many as are counted.",
                samples: samples(queues, "scheduled", { Double($0.scheduled) }, +)
                    + samples(queues, "queued", { Double($0.queued) }, +)
                    + samples(queues, "executing", { Double($0.executing) }, +)),
            Metric(
                "tasq_queue_oldest_seconds", .gauge,
                help: "How long the oldest job of a queue and status has been due, or has run.",
                samples: samples(queues, "scheduled", { seconds($0.oldestOverdue) }, max)
                    + samples(queues, "queued", { seconds($0.oldestWait) }, max)
                    + samples(queues, "executing", { seconds($0.oldestRun) }, max)),
            Metric(
                "tasq_queue_paused", .gauge, help: "Whether a queue is paused.",
                samples: samples(queues, nil, { $0.isPaused ? 1 : 0 }, max)),
        ]
    }

    /// A kind of a queue has samples while anything of it has failed: those with the most failures have
    /// their own, the others share one.
    private func failures(of queues: [QueueRecord]) -> [Metric] {
        let all = queues.flatMap { queue in queue.failures.map { (queue.name, $0) } }
        let most = all.sorted { $0.1.errors + $0.1.retrying > $1.1.errors + $1.1.retrying }
        let other = LabelLimit.other
        var own: [(labels: [Metric.Label], failures: [KindFailures])] = []
        var rest: [KindFailures] = []
        for (name, failures) in most {
            let (queue, kind) = (name.description, failures.kind.description)
            if own.count < LabelLimit.texts, queue != other || kind != other {
                own.append(([.init("queue", queue), .init("kind", kind)], [failures]))
            } else {
                rest.append(failures)
            }
        }
        if !rest.isEmpty {
            own.append(([.init("queue", other), .init("kind", other)], rest))
        }
        func samples(_ value: ([KindFailures]) -> Int, _ more: Metric.Label...) -> [Metric.Sample] {
            own.map { .init(Double(value($0.failures)), labels: $0.labels + more) }
        }
        return [
            Metric(
                "tasq_error_jobs", .gauge,
                help: "Jobs in error by queue and kind; of very many, as many as are counted.",
                samples: samples({ $0.errors })),
            Metric(
                "tasq_retrying_jobs", .gauge,
                help: "Scheduled jobs that wait for another attempt after one that failed.",
                samples: samples({ $0.retrying })),
            Metric(
                "tasq_recent_error_jobs", .gauge,
                help: "Jobs in error that failed within the last hour, and the last day.",
                samples: samples({ $0.errorsOfHour }, .init("within", "1h"))
                    + samples({ $0.errorsOfDay }, .init("within", "1d"))),
        ]
    }

    private func metric(of unknown: [UnknownKind]) -> Metric {
        Metric(
            "tasq_queue_unknown_kind_jobs", .gauge,
            help:
                "Queued jobs of a kind that no worker of their queue has a handler for: ten kinds at most.",
            samples: unknown.map { found in
                .init(
                    Double(found.jobs),
                    labels: [
                        .init("queue", found.queue.description),
                        .init("kind", found.kind.description),
                    ])
            })
    }

    private func metrics(of workers: [WorkerStanding]) -> [Metric] {
        [
            Metric(
                "tasq_workers", .gauge, help: "Registered workers.", value: Double(workers.count)),
            Metric(
                "tasq_worker_slots", .gauge, help: "Jobs the registered workers can run at once.",
                value: Double(workers.reduce(0) { $0 + $1.worker.concurrency })),
        ]
    }

    /// How far the lists in Redis are from the table.
    private func drift(of queues: [QueueRecord]) async -> [Metric] {
        guard announcer.rings else { return [] }
        let depths: [Name: Int]
        do throws(AnnouncerError) {
            depths = try await announcer.depths(of: queues.map(\.name))
        } catch {
            return []
        }
        let queues = queues.filter { depths[$0.name] != nil }
        let listed = { (queue: QueueRecord) in Double(depths[queue.name] ?? 0) }
        return [
            Metric(
                "tasq_queue_announced_ids", .gauge, help: "Ids on the lists of a queue in Redis.",
                samples: samples(queues, nil, listed, +)),
            Metric(
                "tasq_queue_unannounced_jobs", .gauge,
                help:
                    "Queued jobs of an open queue beyond the ids on its lists: just taken, or lost.",
                samples: samples(
                    queues, nil, { $0.isPaused ? 0 : max(0, Double($0.queued) - listed($0)) }, +)),
        ]
    }

    /// One sample a queue; those beyond the limit are folded into one.
    private func samples(
        _ queues: [QueueRecord], _ status: String?, _ value: (QueueRecord) -> Double,
        _ fold: (Double, Double) -> Double
    ) -> [Metric.Sample] {
        let more = status.map { [Metric.Label("status", $0)] } ?? []
        var samples: [Metric.Sample] = []
        var rest: Double?
        for (index, queue) in queues.enumerated() {
            let name = queue.name.description
            if index < LabelLimit.texts, name != LabelLimit.other {
                samples.append(.init(value(queue), labels: [.init("queue", name)] + more))
            } else {
                rest = rest.map { fold($0, value(queue)) } ?? value(queue)
            }
        }
        if let rest {
            samples.append(.init(rest, labels: [.init("queue", LabelLimit.other)] + more))
        }
        return samples
    }

    private func seconds(_ age: Duration?) -> Double {
        (age ?? .zero) / .seconds(1)
    }
}
