public import Tasq

extension TargetClient {
    /// How many targets of this process are held back now, and how many deliveries have been.
    ///
    /// They are shared by all clients of the process; `PrometheusText.page(of:)` writes them
    /// beside those of a worker. Reads counters and asks nobody.
    public static var metrics: [Metric] {
        [
            Metric(
                "tasq_targets_held_back", .gauge,
                help: "Targets to which nothing is delivered but by one that tries.",
                value: Double(TargetPace.heldCount)),
            Metric(
                "tasq_deliveries_held_back_total", .counter,
                help: "Deliveries put off without an attempt, as their target fails or is silent.",
                value: Double(TargetPace.heldBack.value)),
        ]
    }
}
