/// The meters of the jobs of one queue and kind.
struct JobMeters: Sendable {
    fileprivate let pickups: Distribution
    fileprivate let runs: RunMeter

    /// A handler starts now; the claim was asked for at `asked`, when the job had waited for what
    /// it says. Returns the moment. Costs one relaxed addition.
    func started(
        _ job: ClaimedJob, askedAt asked: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        pickups.observe(.microseconds(max(0, job.waitedMicroseconds)) + (now - asked))
        return now
    }

    /// A handler has returned; returns how long it ran. Costs one relaxed addition.
    @discardableResult
    func ended(_ end: RunEnd, startedAt start: ContinuousClock.Instant) -> Duration {
        let time = ContinuousClock.now - start
        runs[end].observe(time)
        return time
    }
}

/// The meters of the job started last: the jobs of a batch are mostly of one kind.
struct JobMetersMemo {
    private var last: (queue: Name, kind: Name, meters: JobMeters)?

    mutating func meters(of job: ClaimedJob, in meters: Meters) -> JobMeters {
        if let last, last.kind == job.kind, last.queue == job.queue { return last.meters }
        let found = JobMeters(
            pickups: meters.pickups[job.queue.description],
            runs: meters.runs[job.kind.description])
        last = (job.queue, job.kind, found)
        return found
    }
}

extension Meters {
    /// Claims have been ended in the table.
    func ended(_ settlements: some Sequence<Settlement>) {
        var counts = InlineArray<8, Int>(repeating: 0)
        var ofNoRun = 0
        for settlement in settlements {
            counts[RunEnd(settlement.verdict).rawValue] += 1
            if settlement.isOfNoRun { ofNoRun += 1 }
        }
        unstarted.add(ofNoRun)
        for end in RunEnd.allCases where counts[end.rawValue] > 0 {
            settledEnds[end].add(counts[end.rawValue])
        }
    }

    /// Jobs have been claimed for a worker elsewhere; when its handlers start is not known here.
    func handedOut(_ jobs: [ClaimedJob]) {
        claimed.add(jobs.count)
        for job in jobs {
            pickups[job.queue.description].observe(.microseconds(max(0, job.waitedMicroseconds)))
        }
    }
}
