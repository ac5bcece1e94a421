/// The meters of the jobs of one queue and kind. Each note costs one relaxed addition.
package final class JobMeters: Sendable {
    fileprivate let pickups: Distribution
    fileprivate let runs: RunMeter
    fileprivate let outcomes: Distribution

    fileprivate init(_ queue: String, _ kind: String, _ facade: Facade?) {
        pickups = Distribution(.job, facade?.pickups(queue, kind))
        runs = RunMeter { facade?.runs($0, queue, kind) }
        outcomes = Distribution(.statement, facade?.outcomes(queue, kind))
    }

    /// A job has been claimed for a worker elsewhere; when its handler starts is not known here.
    func handedOut(_ job: ClaimedJob) {
        pickups.observe(.microseconds(max(0, job.waitedMicroseconds)))
    }

    /// A handler starts now; the claim was asked for at `asked`, when the job had waited for what
    /// it says. Returns the moment.
    func started(
        _ job: ClaimedJob, askedAt asked: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        pickups.observe(.microseconds(max(0, job.waitedMicroseconds)) + (now - asked))
        return now
    }

    /// A handler has returned; returns how long it ran.
    @discardableResult
    func ended(_ end: RunEnd, startedAt start: ContinuousClock.Instant) -> Duration {
        let time = ContinuousClock.now - start
        runs[end].observe(time)
        return time
    }

    /// What a handler came to is recorded, this long after it returned.
    func recorded(after time: Duration) {
        outcomes.observe(time)
    }
}

/// The meters of all queues and kinds, of bounded number.
///
/// The first pairs of a queue and a kind have their own. Beyond those a queue has one that its other
/// kinds share, called `other`, and beyond that all share one.
package final class JobMeterTable: Sendable {
    private struct Pair: Hashable, Sendable {
        let queue: Name
        let kind: Name
    }

    private let pairs: Labelled<Pair, JobMeters>
    private let queues: Labelled<Name, JobMeters>
    private let rest: JobMeters

    init(_ facade: Facade? = nil) {
        let other = LabelLimit.other
        pairs = Labelled { JobMeters($0.queue.description, $0.kind.description, facade) }
        queues = Labelled { JobMeters($0.description, other, facade) }
        rest = JobMeters(other, other, facade)
    }

    package subscript(_ queue: Name, _ kind: Name) -> JobMeters {
        // A name that says `other` gets no series that another one has.
        let other = LabelLimit.other
        if kind.description != other, let own = pairs[Pair(queue: queue, kind: kind)] {
            return own
        }
        if queue.description != other, let shared = queues[queue] { return shared }
        return rest
    }

    /// How long jobs waited.
    var pickups: Metric {
        metric(
            "pickup", "Time from when a job was due to the start of its handler, by queue and kind."
        ) {
            $0.pickups.count > 0 ? $0.pickups.samples($1) : []
        }
    }

    /// How long handlers ran, and how long it then took to record what they came to.
    var runs: [Metric] {
        [
            metric("run", "How long handlers ran, by queue, kind and how the run ended.") {
                $0.runs.samples($1)
            },
            metric("outcome", "Time from a handler's return to the record of its outcome.") {
                $0.outcomes.count > 0 ? $0.outcomes.samples($1) : []
            },
        ]
    }

    private func metric(
        _ name: String, _ help: String,
        _ samples: (JobMeters, [Metric.Label]) -> [Metric.Sample]
    ) -> Metric {
        Metric(
            "tasq_\(name)_duration_seconds", .histogram, help: help,
            samples: all.flatMap { queue, kind, meters in
                samples(meters, [.init("queue", queue), .init("kind", kind)])
            })
    }

    /// Each with what it is called, in the names' order; those that are shared come last.
    package var all: [(queue: String, kind: String, meters: JobMeters)] {
        typealias Called = (queue: String, kind: String, meters: JobMeters)
        var own = pairs.all.map { entry -> Called in
            (entry.key.queue.description, entry.key.kind.description, entry.meter)
        }
        own.sort { ($0.queue, $0.kind) < ($1.queue, $1.kind) }
        var shared = queues.all.map { entry -> Called in
            (entry.key.description, LabelLimit.other, entry.meter)
        }
        shared.sort { $0.queue < $1.queue }
        shared.append((LabelLimit.other, LabelLimit.other, rest))
        return own + shared
    }
}
