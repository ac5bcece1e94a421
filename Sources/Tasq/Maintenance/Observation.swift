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
    /// Whether a heartbeat stood still between the last two looks, however far apart they were:
    /// whoever looked less often then looks more closely.
    private(set) var hasStillWorker = false

    init(longestGap: Duration) {
        self.longestGap = longestGap
    }

    /// Takes one successful look and returns those that are dead.
    mutating func look(
        at workers: [WorkerSight], now: ContinuousClock.Instant
    ) -> [WorkerSight] {
        let isGap = lastLook.map { now - $0 > longestGap } ?? false
        lastLook = now
        hasStillWorker = false
        var seen: [WorkerID: Sighting] = [:]
        var dead: [WorkerSight] = []
        for worker in workers {
            let fresh = Sighting(sequence: worker.sequence, since: now)
            let known = sightings[worker.id].flatMap { $0.sequence == worker.sequence ? $0 : nil }
            hasStillWorker = hasStillWorker || known != nil
            let sighting = isGap ? fresh : known ?? fresh
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
