import Synchronization
import Tasq
import TasqRedis

extension Bench {
    /// Every slot is taken by a handler that waits; at the flush one of them is let go.
    func reconcile() async throws -> Findings {
        let rows = max(plan.rows ?? 200_000, plan.concurrency + 1)
        progress.show("reconcile: \(rows) queued rows")
        let slots = plan.concurrency
        let running = Counter()
        let isFirst = Atomic(true)
        let letGo = Signal()
        let (entries, entered) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        let times = try await Stage.with(servers) { stage in
            try await stage.fill(rows)
            return try await stage.withWorker(slots: slots) { _ in
                if letGo.isRaised { entered.yield(.now) }
                running.add()
                if isFirst.exchange(false, ordering: .relaxed) {
                    await letGo.wait()
                } else {
                    await Signal().wait()
                }
            } _: {
                // The worker finds an empty Redis and fills it; from then on it knows the mark.
                try await until { running.value >= slots }
                let queued = rows - slots
                try await until { try await stage.listed() >= queued }
                try await Task.sleep(for: .seconds(3))
                let listed = try await stage.listed()
                let start = ContinuousClock.now
                try await servers.forget()
                letGo.raise()
                var entries = entries.makeAsyncIterator()
                let first = await entries.next() ?? .now
                try await until { try await stage.listed() >= min(listed, queued) - slots }
                let end = ContinuousClock.now
                return (first: first - start, all: end - start)
            }
        }
        var findings = Findings()
        findings.figures = [
            Figure(
                scenario: .reconcile, measure: "all listed again", unit: "s",
                rounds: [times.all.inSeconds],
                how: "FLUSHALL with \(rows) queued, until every id is on the lists"),
            Figure(
                scenario: .reconcile, measure: "first job", unit: "s",
                rounds: [times.first.inSeconds],
                how: "from the flush until a slot that becomes free with it runs the next job"),
        ]
        return findings
    }

    /// Looks every few milliseconds. Throws ``Failure`` when it takes minutes.
    private func until(_ isTrue: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(180)
        while try await !isTrue() {
            guard ContinuousClock.now < end else {
                throw Failure(.internal, "the queued jobs were not announced within 180 s")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension Stage {
    /// The number of ids on the lists.
    func listed() async throws -> Int {
        try await announcer.depths(of: [.defaultQueue])[.defaultQueue] ?? 0
    }
}
