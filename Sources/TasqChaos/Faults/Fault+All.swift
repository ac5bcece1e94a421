extension Fault {
    /// Every fault, made anew for each run.
    static var all: [Fault] {
        let groups: [[Fault]] = [
            [.calm], orderFaults, processFaults, redisFaults, postgresFaults, promotionFaults,
            serverFaults, networkFaults, jobFaults, scheduleFaults, mixedFaults,
        ]
        return groups.flatMap { $0 }
    }

    static func named(_ name: String) -> Fault? {
        all.first { $0.name == name }
    }

    /// Nothing: what the figures are without a fault.
    static let calm = Fault(
        name: "calm", summary: "nothing is disturbed", isQuick: true,
        setup: Setup(comparesCounters: true),
        limits: [
            .atMost(0, "counted beyond what was told"), .atLeast(0, "counted beyond what was told"),
        ],
        hasNoRecovery: "there is nothing to recover from"
    ) { rig in
        try await rig.pass(.seconds(3))
        return []
    }
}
