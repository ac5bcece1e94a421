/// Many runs as a Markdown table, a row a fault, the worst of its seeds.
struct Table: Sendable {
    let reports: [Report]
    let skipped: [(fault: String, reason: String)]

    var markdown: String {
        var lines = [
            "| fault | runs | jobs | nine zero figures | run again | taken over, p50 / max "
                + "| jobs done meanwhile | healed in | did not hold |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        var names: [String] = []
        for report in reports where !names.contains(report.plan.fault.name) {
            names.append(report.plan.fault.name)
        }
        for name in names {
            let runs = reports.filter { $0.plan.fault.name == name }
            guard let first = runs.first else { continue }
            func worst(_ figure: String) -> Double {
                runs.compactMap { $0.figure(figure) }.max() ?? 0
            }
            func sum(_ figure: String) -> Int {
                Int(runs.compactMap { $0.figure(figure) }.reduce(0, +))
            }
            let faults = runs.flatMap(\.zeroes).filter { $0.count > 0 }
            let zero =
                faults.isEmpty
                ? "0" : faults.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
            let takeover =
                sum("taken over") == 0
                ? ""
                : Self.seconds(worst("takeover p50")) + " / " + Self.seconds(worst("takeover max"))
            let share = runs.compactMap { $0.figure("rate during, share") }.min() ?? 0
            let meanwhile = Figure(name: "", value: share, unit: "%").text
            lines.append(
                "| `\(name)`: \(first.plan.fault.summary) | \(runs.count) | "
                    + "\(sum("jobs acknowledged")) | \(zero) | \(sum("runs repeated")) | "
                    + "\(takeover) | \(meanwhile) | \(Self.seconds(worst("healed"))) | "
                    + "\(Self.failures(of: runs)) |")
        }
        for skip in skipped {
            lines.append("| `\(skip.fault)` | skipped: \(skip.reason) | | | | | | | |")
        }
        return lines.joined(separator: "\n")
    }

    /// What was found, and which pass figures were missed, each with its seed.
    private static func failures(of runs: [Report]) -> String {
        runs.flatMap { run in
            run.findings.map { "seed \(run.plan.seed): \($0.invariant), \($0.count) times" }
                + run.misses.map { "seed \(run.plan.seed): \($0.limit.text(seen: $0.value))" }
        }.joined(separator: "; ")
    }

    private static func seconds(_ milliseconds: Double) -> String {
        guard milliseconds < 1e9 else { return "never" }
        return "\((milliseconds / 100).rounded() / 10) s"
    }
}
