/// Judges by its own monotonic clock which workers are dead.
///
/// A worker is dead when successful looks, none too far apart, have seen the same heartbeat number
/// for a whole lease; or, when its session lock has fallen too, for a heartbeat or two since then.
/// Nothing else counts: not the database's clock, which may jump, nor time in which nobody could
/// look, because then the workers could not beat either. A look after a gap starts all
/// observations anew.
///
/// A lock falls when its session ends. A worker that lives notices at once and beats anew over
/// another connection, so one heartbeat without that is enough, if the session cannot have ended
/// because the database itself was away: this observer was in touch with it for a heartbeat before.
/// Otherwise all workers are just coming back, and they get two.
struct Observation {
    private struct Sighting {
        var sequence: Int64
        var since: ContinuousClock.Instant
        /// Since when the lock is seen to have fallen, and whether nothing but the worker's own
        /// end explains it.
        var fell: (since: ContinuousClock.Instant, isTelling: Bool)?
    }

    /// The least time that a worker whose lock fell has to show that it lives.
    static let shortestWait = Duration.seconds(1)

    /// Looks further apart than this have a gap between them.
    let longestGap: Duration
    private var sightings: [WorkerID: Sighting] = [:]
    private var lastContact: ContinuousClock.Instant?
    /// Since when the database answered without a gap.
    private var inTouchSince: ContinuousClock.Instant?
    /// Whether a heartbeat stood still between the last two looks, however far apart they were:
    /// whoever looked less often then looks more closely.
    private(set) var hasStillWorker = false
    /// How soon after the last look another one finds a worker dead whose lock has fallen, if it
    /// gives no sign of life: looks once a second would come up to a second later.
    private(set) var nextVerdict: Duration?

    init(longestGap: Duration) {
        self.longestGap = longestGap
    }

    /// The database answered, but told nothing of the workers: somebody else looks.
    mutating func touch(now: ContinuousClock.Instant) {
        noteContact(now)
        sightings = [:]
    }

    /// Takes one successful look and returns those that are dead.
    mutating func look(
        at workers: [WorkerSight], now: ContinuousClock.Instant
    ) -> [WorkerSight] {
        let isGap = noteContact(now)
        let inTouch = now - (inTouchSince ?? now)
        hasStillWorker = false
        nextVerdict = nil
        var seen: [WorkerID: Sighting] = [:]
        var dead: [WorkerSight] = []
        for worker in workers {
            let known = sightings[worker.id].flatMap { $0.sequence == worker.sequence ? $0 : nil }
            hasStillWorker = hasStillWorker || known != nil
            var sighting = Sighting(sequence: worker.sequence, since: now)
            if let known, !isGap { sighting = known }
            if !worker.lockFell {
                sighting.fell = nil
            } else if sighting.fell == nil {
                sighting.fell = (now, inTouch >= worker.heartbeat)
            }
            seen[worker.id] = sighting
            let verdict = untilVerdict(on: sighting, of: worker, now: now)
            if verdict <= .zero {
                dead.append(worker)
            } else if sighting.fell != nil {
                nextVerdict = min(nextVerdict ?? verdict, verdict)
            }
        }
        sightings = seen
        return dead
    }

    /// How much longer a worker may be silent.
    private func untilVerdict(
        on sighting: Sighting, of worker: WorkerSight, now: ContinuousClock.Instant
    ) -> Duration {
        let byLease = worker.lease - (now - sighting.since)
        guard let fell = sighting.fell else { return byLease }
        let wait = max(worker.heartbeat, Self.shortestWait) * (fell.isTelling ? 1 : 2)
        return min(byLease, wait - (now - fell.since))
    }

    /// Says whether there was a gap before this answer.
    @discardableResult
    private mutating func noteContact(_ now: ContinuousClock.Instant) -> Bool {
        let isGap = lastContact.map { now - $0 > longestGap } ?? false
        if isGap || lastContact == nil { inTouchSince = now }
        lastContact = now
        return isGap
    }

    /// Forgets everything: the database did not answer.
    mutating func reset() {
        sightings = [:]
        lastContact = nil
        inTouchSince = nil
    }
}
