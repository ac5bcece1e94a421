extension Worker {
    /// What this worker has done since it was made, what it is doing, and what its store and its
    /// announcer have done; ``PrometheusText/page(of:)`` writes it as a page.
    ///
    /// Reads counters and asks nobody, so it may be called at any time and from anywhere. A worker
    /// made of a ``Queue`` counts together with it: show the worker's alone, not both.
    public var metrics: [Metric] {
        let slots = slots
        return meters.metrics(runs: true, rings: announcer.rings) + [
            Metric(
                "tasq_slots", .gauge, help: "Jobs this worker can run at once, by state.",
                samples: [("busy", slots.busy), ("free", slots.free)].map {
                    .init(Double($1), labels: [.init("state", $0)])
                })
        ] + store.metrics + announcer.metrics
    }

    private var slots: ToldMeters.Slots {
        let busy = min(executor.load, settings.concurrency)
        return ToldMeters.Slots(busy: busy, free: settings.concurrency - busy)
    }

    /// Shows that tasks run, and sets the gauges of the program's own metrics, until cancelled.
    func beat() async {
        guard let told = meters.told else { return await pulse.run() }
        var last = ToldMeters.Slots()
        await pulse.run {
            told.slots(of: &last, are: self.slots, stuck: self.meters.overdue.count)
        }
        told.slots(of: &last, are: ToldMeters.Slots(), stuck: meters.overdue.count)
    }
}

extension Queue {
    /// What went through this queue since it was made, and what its store and its announcer have
    /// done; ``PrometheusText/page(of:)`` writes it as a page.
    ///
    /// Reads counters and asks nobody, so it may be called at any time and from anywhere. How
    /// handlers run is told by a worker's ``Worker/metrics`` only.
    public var metrics: [Metric] {
        meters.metrics(runs: false, rings: doorbell.announcer.rings) + store.metrics
            + doorbell.announcer.metrics
    }
}
