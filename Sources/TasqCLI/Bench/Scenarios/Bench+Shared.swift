import Tasq
import TasqPostgres
import TasqTesting

extension Bench {
    /// Jobs that wait at rest, in a queue that is paused.
    private static let resting = 1000
    private static let kinds = ["\(Stage.kind).a", "\(Stage.kind).b"]

    /// What shares a Redis or a queue, beside the same with one each.
    func shared() async throws -> Findings {
        let time = plan.time(15)
        let jobs = plan.jobs ?? 20_000
        var announced: [Bool: [Double]] = [:]
        var rates: [Bool: [Double]] = [:]
        var errors: [Double] = []
        try await eachRound(.shared) { _ in
            for isShared in [false, true] {
                announced[isShared, default: []].append(
                    try await pushes(in: time, isShared: isShared))
                let seen = try await drainKinds(jobs, apart: isShared)
                rates[isShared, default: []].append(seen.rate)
                if isShared { errors.append(seen.errors) }
            }
        }
        var findings = Findings()
        findings.figures = [
            Figure(
                scenario: .shared, measure: "announcements at rest", unit: "pushes",
                rounds: announced[true] ?? [],
                floor: .rounds(announced[false] ?? [], how: "the same with a prefix each"),
                how: "two databases on one prefix, \(Self.resting) waiting jobs each, paused, "
                    + "\(DurationText.format(time)) from the workers' start, the whole Redis"),
            Figure(
                scenario: .shared, measure: "drain, a kind each", unit: "jobs/s",
                rounds: rates[true] ?? [],
                floor: .rounds(rates[false] ?? [], how: "the same with workers that know both"),
                how: "\(jobs) no-op jobs of two kinds by turns, of one attempt, two workers on one "
                    + "queue, \(Self.commonSlots) slots each"),
            Figure(
                scenario: .shared, measure: "of those, in error", unit: "jobs", rounds: errors,
                how: "jobs that a worker took which does not know their kind"),
        ]
        return findings
    }

    /// Pushes that Redis counts while a worker of each of two databases has nothing to do.
    private func pushes(in time: Duration, isShared: Bool) async throws -> Double {
        try await Stage.with(servers) { one in
            try await Stage.with(
                servers, schema: servers.schema + BenchServers.otherSuffix,
                suffix: isShared ? "" : "-other"
            ) { two in
                for stage in [one, two] {
                    try await stage.store.setPaused(true, .defaultQueue)
                    try await stage.fill(Self.resting, settles: false)
                }
                let before = try await pushes()
                return try await one.withWorker(slots: Self.commonSlots) {
                    try await two.withWorker(slots: Self.commonSlots) {
                        try await Task.sleep(for: time)
                        return Double(try await pushes() - before)
                    }
                }
            }
        }
    }

    /// Commands that put an id on a list, since the server started.
    private func pushes() async throws -> Int {
        try await servers.redis.command("INFO", "commandstats")
            .split(whereSeparator: \.isNewline)
            .filter { $0.hasPrefix("cmdstat_lpush:calls=") || $0.hasPrefix("cmdstat_rpush:calls=") }
            .compactMap { $0.split(separator: "=").dropFirst().first }
            .compactMap { Int($0.prefix { $0.isNumber }) }
            .reduce(0, +)
    }

    private func drainKinds(
        _ jobs: Int, apart: Bool
    ) async throws -> (rate: Double, errors: Double) {
        try await Stage.with(servers) { stage in
            for first in stride(from: 0, to: jobs, by: 500) {
                _ = try await stage.queue.enqueue(
                    (first..<min(first + 500, jobs)).map { number in
                        try NewJob(
                            kind: Name(Self.kinds[number % 2]), maxAttempts: 1,
                            payload: Payload(Array("{}".utf8)))
                    })
            }
            try await stage.settleDown()
            let known = Self.kinds.map { apart ? [$0] : Self.kinds }
            let start = ContinuousClock.now
            let rate = try await stage.withWorker(slots: Self.commonSlots, kinds: known[0]) {
                try await stage.withWorker(slots: Self.commonSlots, kinds: known[1]) {
                    try await stage.settled(jobs)
                    return Double(jobs) / (.now - start).inSeconds
                }
            }
            return (rate, Double(try await stage.count(of: .error)))
        }
    }
}
