/// What one run came to.
struct Report: Sendable {
    let plan: Plan
    let findings: [Finding]
    let figures: [Figure]
    /// Tokens of acknowledged jobs that went, as may happen, with a primary whose standby lagged.
    var lostWithPrimary: [String] = []
    /// The folder with what the run left behind, if it was kept.
    var evidence: String?
    /// How long each phase took, in the order they began.
    var seconds: [(phase: String, seconds: Double)] = []

    /// The pass figures that were not kept.
    var misses: [(limit: Limit, value: Double?)] {
        plan.limits.compactMap { limit in
            let value = figures.first { $0.name == limit.figure }?.value
            return value.map(limit.holds) == true ? nil : (limit, value)
        }
    }

    /// Whether nothing was found and every pass figure was kept.
    var isClean: Bool { findings.isEmpty && misses.isEmpty }

    /// Whether it did not hold, and runs beside it can have done that: only times, rates and shares
    /// were missed, and no count.
    var isMoved: Bool {
        let timed = Set(Invariant.all.filter(\.isTimed).map(\.name))
        return plan.isBeside && !isClean
            && findings.allSatisfy { timed.contains($0.invariant) }
            && misses.allSatisfy { miss in
                figures.contains { $0.name == miss.limit.figure && !$0.unit.isEmpty }
            }
    }

    /// The nine that must be zero, as they are named in reports.
    var zeroes: [(name: String, count: Int)] {
        Invariant.all.compactMap { invariant in
            invariant.figure.map { name in
                (name, findings.first { $0.invariant == invariant.name }?.count ?? 0)
            }
        }
    }

    func figure(_ name: String) -> Double? { figures.first { $0.name == name }?.value }

    /// One JSON document.
    var json: String { (try? Document(self).line()) ?? "" }

    /// So many of the jobs that went with a primary are named to people; the JSON has all.
    private static let shownLosses = 20

    /// For people: what was found, what was missed, the figures.
    var text: String {
        var lines = ["\(plan.fault.name), seed \(plan.seed): \(isClean ? "held" : "NOT HELD")"]
        lines.append(
            "  " + zeroes.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
        for finding in findings {
            let title = Invariant.all.first { $0.name == finding.invariant }?.title ?? ""
            lines.append("  \(finding.invariant) \(title): \(finding.count)")
            lines += finding.examples.prefix(3).map { "    \($0)" }
        }
        for miss in misses { lines.append("  missed: " + miss.limit.text(seen: miss.value)) }
        lines += figures.map { "  \($0.name): \($0.text)" }
        for token in lostWithPrimary.prefix(Self.shownLosses) {
            lines.append("  lost with the primary: \(token)")
        }
        let unshown = lostWithPrimary.count - Self.shownLosses
        if unshown > 0 { lines.append("  lost with the primary: \(unshown) more") }
        if !seconds.isEmpty {
            let phases = seconds.map { "\($0.phase) \(Figure(name: "", value: $0.seconds).text) s" }
            lines.append("  took: " + phases.joined(separator: ", "))
        }
        if let evidence { lines.append("  kept in \(evidence)") }
        return lines.joined(separator: "\n")
    }
}

extension Figure {
    /// The number with its unit.
    var text: String {
        let rounded = value >= 100 ? value.rounded() : (value * 10).rounded() / 10
        let number = rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
        return unit.isEmpty ? number : "\(number) \(unit)"
    }
}

extension Limit {
    /// What was asked for and what was seen.
    func text(seen value: Double?) -> String {
        let bound = most.map { "at most \($0)" } ?? least.map { "at least \($0)" } ?? ""
        return "\(figure) \(value.map { "\($0)" } ?? "not measured"), \(bound) asked for"
    }
}
