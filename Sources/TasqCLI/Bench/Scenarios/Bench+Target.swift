import FoundationEssentials
import Tasq
import TasqHTTP
import TasqPostgres

extension Bench {
    /// The kinds of the jobs that are measured, and of those that make connections and plans before.
    private static let (live, warm) = ("live", "warm")
    private static let warmUpJobs = 20
    /// Between two looks at whether jobs have ended, after the last of them was put in.
    private static let look = Duration.milliseconds(100)

    /// Deliveries to a target that answers, behind the jobs of one that takes requests and never answers.
    func target() async throws -> Findings {
        let jobs = plan.jobs ?? 100_000
        let time = plan.time(30)
        var alone: [TargetSeen] = []
        var beside: [TargetSeen] = []
        try await eachRound(.target) { _ in
            alone.append(try await deliver(over: time, behind: 0))
            beside.append(try await deliver(over: time, behind: jobs))
        }
        let how =
            "\(plan.live) jobs, one after the other over \(DurationText.format(time)), from enqueue to "
            + "outcome by PostgreSQL's clock, beside \(jobs) of a dead target that were there before, "
            + "one queue, \(plan.slots) slots, http handlers, timeout \(plan.hang) s"
        var findings = Findings()
        for (name, percentile) in [("p50", 50.0), ("p99", 99.0)] {
            findings.figures.append(
                Figure(
                    scenario: .target, measure: "answered at once \(name)", unit: "ms",
                    rounds: beside.map { $0.waits.percentile(percentile) },
                    floor: .rounds(
                        alone.map { $0.waits.percentile(percentile) },
                        how: "the same without the dead target's jobs"),
                    how: how))
        }
        findings.figures += [
            Figure(
                scenario: .target, measure: "deliveries to the dead one", unit: "requests",
                rounds: beside.map { Double($0.deliveries) },
                how: "until the last of the others had ended and each of its jobs had its turn"),
            Figure(
                scenario: .target, measure: "its jobs held back", unit: "jobs",
                rounds: beside.map { Double($0.heldBack) },
                how: "put off without an attempt by then, of \(jobs)"),
            Figure(
                scenario: .target, measure: "all held back once", unit: "s",
                rounds: beside.map(\.passed),
                how: "from the moment they could be claimed; until then they stand in front"),
            Figure(
                scenario: .target, measure: "lost", unit: "jobs",
                rounds: beside.map { Double($0.lost) },
                how: "answered at once without a success, or the dead one's and gone or over"),
        ]
        findings.latencies = [
            alone.last?.waits.curve("answered at once"),
            beside.last?.waits.curve("answered at once, beside a dead target"),
        ].compactMap { $0 }
        return findings
    }

    /// What a worker's deliveries came to, with so many jobs of a dead target in front.
    private func deliver(over time: Duration, behind dead: Int) async throws -> TargetSeen {
        let asked = Counter()
        let isOver = Signal()
        return try await receiving({ 200 }) { live in
            try await receiving({
                asked.add()
                await isOver.wait()
                return 503
            }) { hanging in
                defer { isOver.raise() }
                let handlers = try handlerSet(live: live, dead: hanging)
                let found = try await Stage.with(servers) { stage in
                    let start = try await stage.withWorker(
                        slots: plan.slots, handlers: handlers.table
                    ) {
                        try await deliver(over: time, behind: dead, on: stage) { asked.value }
                    }
                    return try await seen(
                        since: start, deliveries: asked.value, of: dead, on: stage)
                }
                await handlers.shutdown()
                return found
            }
        }
    }

    /// Returns when all that answers has been delivered and all that does not has had its turn; says, by
    /// PostgreSQL's clock, when that could begin.
    private func deliver(
        over time: Duration, behind dead: Int, on stage: Stage, asked: () -> Int
    ) async throws -> String {
        for _ in 0..<Self.warmUpJobs { _ = try await stage.queue.enqueue(Self.job(Self.warm)) }
        try await stage.settled(Self.warmUpJobs)
        try await stage.store.setPaused(true, .defaultQueue)
        try await stage.fill(dead)
        try await stage.store.setPaused(false, .defaultQueue)
        let start: String = try await servers.rows("SELECT clock_timestamp()::text")[0].at(0)
        try await stage.announceAll()
        try await enqueue(plan.live, over: time, on: stage)
        let limit = Duration.seconds(120 + dead / 200)
        try await stage.until("every live job has ended", for: limit, every: Self.look) {
            try await stage.number(
                "SELECT count(*) FROM \(stage.schema).job "
                    + "WHERE kind = '\(Self.live)' AND finished_at IS NOT NULL") == plan.live
        }
        try await stage.until("every dead job had its turn", for: limit, every: Self.look) {
            let putOff = try await stage.number(
                "SELECT count(*) FROM \(stage.schema).job "
                    + "WHERE kind = '\(Stage.kind)' AND put_off_at IS NOT NULL")
            return putOff + asked() >= dead
        }
        return start
    }

    /// Puts jobs in by the clock, whether or not the ones before are done.
    private func enqueue(_ count: Int, over time: Duration, on stage: Stage) async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                try await Task.sleep(until: start + time * number / count)
                group.addTask { _ = try await stage.queue.enqueue(Self.job(Self.live)) }
            }
            try await group.waitForAll()
        }
    }

    /// The handlers of a configuration, made as `tasq work` makes them.
    private func handlerSet(live: Int, dead: Int) throws -> HandlerSet {
        let answered = "{ http: { url: \"http://127.0.0.1:\(live)/\", allow: [127.0.0.1] } }"
        let file = try Self.configuration(
            """
            handlers:
              \(Self.warm): \(answered)
              \(Self.live): \(answered)
              \(Stage.kind):
                http:
                  url: "http://127.0.0.1:\(dead)/"
                  allow: [127.0.0.1]
                  timeout: \(plan.hang)s
            """)
        defer { try? FileManager.default.removeItem(at: file) }
        let configuration = try Configuration.load(
            flags: ["config": file.path], environment: [:], needs: .handlers)
        return try HandlerSet(configuration.handlers, path: "", slots: plan.slots)
    }

    /// Takes deliveries on a port of its own while the body runs.
    private func receiving<Result: Sendable>(
        _ answer: @escaping @Sendable () async -> Int, _ body: (Int) async throws -> Result
    ) async throws -> Result {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let receiver = Receiver(onListening: { listening.yield($0) }) { _ in await answer() }
        return try await serving(receiver, ports, listening, body)
    }

    /// Reads it from the jobs' rows, after the worker has left.
    private func seen(
        since start: String, deliveries: Int, of dead: Int, on stage: Stage
    ) async throws -> TargetSeen {
        let waits = LatencyRecord()
        let lengths = try await servers.rows(
            """
            SELECT (extract(epoch FROM finished_at - enqueued_at) * 1000000)::bigint
            FROM \(stage.schema).job WHERE kind = '\(Self.live)' AND status = 'success'
            """
        ).column(of: Duration.self)
        for length in lengths { waits.note(length) }
        var row = try await servers.rows(
            """
            SELECT count(*) FILTER (WHERE finished_at IS NULL),
                count(*) FILTER (WHERE put_off_at IS NOT NULL),
                (extract(epoch FROM max(put_off_at) FILTER (WHERE attempt = 0) - '\(start)')
                    * 1000000)::bigint
            FROM \(stage.schema).job WHERE kind = '\(Stage.kind)'
            """)[0]
        let left = try row.next(Int.self)
        return try TargetSeen(
            waits: waits, deliveries: deliveries, heldBack: row.next(),
            passed: row.next(Duration?.self)?.inSeconds ?? 0,
            lost: plan.live - lengths.count + dead - left)
    }
}

/// What became of deliveries to a target that answers and to one that does not.
struct TargetSeen: Sendable {
    /// How long each job of the one that answers took.
    let waits: LatencyRecord
    /// To the dead one.
    let deliveries: Int
    /// Jobs of the dead one that were put off.
    let heldBack: Int
    /// Seconds until the last of those had been put off once.
    let passed: Double
    let lost: Int
}
