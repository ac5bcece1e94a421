/// What to measure and in what sizes; `nil` leaves a size to its scenario.
struct BenchPlan: Sendable {
    var scenarios: [Scenario]
    var jobs: Int?
    var seconds: Int?
    var rows: Int?
    var concurrency = 500
    var rounds = 3

    static let jobRange = 1...1_000_000
    static let secondRange = 1...600
    static let rowRange = 1...10_000_000
    static let concurrencyRange = 1...10_000
    static let roundRange = 1...25

    /// The length of one timed measurement.
    func time(_ seconds: Int) -> Duration { .seconds(self.seconds ?? seconds) }
}
