import Tasq
import TasqTesting

extension Plan {
    /// What the checkers must know of a run.
    var settings: [(name: String, value: Double)] {
        func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }
        let processes = Double(workers + 1)
        let granted =
            fault.setup.allows.map(\.rawValue) + fault.setup.excuses.map(\.rawValue)
        let general: [(name: String, value: Double)] = [
            ("lease_ms", milliseconds(profile.lease)),
            ("grace_ms", milliseconds(profile.grace)),
            ("heal_ms", milliseconds(profile.healLimit)),
            // Of a worker that has been silent for a lease and three seconds, see Sampler.
            ("orphan_ms", milliseconds(.seconds(3).onThisMachine)),
            // Asked to end, a process claims nothing more after so long, and is gone so long after
            // its grace, or after it was asked a second time.
            ("last_claim_ms", milliseconds(.milliseconds(200).onThisMachine)),
            ("exit_ms", milliseconds(.seconds(1).onThisMachine)),
            ("pick_ms", 2500),
            ("max_crashes", Double(JobLimits.maxCrashes)),
            ("jobs", Double(jobs)),
            // The servers are looked at four times and once a second; on a busy machine, seldomer.
            ("look_ms", milliseconds(.seconds(5).onThisMachine)),
            // A caller who is told so soon that it cannot be done now knows what to do.
            ("clear_ms", milliseconds(.milliseconds(2500).onThisMachine)),
            // Of so many of the mixture some are read, and some called off.
            ("mixture_from", fault.setup.load.isMixture ? 2000 : 0),
            // A pool, a heartbeat and a listener each, and one of the pool on its way out.
            ("connections", processes * 14),
            ("list_slack", 1000),
            ("clock_is_true", fault.setup.clockIsTrue ? 1 : 0),
            ("steady_rate", steadyRate),
        ]
        return general + fault.setup.settings + granted.map { (name: $0, value: 1.0) }
    }
}
