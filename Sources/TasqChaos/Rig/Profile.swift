import ArgumentParser

/// How quickly a run's workers beat and are missed.
enum Profile: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// In the proportion of the defaults, and short enough to wait for.
    case test
    /// What everybody has who changes nothing.
    case defaults

    var heartbeat: Duration { self == .test ? .milliseconds(500) : .seconds(2) }
    var lease: Duration { self == .test ? .seconds(3) : .seconds(15) }
    var grace: Duration { self == .test ? .seconds(5) : .seconds(25) }

    /// How long everything may take to go on as before when a fault is over.
    var healLimit: Duration { lease + .seconds(10) }
    /// How long the last job may take once nothing more is asked for.
    var drainLimit: Duration { self == .test ? .seconds(90) : .seconds(180) }

    /// For the processes of `tasq`.
    var environment: [String: String] {
        guard self == .test else { return [:] }
        return [
            "TASQ_WORKER_HEARTBEAT": "500ms", "TASQ_WORKER_LEASE": "3s",
            "TASQ_WORKER_GRACE": "5s",
        ]
    }
}
