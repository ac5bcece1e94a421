import ArgumentParser
import Logging
import Tasq
import TasqPostgres

/// `tasq repair`: mends what `tasq verify` finds.
struct RepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Mend what verify finds; --dry-run says what that would be.",
        discussion: """
            Looks as verify does, then judges each finding again under the job's lock. Prints a line \
            for each: what was mended, and what is left to a person, such as an index to be built; \
            exits 1 if anything is left.
            """)

    @OptionGroup var global: GlobalOptions

    @OptionGroup var looks: LookOptions

    @Flag(help: "Say what would be mended and change nothing.")
    var dryRun = false

    @Flag(help: "Print one JSON object a finding.")
    var json = false

    func run() async throws {
        let (report, mended) = try await looks.report(global) { [dryRun] connections, report in
            guard !dryRun else { return (report, Set(report.violations.filter(\.kind.isMendable))) }
            return (report, try await Repair(connections: connections).mend(report.violations))
        }
        for violation in report.violations {
            let isMended = mended.contains(violation)
            let word = isMended ? (dryRun ? "would mend" : "mended") : "left"
            try StandardOutput.line(
                json
                    ? JSON.object([
                        "violation": .string(violation.kind.rawValue),
                        "subject": .string(violation.subject), "mended": .bool(isMended && !dryRun),
                        "mendable": .bool(violation.kind.isMendable),
                    ]).text
                    : "\(word) \(violation.kind.rawValue) \(violation.subject)"
                        + (isMended ? "" : ": \(violation.kind.text)"))
        }
        let left = report.violations.count - mended.count
        guard left == 0 else {
            throw Failure(
                .refused,
                "\(left) left to a person, \(mended.count) \(dryRun ? "to mend" : "mended")")
        }
        if !json {
            try StandardOutput.line(
                report.violations.isEmpty
                    ? "nothing to mend" : "\(mended.count) \(dryRun ? "to mend" : "mended")")
        }
    }
}

/// Mends findings, each kind by the means there are for it.
private struct Repair {
    let connections: Connections

    /// Returns those that were mended.
    func mend(_ violations: [Violation]) async throws -> Set<Violation> {
        let store = connections.store
        var mended: Set<Violation> = []
        let kinds = Dictionary(grouping: violations, by: \.kind)
        if let lost = kinds[.claimWithoutWorker] {
            // Like a dead worker's: the attempt and the crash are counted.
            var end: JobID?
            repeat { end = try await store.reap(upTo: 500, behind: end).end } while end != nil
            mended.formUnion(lost)
        }
        if let epoch = kinds[.epochMissing] {
            try await store.repairEpoch()
            mended.formUnion(epoch)
        }
        if let unannounced = kinds[.queuedNotAnnounced] {
            let queued = try await store.stillQueued(unannounced.compactMap { JobID($0.subject) })
            await connections.announcer.announce(queued.map(\.announcement))
            mended.formUnion(unannounced)
        }
        let rows = violations.filter { $0.kind.isMendable && !mended.contains($0) }
        let answers = try await store.repair(
            Set(rows.compactMap { JobID($0.subject) }).sorted())
        mended.formUnion(rows.filter { JobID($0.subject).map(answers.contains) ?? false })
        return mended
    }
}

extension Violation.Kind {
    /// Whether there is one mend, and no question to a person.
    fileprivate var isMendable: Bool {
        switch self {
        case .neverDue, .indexMissing, .announcedNoID, .announcedNotQueued: false
        default: true
        }
    }
}
