/// Many runs as a Markdown table: a row for each fault and timing, with the worst of its runs.
struct Table: Sendable {
    let runs: [Document]
    let skipped: [(fault: String, reason: String)]

    init(runs: [Document], skipped: [(fault: String, reason: String)] = []) {
        self.runs = runs
        self.skipped = skipped
    }

    var markdown: String {
        var lines = [
            "| fault | runs | jobs | nine zero figures | run again | taken over, p50 / max "
                + "| jobs done meanwhile | healed in | did not hold |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += groups.map { Self.row(of: $0) }
        for skip in skipped {
            lines.append("| `\(skip.fault)` | skipped: \(skip.reason) | | | | | | | |")
        }
        return lines.joined(separator: "\n")
    }

    /// Whether everything held: what a busy machine alone can spoil, at least in one of the runs
    /// that are alike.
    var holds: Bool {
        runs.allSatisfy { run in run.clean || (run.isSpoiled && heldElsewhere(run)) }
    }

    /// How much it is, and which faults there are no runs of.
    var summary: String {
        let jobs = runs.compactMap { $0.figures[Self.jobs] }.reduce(0, +)
        let hours = runs.map(\.wholeSeconds).reduce(0, +) / 3600
        let names = Set(runs.map(\.fault))
        let missing = Fault.all.map(\.name).filter { !names.contains($0) }
        let faults = names.count == 1 ? "1 fault" : "\(names.count) faults"
        return "\(runs.count) runs of \(faults), \(Int(jobs)) jobs, "
            + Figure(name: "", value: hours).text + " hours"
            + (missing.isEmpty ? "" : "; no run of " + missing.joined(separator: ", "))
    }

    private static let jobs = "jobs acknowledged"

    /// The runs of one row each, in the order of `tasq-chaos list`.
    private var groups: [[Document]] {
        let places = Dictionary(
            Fault.all.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        var groups: [[Document]] = []
        for run in runs {
            let index = groups.firstIndex { group in
                group.first.map { $0.fault == run.fault && $0.profile == run.profile } ?? false
            }
            if let index { groups[index].append(run) } else { groups.append([run]) }
        }
        func place(_ group: [Document]) -> Int {
            group.first.flatMap { places[$0.fault] } ?? places.count
        }
        return groups.sorted { place($0) < place($1) }
    }

    private static func row(of runs: [Document]) -> String {
        guard let first = runs.first else { return "" }
        func worst(_ figure: String) -> Double { runs.compactMap { $0.figures[figure] }.max() ?? 0 }
        func sum(_ figure: String) -> Int {
            Int(runs.compactMap { $0.figures[figure] }.reduce(0, +))
        }
        let takeover =
            sum("taken over") == 0
            ? ""
            : seconds(worst("takeover p50")) + " / " + seconds(worst("takeover max"))
        let share = runs.compactMap { $0.figures["rate during, share"] }.min() ?? 0
        let meanwhile = Figure(name: "", value: share, unit: "%").text
        return "| \(title(of: first)) | \(runs.count) | \(sum(jobs)) | \(zeroes(of: runs)) | "
            + "\(sum("runs repeated")) | \(takeover) | \(meanwhile) | "
            + "\(seconds(worst("healed"))) | \(failures(of: runs)) |"
    }

    private static func title(of run: Document) -> String {
        let summary = Fault.named(run.fault).map { ": " + $0.summary } ?? ""
        let timing = run.profile == Profile.test.rawValue ? "" : " (at the \(run.profile))"
        return "`\(run.fault)`\(summary)\(timing)"
    }

    /// Nothing where no run came to a report.
    private static func zeroes(of runs: [Document]) -> String {
        let told = runs.filter { $0.error == nil }
        guard !told.isEmpty else { return "" }
        let names = Invariant.all.compactMap(\.figure)
        let faults = told.flatMap { run in
            names.compactMap { name in
                run.zeroes[name].flatMap { $0 > 0 ? "\(name) \($0)" : nil }
            }
        }
        return faults.isEmpty ? "0" : faults.joined(separator: ", ")
    }

    /// What was found, and which pass figures were missed, each with its seed.
    private static func failures(of runs: [Document]) -> String {
        runs.flatMap { run in
            let later = Table(runs: runs).heldElsewhere(run) ? ", and held in another run" : ""
            let reasons =
                run.findings.map { "\($0.invariant), \($0.count) times" } + run.misses
                + (run.error.map { ["no report: " + plain($0)] } ?? [])
            return reasons.map { "seed \(run.seed): \($0)\(later)" }
        }.joined(separator: "; ")
    }

    private func heldElsewhere(_ run: Document) -> Bool {
        runs.contains { $0.clean && $0.isLike(run) }
    }

    /// The most that stands in a cell of an error's text.
    private static let textLimit = 200

    /// Without what ends a cell.
    private static func plain(_ text: String) -> String {
        String(text.prefix(textLimit).map { $0.isNewline || $0 == "|" ? " " : $0 })
    }

    private static func seconds(_ milliseconds: Double) -> String {
        guard milliseconds < 1e9 else { return "never" }
        return "\((milliseconds / 100).rounded() / 10) s"
    }
}

extension Table {
    init(reports: [Report], skipped: [(fault: String, reason: String)]) {
        self.init(runs: reports.map { Document($0) }, skipped: skipped)
    }
}
