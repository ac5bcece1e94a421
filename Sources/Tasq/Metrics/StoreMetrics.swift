import Synchronization

/// What the tables and Redis say about queues and workers, as gauges; alike in every process.
///
/// Costs four statements that look at a bounded number of unfinished and failed jobs, never at history,
/// one that looks at the sizes of files, and one command for each list in Redis. One or two processes
/// of a deployment are enough to tell it. Keep one for as long as it is asked: it remembers the
/// queues that it has told of, and tells of them when they are empty, too, and which kinds it has
/// told of apart from all others.
public struct StoreMetrics: Sendable {
    let catalog: any Catalog
    let announcer: any Announcer
    private let told = ToldQueues()
    private let toldFailures = ToldFailures()

    /// Reads from these; without an announcer nothing is told of Redis.
    public init(catalog: any Catalog, announcer: any Announcer = NoAnnouncer()) {
        self.catalog = catalog
        self.announcer = announcer
    }

    /// The facts of now; empty when PostgreSQL does not answer, without those of Redis when that
    /// does not.
    public func metrics() async -> [Metric] {
        do throws(StoreError) {
            let standing = try await catalog.queues()
            let workers = try await catalog.workers()
            let unknown = try await catalog.unknownKinds()
            let tables = try await catalog.tableSizes()
            let queues = told.with(standing)
            var facts = metrics(of: queues, standing.count)
            facts += failures(of: standing)
            facts.append(metric(of: unknown))
            facts += metrics(of: workers)
            facts.append(metric(of: tables))
            return facts + (await drift(of: queues))
        } catch {
            return []
        }
    }

    private func metrics(of queues: [QueueRecord], _ standing: Int) -> [Metric] {
        [
            gauge(
                "queues",
                "Queues that have unfinished or failed jobs, a setting or a worker; "
                    + "the first \(LabelLimit.texts) have samples of their own.",
                [.init(Double(standing))]),
            gauge(
                "queue_jobs",
                "Unfinished jobs of a queue by status; of a long backlog, as many as are counted.",
                samples(queues, "scheduled", { Double($0.scheduled) }, +)
                    + samples(queues, "queued", { Double($0.queued) }, +)
                    + samples(queues, "executing", { Double($0.executing) }, +)),
            gauge(
                "queue_oldest_seconds",
                "How long the oldest job of a queue and status has been due, or has run.",
                samples(queues, "scheduled", { seconds($0.oldestOverdue) }, max)
                    + samples(queues, "queued", { seconds($0.oldestWait) }, max)
                    + samples(queues, "executing", { seconds($0.oldestRun) }, max)),
            gauge(
                "queue_paused", "Whether a queue is paused.",
                samples(queues, nil, { $0.isPaused ? 1 : 0 }, max)),
        ]
    }

    /// A kind of a queue has samples while anything of it has failed, as far as there are places;
    /// all others share one.
    private func failures(of queues: [QueueRecord]) -> [Metric] {
        let all = queues.flatMap { queue in
            queue.failures.map { (FailedKind(queue: queue.name, kind: $0.kind), $0) }
        }
        let most = all.sorted { $0.1.errors + $0.1.retrying > $1.1.errors + $1.1.retrying }
        let other = LabelLimit.other
        // One that is called as the others together are is told among them.
        let named = most.map(\.0).filter {
            $0.queue.description != other || $0.kind.description != other
        }
        let places = toldFailures.places(among: named)
        var own: [(labels: [Metric.Label], failures: [KindFailures])] = []
        var rest: [KindFailures] = []
        for (kind, failures) in most {
            if places.contains(kind) {
                let labels = [
                    Metric.Label("queue", kind.queue.description),
                    Metric.Label("kind", kind.kind.description),
                ]
                own.append((labels, [failures]))
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
            gauge(
                "error_jobs",
                "Jobs in error by queue and kind; of very many, as many as are counted.",
                samples({ $0.errors })),
            gauge(
                "retrying_jobs",
                "Scheduled jobs that wait for another attempt after one that failed.",
                samples({ $0.retrying })),
            gauge(
                "recent_error_jobs",
                "Jobs in error that failed within the last hour, and the last day.",
                samples({ $0.errorsOfHour }, .init("within", "1h"))
                    + samples({ $0.errorsOfDay }, .init("within", "1d"))),
        ]
    }

    private func metric(of unknown: [UnknownKind]) -> Metric {
        gauge(
            "queue_unknown_kind_jobs",
            "Queued jobs of a kind that no worker of their queue has a handler for: ten kinds at most.",
            unknown.map { found in
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
            gauge("workers", "Registered workers.", [.init(Double(workers.count))]),
            gauge(
                "worker_slots", "Jobs the registered workers can run at once.",
                [.init(Double(workers.reduce(0) { $0 + $1.worker.concurrency }))]),
        ]
    }

    private func metric(of tables: [TableSize]) -> Metric {
        gauge(
            "table_bytes", "What a table takes on disk, with its indexes and long values.",
            tables.map { .init(Double($0.bytes), labels: [.init("table", $0.table)]) })
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
            gauge(
                "queue_announced_ids", "Ids on the lists of a queue in Redis.",
                samples(queues, nil, listed, +)),
            gauge(
                "queue_unannounced_jobs",
                "Queued jobs of an open queue beyond the ids on its lists: just taken, or lost.",
                samples(
                    queues, nil, { $0.isPaused ? 0 : max(0, Double($0.queued) - listed($0)) }, +)),
        ]
    }

    /// One of the deployment's, which every server tells.
    private func gauge(_ name: String, _ help: String, _ samples: [Metric.Sample]) -> Metric {
        Metric(
            "tasq_" + name, .gauge,
            help: help + " Of the deployment, alike on all servers: take max, not sum.",
            samples: samples)
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

/// The queues that have been told of: a series that ends with the last job looks like one that
/// could not be read.
private final class ToldQueues: Sendable {
    private let names = Mutex<Set<Name>>([])

    /// These, and behind them as many of those told of before, which are empty now, as have samples
    /// of their own. When there is no room for more names, those of empty queues are forgotten.
    func with(_ queues: [QueueRecord]) -> [QueueRecord] {
        let standing = Set(queues.map(\.name))
        let gone = names.withLock { names -> Set<Name> in
            let fresh = Set(queues.prefix(LabelLimit.texts).map(\.name))
            names.formUnion(fresh)
            if names.count > LabelLimit.texts { names = fresh }
            return names.subtracting(standing)
        }
        let room = max(0, LabelLimit.texts - queues.count)
        return queues
            + gone.sorted().prefix(room).map { name in
                QueueRecord(
                    name: name, isPaused: false, scheduled: 0, queued: 0, executing: 0,
                    oldestWait: nil)
            }
    }
}
