/// Looks at every state that a scope's moves lead to, breadth first, until a rule is broken.
///
/// States are known by a fingerprint of 64 bits: that any two of a million share one has a chance
/// of one in forty million. A trace is found again by repeating the moves.
package struct Explorer {
    /// What was found.
    package struct Result: Sendable, CustomStringConvertible {
        /// Different states.
        package var states = 0
        package var moves = 0
        /// The longest of the shortest ways to a state.
        package var depth = 0
        package var violation: Violation?
        /// The states in which nothing is under way, by their fingerprints.
        package var quiet: Set<UInt64> = []

        package var description: String { "\(states) states, \(moves) moves, \(depth) deep" }
    }

    /// A broken rule and the shortest way to it.
    package struct Violation: Sendable, CustomStringConvertible {
        package var rule: String
        package var trace: [String]

        package var description: String {
            trace.enumerated().map { "\($0 + 1). \($1)\n" }.joined() + "→ \(rule)"
        }
    }

    private let model: Model
    private let start: State
    private var places: [UInt64: UInt32] = [:]
    private var parents: [UInt32] = []
    private var choices: [UInt16] = []
    /// Where each state's moves lead: those of state n are `targets[offsets[n]..<offsets[n + 1]]`.
    private var targets: [UInt32] = []
    private var offsets: [UInt32] = [0]
    private var isOver: [Bool] = []
    private var quiet: Set<UInt64> = []

    private init(_ scope: Scope) {
        model = Model(scope)
        start = State(scope)
    }

    /// Explores all of a scope; ends early at a broken rule.
    package static func explore(_ scope: Scope) -> Result {
        var explorer = Explorer(scope)
        return explorer.run()
    }

    private mutating func run() -> Result {
        var result = Result()
        var level: [State] = []
        _ = enter(start, from: .max, by: 0, into: &level)
        var index = 0
        while !level.isEmpty, result.violation == nil {
            var next: [State] = []
            for state in level where result.violation == nil {
                result.violation = visit(state, index, into: &next)
                index += 1
            }
            level = next
            result.depth += 1
        }
        result.states = parents.count
        result.moves = targets.count
        result.quiet = quiet
        if result.violation == nil { result.violation = firstStuck() }
        return result
    }

    private mutating func visit(
        _ state: State, _ index: Int, into level: inout [State]
    ) -> Violation? {
        if model.isDeadlocked(state) {
            return violation("the statements wait for each other: a deadlock", at: index)
        }
        for (choice, move) in model.successors(of: state).enumerated() {
            if let rule = move.violation { return violation(rule, at: index, then: move.action) }
            targets.append(enter(move.state, from: UInt32(index), by: choice, into: &level))
        }
        offsets.append(UInt32(targets.count))
        return nil
    }

    private mutating func enter(
        _ state: State, from parent: UInt32, by choice: Int, into level: inout [State]
    ) -> UInt32 {
        let fingerprint = state.fingerprint
        if let known = places[fingerprint] { return known }
        let place = UInt32(parents.count)
        places[fingerprint] = place
        if state.flights.isEmpty { quiet.insert(fingerprint) }
        level.append(state)
        parents.append(parent)
        choices.append(UInt16(choice))
        isOver.append(model.isOver(state))
        return place
    }

    /// From every state some way leads to where all jobs are final: nothing is stuck for ever.
    private func firstStuck() -> Violation? {
        var isFree = isOver
        var isNews = true
        while isNews {
            isNews = false
            for index in isFree.indices.reversed() where !isFree[index] {
                for edge in offsets[index]..<offsets[index + 1]
                where isFree[Int(targets[Int(edge)])] {
                    isFree[index] = true
                    isNews = true
                    break
                }
            }
        }
        return isFree.firstIndex(of: false).map {
            violation("no way leads to an end of all jobs any more (invariant 1)", at: $0)
        }
    }

    private func violation(_ rule: String, at index: Int, then last: Action? = nil) -> Violation {
        var way: [UInt16] = []
        var index = index
        while parents[index] != .max {
            way.append(choices[index])
            index = Int(parents[index])
        }
        var state = start
        var trace: [String] = []
        for choice in way.reversed() {
            let move = model.successors(of: state)[Int(choice)]
            trace.append("\(move.action)")
            state = move.state
        }
        if let last { trace.append("\(last)") }
        return Violation(rule: rule, trace: trace)
    }
}
