import Synchronization

/// What only the program's own metrics are told: jobs by the queue they were put into, how long
/// calls took that failed, and gauges, which have to be set there.
final class ToldMeters: Sendable {
    /// What becomes of a worker's slots.
    struct Slots: Sendable, Hashable {
        var busy = 0
        var free = 0
    }

    let enqueueFailures: [Facade.Failure: Distribution]
    let settleFailures: [Facade.Failure: Distribution]
    private let sent: Labelled<Name, Counter>
    private let sentElsewhere: Counter
    private let total = Mutex(Slots())
    private let busy: Facade.Tell
    private let free: Facade.Tell
    private let stuck: Facade.Tell

    init(_ facade: Facade) {
        func failures(
            _ name: String, _ operation: Facade.Operation
        ) -> [Facade.Failure: Distribution] {
            Dictionary(
                uniqueKeysWithValues: Facade.Failure.allCases.map {
                    ($0, Distribution(.statement, facade.calls(name, operation, $0)))
                })
        }
        enqueueFailures = failures("enqueue", .send)
        settleFailures = failures("settle", .settle)
        sent = Labelled { Counter(facade.sent(to: $0.description)) }
        sentElsewhere = Counter(facade.sent(to: LabelLimit.other))
        busy = facade.gauge("tasq.slots", [("tasq.state", "busy")])
        free = facade.gauge("tasq.slots", [("tasq.state", "free")])
        stuck = facade.gauge("tasq.stuck_slots")
    }

    /// Jobs have been committed, each on the queue named for it.
    func stored(on queues: [Name]) {
        var counts: [Name: Int] = [:]
        for queue in queues { counts[queue, default: 0] += 1 }
        for (queue, count) in counts {
            let own = queue.description == LabelLimit.other ? nil : sent[queue]
            (own ?? sentElsewhere).add(count)
        }
    }

    /// The slots of one of the workers that count here are now these; how many are stuck is told of
    /// all.
    func slots(of worker: inout Slots, are now: Slots, stuck count: Int) {
        total.withLock { all in
            all.busy += now.busy - worker.busy
            all.free += now.free - worker.free
            busy(Int64(all.busy))
            free(Int64(all.free))
            stuck(Int64(count))
        }
        worker = now
    }
}
