/// What to measure and in what sizes; `nil` leaves a size to its scenario.
struct BenchPlan: Sendable {
    var scenarios: [Scenario]
    var jobs: Int?
    var seconds: Int?
    var rows: Int?
    var concurrency = 500
    var rounds = 3
    /// Jobs of the target that answers.
    var live = 100
    /// Of the worker that delivers to targets; as many as a worker has by default.
    var slots = Configuration.WorkerSection().concurrency
    /// Seconds until a delivery gives up on the target that never answers.
    var hang = 30

    static let usual = BenchPlan(scenarios: Scenario.allCases)

    static let jobRange = 1...1_000_000
    static let secondRange = 1...600
    static let rowRange = 1...10_000_000
    static let concurrencyRange = 1...10_000
    static let roundRange = 1...25
    static let liveRange = 1...10_000

    /// The length of one timed measurement.
    func time(_ seconds: Int) -> Duration { .seconds(self.seconds ?? seconds) }
}
