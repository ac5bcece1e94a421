import Tasq

/// What the demo came to, from what was sent, what arrived and what the table says.
struct DemoReport: Sendable {
    /// Requests the ingest listener answered, redeliveries included.
    let received: Int
    let duplicates: Int
    let refused: Int
    let firstRefusal: String?
    /// Events answered 202; each made one job.
    let accepted: Int
    /// Accepted jobs that are `success` and were taken by the receiver.
    let executed: Int
    /// Accepted jobs that ended in `error` or `cancelled`.
    let failed: Int
    /// Attempts the receiver refused on purpose; each was retried.
    let refusedAttempts: Int
    /// Accepted jobs that are not in the table, did not end, or ended well without a delivery.
    let lost: Int
    /// Jobs the receiver took more than once.
    let runTwice: Int
    /// From the 202 at the sender to the delivery at the receiver, sorted.
    let steadyPickups: [Duration]
    let allPickups: [Duration]
    let waitingAtFlush: Int
    /// From FLUSHALL to the last delivery of the jobs that waited then.
    let recovery: Duration?

    init(
        tally: DemoTraffic.Tally, arrivals: [String: DemoReceiver.Arrivals], jobs: [JobRecord],
        behindBacklog: Set<String>, waitingAtFlush: Int, recovery: Duration?
    ) {
        received = tally.received
        duplicates = tally.duplicates
        refused = tally.refused
        firstRefusal = tally.firstRefusal
        accepted = tally.accepted.count
        self.waitingAtFlush = waitingAtFlush
        self.recovery = recovery
        refusedAttempts = arrivals.values.reduce(0) { $0 + $1.refused }
        runTwice = arrivals.values.count { $0.taken > 1 }
        let statuses = Dictionary(
            uniqueKeysWithValues: jobs.map { ($0.id.description, $0.status) })
        var (executed, failed, lost) = (0, 0, 0)
        for id in tally.accepted.keys {
            switch statuses[id] {
            case .success where (arrivals[id]?.taken ?? 0) > 0: executed += 1
            case .error, .cancelled: failed += 1
            default: lost += 1
            }
        }
        (self.executed, self.failed, self.lost) = (executed, failed, lost)
        let pickups = tally.accepted.compactMap { id, answered -> (String, Duration)? in
            // A worker may be faster than the answer's way back; that is no wait at all.
            arrivals[id].map { (id, max(.zero, $0.first - answered)) }
        }
        allPickups = pickups.map(\.1).sorted()
        steadyPickups = pickups.filter { !behindBacklog.contains($0.0) }.map(\.1).sorted()
    }

    /// Nothing lost, nothing run twice, nothing refused or failed, and there was a backlog to lose.
    var isClean: Bool {
        lost == 0 && runTwice == 0 && failed == 0 && refused == 0 && waitingAtFlush > 0
            && recovery != nil
    }

    /// The table for people.
    func text(styled: Bool) -> String {
        var table = Table([
            .init(heading: "DEMO"), .init(heading: "RESULT", isNumber: true), .init(heading: ""),
        ])
        func add(_ name: String, _ result: String, _ note: String, _ style: Style = .plain) {
            table.add([.init(name), .init(result, style), .init(note)])
        }
        func verdict(_ count: Int) -> Style { count == 0 ? .good : .bad }
        add("received", "\(received)", "signed webhooks, GitHub and Standard Webhooks in turn")
        add("accepted", "\(accepted)", "202, committed in PostgreSQL")
        add("known already", "\(duplicates)", "redeliveries of an accepted event, answered 200")
        add("refused", "\(refused)", firstRefusal ?? "any other answer", verdict(refused))
        add("executed", "\(executed)", "delivered to the endpoint and settled as success")
        add("retried", "\(refusedAttempts)", "first attempts the endpoint refused on purpose")
        add("failed", "\(failed)", "jobs that ended in error", verdict(failed))
        add("lost", "\(lost)", "accepted but not executed", verdict(lost))
        add("duplicates run", "\(runTwice)", "jobs the endpoint took twice", verdict(runTwice))
        let measured = "202 at the sender to delivery at the endpoint"
        add(
            "pickup p50", milliseconds(percentile(50, of: steadyPickups)),
            "\(measured), steady traffic (\(steadyPickups.count) jobs)")
        add("pickup p99", milliseconds(percentile(99, of: steadyPickups)), "the same")
        add(
            "pickup p99, all", milliseconds(percentile(99, of: allPickups)),
            "the backlog included")
        add("FLUSHALL", "1", "with \(waitingAtFlush) jobs waiting on a held-up endpoint")
        add(
            "recovery", recovery.map(milliseconds) ?? "-",
            "FLUSHALL to the last of those jobs delivered")
        return table.text(styled: styled)
    }

    /// The value below which `percent` of the sorted values lie, by nearest rank.
    func percentile(_ percent: Int, of sorted: [Duration]) -> Duration {
        guard !sorted.isEmpty else { return .zero }
        let rank = (sorted.count * percent + 99) / 100
        return sorted[min(sorted.count, max(1, rank)) - 1]
    }

    private func milliseconds(_ duration: Duration) -> String {
        let tenths = Int((duration.inSeconds * 10_000).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
