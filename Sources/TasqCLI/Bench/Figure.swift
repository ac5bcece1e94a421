/// One measured quantity: tasq's figure and, where there is one, its floor.
struct Figure: Sendable {
    /// What PostgreSQL or Redis does without tasq; a figure of tasq is read against it.
    enum Floor: Sendable {
        /// One value a round, and how it was taken.
        case rounds([Double], how: String)
        /// Why there is none.
        case absent(String)
    }

    let scenario: Scenario
    /// Which of the scenario's quantities, as in `8 callers`.
    let measure: String
    let unit: String
    /// One value a round.
    let rounds: [Double]
    var floor = Floor.absent("")
    /// How it was taken.
    let how: String

    /// The median of the rounds.
    var value: Double { rounds.median }

    var floorValue: Double? {
        if case .rounds(let values, _) = floor { values.median } else { nil }
    }

    /// Tasq's figure as a multiple of the floor's.
    var ratio: Double? {
        guard let floorValue, floorValue > 0 else { return nil }
        return value / floorValue
    }
}

/// What a scenario found.
struct Findings: Sendable {
    var figures: [Figure] = []
    var latencies: [LatencyCurve] = []
    var rates: [RateCurve] = []
}

/// How a latency is distributed.
struct LatencyCurve: Sendable {
    struct Point: Sendable {
        let percentile: Double
        let milliseconds: Double
    }

    let name: String
    let points: [Point]
}

/// How a rate went over time.
struct RateCurve: Sendable {
    struct Point: Sendable {
        let seconds: Double
        let perSecond: Double
    }

    let name: String
    let points: [Point]
}

extension [Double] {
    /// The middle one, or the mean of the two in the middle; 0 of none.
    var median: Double {
        guard !isEmpty else { return 0 }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
