/// Judges by its own monotonic clock which workers are dead.
///
/// A worker is dead when successful looks, none too far apart, have seen the same heartbeat number
/// for a whole lease; or for two heartbeats, when its session lock has fallen too. Nothing else
/// counts: not the database's clock, which may jump, nor time in which nobody could look, because
/// then the workers could not beat either. A look after a gap starts all observations anew.
struct Observation {
    private struct Sighting {
        var sequence: Int64
        var since: ContinuousClock.Instant
    }

    /// Looks further apart than this have a gap between them.
    let longestGap: Duration
    private var sightings: [WorkerID: Sighting] = [:]
    private var lastLook: ContinuousClock.Instant?

    init(longestGap: Duration) {
        self.longestGap = longestGap
    }

    /// Takes one successful look and returns those that are dead.
    mutating func look(
        at workers: [WorkerSight], now: ContinuousClock.Instant
    ) -> [WorkerSight] {
        if let lastLook, now - lastLook > longestGap { sightings = [:] }
        lastLook = now
        var seen: [WorkerID: Sighting] = [:]
        var dead: [WorkerSight] = []
        for worker in workers {
            var sighting = sightings[worker.id] ?? Sighting(sequence: worker.sequence, since: now)
            if sighting.sequence != worker.sequence {
                sighting = Sighting(sequence: worker.sequence, since: now)
            }
            seen[worker.id] = sighting
            let stillness = now - sighting.since
            let limit = worker.lockFell ? min(worker.lease, worker.heartbeat * 2) : worker.lease
            if stillness >= limit { dead.append(worker) }
        }
        sightings = seen
        return dead
    }

    /// Forgets everything: the term was not held, so somebody else looked.
    mutating func reset() {
        sightings = [:]
        lastLook = nil
    }
}
