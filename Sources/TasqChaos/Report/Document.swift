import FoundationEssentials
import TasqTesting

/// What one run came to, as `--json` prints it and a ``Record`` keeps it.
struct Document: Sendable, Codable {
    let fault: String
    let seed: UInt64
    let profile: String
    /// Jobs to be acknowledged at least.
    let jobs: Int
    /// Worker processes.
    let workers: Int
    /// Jobs asked for a second, where that was another number than the fault's own.
    let rate: Double?
    /// Whether every worker held the maintenance term at once.
    let allLead: Bool
    /// Whether other runs went on beside it.
    let beside: Bool
    /// By how much limits were longer than on the machine for which they were chosen.
    let slowness: Double
    /// Whether nothing was found and every pass figure was kept.
    let clean: Bool
    let zeroes: [String: Int]
    let findings: [Finding]
    /// Invariants about time, which a busy machine can spoil.
    let timed: [String]
    let figures: [String: Double]
    let misses: [String]
    let lostWithPrimary: [String]
    let evidence: String?
    /// How long each phase took.
    let seconds: [String: Double]
    /// Why there is no report; then there is nothing else either.
    var error: String?
    /// In a record: which programs it was a run of, and when it ended, as in RFC 3339.
    var build: String?
    var at: String?
}

extension Document {
    init(_ report: Report) {
        let plan = report.plan
        self.init(
            fault: plan.fault.name, seed: plan.seed, profile: plan.profile.rawValue,
            jobs: plan.jobs, workers: plan.workers, rate: plan.rate, allLead: plan.allLead,
            beside: plan.isBeside, slowness: Slowness.factor, clean: report.isClean,
            zeroes: Dictionary(
                uniqueKeysWithValues: report.zeroes.map { ($0.name, $0.count) }),
            findings: report.findings,
            timed: Invariant.all.filter(\.isTimed).map(\.name),
            figures: Dictionary(report.figures.map { ($0.name, $0.value) }) { first, _ in first },
            misses: report.misses.map { $0.limit.text(seen: $0.value) },
            lostWithPrimary: report.lostWithPrimary, evidence: report.evidence,
            seconds: Dictionary(report.seconds.map { ($0.phase, $0.seconds) }, uniquingKeysWith: +))
    }

    /// A run that came to no report: something of the suite itself failed.
    init(_ plan: Plan, error: String) {
        self.init(
            fault: plan.fault.name, seed: plan.seed, profile: plan.profile.rawValue,
            jobs: plan.jobs, workers: plan.workers, rate: plan.rate, allLead: plan.allLead,
            beside: plan.isBeside, slowness: Slowness.factor, clean: false, zeroes: [:],
            findings: [], timed: [], figures: [:], misses: [], lostWithPrimary: [],
            evidence: nil, seconds: [:], error: error)
    }

    /// Whether it is a run of this plan, or one that asked for more: at least as many jobs, and
    /// limits no longer than they are here.
    func isRun(of plan: Plan) -> Bool {
        seed == plan.seed && isAlike(plan) && jobs >= plan.jobs
            && slowness <= Slowness.factor
    }

    /// Whether it is a run of the same fault under the same conditions, whatever its seed and size.
    func isAlike(_ plan: Plan) -> Bool {
        fault == plan.fault.name && profile == plan.profile.rawValue
            && workers == plan.workers && rate == plan.rate && allLead == plan.allLead
    }

    /// Whether this and another differ in nothing but what came of them.
    func isLike(_ other: Document) -> Bool {
        fault == other.fault && seed == other.seed && profile == other.profile
            && workers == other.workers && rate == other.rate && allLead == other.allLead
            && jobs == other.jobs
    }

    /// How long all of it took.
    var wholeSeconds: Double { seconds.values.reduce(0, +) }

    /// Whether only what a busy machine can spoil did not hold.
    var isSpoiled: Bool {
        error == nil && zeroes.values.allSatisfy { $0 == 0 }
            && findings.allSatisfy { timed.contains($0.invariant) }
    }

    /// One line of JSON.
    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
