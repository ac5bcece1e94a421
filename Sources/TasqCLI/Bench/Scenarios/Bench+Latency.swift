import Logging
import Synchronization
import Tasq
import TasqRedis
import TasqTesting

extension Bench {
    /// Times the idle pickup is taken, unless a number of jobs is asked for.
    static let idleSamples = 1000
    /// Between two idle pickups, so that the last outcome is out of the way.
    static let idlePause = Duration.milliseconds(2)
    /// How late an arrival is let in, together with those that are due by then.
    static let arrivalStep = Duration.milliseconds(1)
    /// The loads, as parts of the steady rate.
    static let loads = [25, 50, 75]

    func latency(after earlier: [Figure]) async throws -> Findings {
        progress.show("latency idle")
        var findings = Findings()
        let idle = LatencyRecord()
        let samples = plan.jobs ?? Self.idleSamples
        try await Stage.with(servers) { stage in
            try await pickUp(samples, on: stage, into: idle)
        }
        let doorbell = try await doorbellRounds(samples)
        findings.latencies = [idle.curve("pickup, idle"), doorbell.curve("doorbell alone")]
        let rings = "a Redis push to a blocked pop on another connection, tasq's own client"
        findings.figures = [("p50", 50), ("p99", 99), ("p99.9", 99.9), ("max", 100)].map {
            name, p in
            Figure(
                scenario: .latency, measure: "idle pickup \(name)", unit: "ms",
                rounds: [idle.percentile(p)],
                floor: .rounds([doorbell.percentile(p)], how: rings),
                how: "commit returned to handler entered, \(samples) times")
        }
        progress.show("latency: the steady rate")
        let known = earlier.first { $0.scenario == .steady && $0.measure == "completed" }?.value
        let full: Double
        if let known {
            full = known
        } else {
            full = try await steadyFlow(for: .seconds(3)).completed
        }
        let time = plan.time(5)
        for load in Self.loads {
            progress.show("latency at \(load) %")
            let rate = max(1, full * Double(load) / 100)
            let record = try await pickUp(atRate: rate, for: time)
            findings.latencies.append(record.curve("pickup at \(load) %"))
            findings.figures += [("p50", 50), ("p99", 99), ("p99.9", 99.9)].map { name, p in
                Figure(
                    scenario: .latency, measure: "pickup at \(load) % \(name)", unit: "ms",
                    rounds: [record.percentile(p)],
                    how: "\(Int(rate)) arrivals a second by the clock, each let in within a "
                        + "millisecond, \(DurationText.format(time)) after a second to warm up, "
                        + "from each commit's return")
            }
        }
        return findings
    }

    /// One job after the other: from its enqueue's return to its handler's first line.
    func pickUp(
        _ samples: Int, priority: Int = 1, on stage: Stage, into record: LatencyRecord
    ) async throws {
        // The first few open connections and prepare statements.
        let preliminaries = 20
        let (entries, entered) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        let urgency = try Priority(priority)
        try await stage.withWorker(slots: plan.concurrency) { context in
            if context.job.priority == urgency { entered.yield(.now) }
        } _: {
            var entries = entries.makeAsyncIterator()
            for sample in 0..<(samples + preliminaries) {
                _ = try await stage.queue.enqueue(Stage.job(priority: priority))
                let committed = ContinuousClock.now
                guard let entry = await entries.next() else { throw CancellationError() }
                if sample >= preliminaries { record.note(entry - committed) }
                try await Task.sleep(for: Self.idlePause)
            }
        }
    }

    /// Jobs that arrive by the clock, whether or not the ones before are done.
    private func pickUp(atRate rate: Double, for time: Duration) async throws -> LatencyRecord {
        let early = Int(rate * plan.time(1).inSeconds)
        let count = early + Int(rate * time.inSeconds)
        let moments = Moments(count)
        return try await Stage.with(servers) { stage in
            try await stage.settleDown()
            try await stage.withWorker(slots: plan.concurrency) { context in
                moments.entered(Arrival.number(in: context.job.payload.body))
            } _: {
                let start = ContinuousClock.now + .milliseconds(500)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<count {
                        // A timer for each of them would cost more than tasq does.
                        let due = start + .seconds(Double(number) / rate)
                        if due > .now { try await Task.sleep(until: due + Self.arrivalStep) }
                        group.addTask {
                            _ = try await stage.queue.enqueue(
                                Stage.job(body: Arrival.body(number)))
                            moments.committed(number)
                        }
                    }
                    try await group.waitForAll()
                }
                try await stage.settled(count)
            }
            return moments.latencies(from: early)
        }
    }

    /// From a push to the answer of a take that waits for it, on two connections.
    private func doorbellRounds(_ samples: Int) async throws -> LatencyRecord {
        let settings = try RedisSettings(url: servers.redis.url, prefix: servers.prefix)
        let ringing = RedisAnnouncer(settings, logger: .silent)
        let waiting = RedisAnnouncer(settings, logger: .silent)
        let record = LatencyRecord()
        try await servers.forget()
        for sample in 0..<(samples + 20) {
            async let taken = waiting.take(
                upTo: 1, from: [.defaultQueue], wait: .seconds(5))
            try await Task.sleep(for: Self.idlePause)
            let start = ContinuousClock.now
            async let rung: Void = ringing.announce([
                Announcement(id: JobID(), queue: .defaultQueue, priority: .default)
            ])
            _ = try await taken
            if sample >= 20 { record.note(.now - start) }
            await rung
        }
        await ringing.close()
        await waiting.close()
        return record
    }
}

/// A numbered job of the open loop.
private enum Arrival {
    static func body(_ number: Int) -> [UInt8] {
        var body = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
        for place in 0..<8 { body[place] = UInt8(truncatingIfNeeded: number >> (place * 8)) }
        return body
    }

    static func number(in body: [UInt8]) -> Int {
        body.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

/// When each arrival was committed and when its handler began.
private final class Moments: Sendable {
    private struct Pair {
        var committed: ContinuousClock.Instant?
        var entered: ContinuousClock.Instant?
    }

    private let pairs: Mutex<[Pair]>

    init(_ count: Int) {
        pairs = Mutex([Pair](repeating: Pair(), count: count))
    }

    func committed(_ number: Int) {
        let now = ContinuousClock.now
        pairs.withLock { if $0.indices.contains(number) { $0[number].committed = now } }
    }

    func entered(_ number: Int) {
        let now = ContinuousClock.now
        pairs.withLock { if $0.indices.contains(number) { $0[number].entered = now } }
    }

    func latencies(from first: Int) -> LatencyRecord {
        let record = LatencyRecord()
        for pair in pairs.withLock({ $0 }).dropFirst(first) {
            if let committed = pair.committed, let entered = pair.entered {
                record.note(entered - committed)
            }
        }
        return record
    }
}
