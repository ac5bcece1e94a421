/// The meters of the job started last: the jobs of a batch are mostly of one kind.
struct JobMetersMemo {
    private var last: (queue: Name, kind: Name, meters: JobMeters)?

    mutating func meters(of job: ClaimedJob, in meters: Meters) -> JobMeters {
        if let last, last.kind == job.kind, last.queue == job.queue { return last.meters }
        let found = meters.jobs[job.queue, job.kind]
        last = (job.queue, job.kind, found)
        return found
    }
}

extension Meters {
    /// Jobs have been committed, so many, on these queues.
    func stored(_ count: Int, on queues: @autoclosure () -> [Name]) {
        enqueued.add(count)
        told?.stored(on: queues())
    }

    /// An enqueue was not committed.
    func enqueueFailed(_ failure: Facade.Failure, after time: Duration) {
        enqueueFailures.add()
        told?.enqueueFailures[failure]?.observe(time)
    }

    /// Jobs were not taken, as a queue was over its limit.
    func refused(_ count: Int, by queue: Name) {
        refusals[queue].add(count)
    }

    /// A statement that records outcomes failed.
    func settleFailed(_ failure: Facade.Failure, after time: Duration) {
        settleFailures.add()
        told?.settleFailures[failure]?.observe(time)
    }

    /// Claims have been ended in the table.
    func ended(_ settlements: some Sequence<Settlement>) {
        var counts = InlineArray<8, Int>(repeating: 0)
        var ofNoRun = 0
        for settlement in settlements {
            counts[settlement.verdict.end.rawValue] += 1
            if settlement.isOfNoRun { ofNoRun += 1 }
        }
        unstarted.add(ofNoRun)
        for end in RunEnd.allCases where counts[end.rawValue] > 0 {
            settledEnds[end].add(counts[end.rawValue])
        }
    }

    /// Jobs have been claimed for a worker elsewhere.
    func handedOut(_ batch: [ClaimedJob]) {
        claimed.add(batch.count)
        var memo = JobMetersMemo()
        for job in batch { memo.meters(of: job, in: self).handedOut(job) }
    }
}
