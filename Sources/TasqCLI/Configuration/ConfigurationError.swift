/// One thing wrong with the configuration: where, and what to write instead. Never a value.
struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// As in `config/tasq.yaml:12`, `TASQ_WORKER_LEASE` or `--log-level`.
    let place: String
    let text: String

    var description: String { "\(place): \(text)" }
}

/// Everything wrong with the configuration, one line each.
struct ConfigurationError: Error, CustomStringConvertible {
    let problems: [ConfigurationProblem]

    var description: String { problems.map(\.description).joined(separator: "\n") }

    /// Whether nothing but the command line is wrong.
    var isOfFlags: Bool { problems.allSatisfy { $0.place.hasPrefix("--") } }
}

/// Collects what is wrong while a configuration is read, so that all of it is told at once.
final class ProblemCollector {
    private(set) var problems: [ConfigurationProblem] = []

    func report(_ place: String, _ text: String) {
        let problem = ConfigurationProblem(place: place, text: text)
        if !problems.contains(problem) { problems.append(problem) }
    }
}

/// The known name a mistyped one was probably meant to be; `nil` when none is near.
func nearestName(to name: String, among known: some Sequence<String>) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in known {
        let distance = editDistance(Array(name.utf8), Array(candidate.utf8))
        if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(2, best.name.utf8.count / 3) else { return nil }
    return best.name
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var cost = min(
                last[column] + (letter == other ? 0 : 1), last[column + 1] + 1,
                current[column] + 1)
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
