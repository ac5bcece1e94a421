/// What this process has counted since it started; a queue and its workers share one.
package final class Meters: Sendable {
    /// Whether jobs are put in where this counts; a worker by itself only runs them.
    package let enqueues: Bool
    package let enqueued = Counter()
    package let enqueueFailures: Counter
    package let enqueueTimes: Distribution
    let refusals: RefusalCounters
    package let announcementsDropped: Counter
    package let taken: Counter
    package let claimed: Counter
    package let claimMisses: Counter
    package let duplicates: Counter
    package let swept: Counter
    package let claimTimes: Distribution
    package let sweepTimes: Distribution
    package let jobs: JobMeterTable
    package let overdue = OverdueRuns()
    /// Claims this process ended, all in all and by their ends.
    package let settled = Counter()
    package let settledEnds: EndCounters
    package let settleTimes: Distribution
    package let settleBatches: Distribution
    package let settleFailures: Counter
    package let lost: Counter
    package let revoked: Counter
    package let handedBack: Counter
    package let unstarted: Counter
    package let promoted: Counter
    package let buried: Counter
    package let reaped: Counter
    package let reannounced: Counter
    package let forgotten: Counter
    package let recovered: Counter
    package let withdrawn: Counter
    /// Finished jobs deleted, by their status.
    let prunings: [JobStatus: Counter]
    /// What the program's own metrics have beside these; `nil` when it has none.
    let told: ToldMeters?

    package init(enqueues: Bool = true) {
        let facade = Facade.current
        func count(_ name: String, _ labels: Facade.Labels = []) -> Counter {
            Counter(facade?.counter("tasq." + name, labels))
        }
        func calls(_ name: String, _ operation: Facade.Operation) -> Distribution {
            Distribution(.statement, facade?.calls(name, operation))
        }
        self.enqueues = enqueues
        enqueueFailures = count("enqueue_failures")
        enqueueTimes = calls("enqueue", .send)
        refusals = RefusalCounters { queue in
            Counter(facade?.counter("tasq.refused", [("messaging.destination.name", queue)]))
        }
        announcementsDropped = count("announcements", [("tasq.outcome", "dropped")])
        taken = count("taken")
        claimed = count("claimed")
        claimMisses = count("claim_misses")
        duplicates = count("duplicate_ids")
        swept = count("swept")
        claimTimes = calls("claim", .receive)
        sweepTimes = calls("sweep", .receive)
        jobs = JobMeterTable(facade)
        settledEnds = EndCounters { count("settled", [("tasq.outcome", $0.label.value)]) }
        settleTimes = calls("settle", .settle)
        settleBatches = Distribution(.batch, facade?.sizes("tasq.settle_batch_size"))
        settleFailures = count("settle_failures")
        lost = count("lost")
        revoked = count("revoked")
        handedBack = count("handed_back")
        unstarted = count("unstarted")
        promoted = count("promoted")
        buried = count("buried")
        reaped = count("reaped")
        reannounced = count("reannounced")
        forgotten = count("reconciles", [("tasq.reason", "forgot")])
        recovered = count("reconciles", [("tasq.reason", "outage")])
        withdrawn = count("withdrawn_ids")
        prunings = Dictionary(
            uniqueKeysWithValues: JobStatus.finished.map {
                ($0, count("pruned", [("tasq.status", $0.rawValue)]))
            })
        told = facade.map { ToldMeters($0) }
    }
}

extension Meters {
    /// What can move here, for a metrics page.
    ///
    /// - Parameters:
    ///   - runs: Whether a worker counts here; otherwise handlers run elsewhere at most.
    ///   - rings: Whether there is a doorbell.
    func metrics(runs: Bool, rings: Bool) -> [Metric] {
        var metrics: [Metric] = []
        if enqueues { metrics += enqueuing }
        if rings { metrics += announcing }
        metrics += claiming
        if runs { metrics += running }
        metrics += settling(runs: runs)
        metrics += upkeep
        return metrics
    }

    private var enqueuing: [Metric] {
        [
            count("enqueued", enqueued, "Jobs committed by this process."),
            count("enqueue_failures", enqueueFailures, "Calls that PostgreSQL did not commit."),
            times("enqueue", enqueueTimes, "Time from the call of an enqueue to its commit."),
            Metric(
                "tasq_refused_total", .counter,
                help: "Jobs that were not taken, by the queue that was over its limit.",
                samples: refusals.samples),
        ]
    }

    private var announcing: [Metric] {
        [
            Metric(
                "tasq_announcements_total", .counter,
                help: "Announcements by what became of them; what failed is left to the sweep.",
                samples: [
                    .init(Double(announcementsDropped.value), labels: [.init("outcome", "dropped")])
                ]),
            count("taken", taken, "Ids taken from Redis."),
            count(
                "claim_misses", claimMisses,
                "Ids whose job could not be claimed: duplicates, stale, or locked for a moment."),
            count(
                "duplicate_ids", duplicates,
                "Ids of those that were not queued any more when looked at again."),
            times("claim", claimTimes, "Time of a statement that claims announced ids."),
            Metric(
                "tasq_reconciles_total", .counter,
                help: "Times everything queued had to be announced again, by why.",
                samples: [("forgot", forgotten), ("outage", recovered)].map { reason, counter in
                    .init(Double(counter.value), labels: [.init("reason", reason)])
                }),
            count("reannounced", reannounced, "Jobs announced again by that."),
            count(
                "withdrawn_ids", withdrawn,
                "Ids of jobs not queued any more, taken off lists that nobody took them from."),
        ]
    }

    private var claiming: [Metric] {
        [
            count("claimed", claimed, "Jobs claimed, from announcements and by sweeps."),
            count("swept", swept, "Jobs claimed straight from the table."),
            times("sweep", sweepTimes, "Time of a statement that claims from the table."),
            jobs.pickups,
        ]
    }

    private var running: [Metric] {
        jobs.runs + [
            Metric(
                "tasq_stuck_slots", .gauge,
                help: "Slots whose handler was told to stop and has not returned.",
                value: Double(overdue.count)),
            count("revoked", revoked, "Running jobs that were cancelled from outside."),
            count("handed_back", handedBack, "Jobs handed back at shutdown."),
            times("settle", settleTimes, "Time of a statement that records outcomes."),
            Metric(
                "tasq_settle_batch_size", .histogram, help: "Outcomes in one such statement.",
                samples: settleBatches.samples()),
            count("settle_failures", settleFailures, "Such statements that failed."),
        ]
    }

    private func settling(runs: Bool) -> [Metric] {
        [
            Metric(
                "tasq_settled_total", .counter, help: "Claims ended by this process, by how.",
                samples: settledEnds.samples(runs ? RunEnd.recorded : RunEnd.recordedElsewhere)),
            count("lost", lost, "Outcomes discarded because the claim was gone."),
            count(
                "unstarted", unstarted,
                "Jobs given back since no slot came free, or a remote worker did not get them."),
        ]
    }

    private var upkeep: [Metric] {
        [
            count("promoted", promoted, "Scheduled jobs moved to queued when due."),
            count("buried", buried, "Workers declared dead."),
            count("reaped", reaped, "Claims taken back from dead workers."),
            Metric(
                "tasq_pruned_total", .counter,
                help: "Finished jobs deleted since they had been kept long enough, by status.",
                samples: JobStatus.finished.map { status in
                    .init(
                        Double(prunings[status]?.value ?? 0),
                        labels: [.init("status", status.rawValue)])
                }),
        ]
    }

    private func count(_ name: String, _ counter: Counter, _ help: String) -> Metric {
        Metric("tasq_\(name)_total", .counter, help: help, value: Double(counter.value))
    }

    private func times(_ name: String, _ times: Distribution, _ help: String) -> Metric {
        Metric(
            "tasq_\(name)_duration_seconds", .histogram, help: help,
            samples: times.samples())
    }
}
