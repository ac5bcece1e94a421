/// Judges by its own monotonic clock which workers are dead.
///
/// A worker is dead when successful looks, none too far apart, have seen the same heartbeat number
/// for a whole lease; or, when its session lock has fallen too, for a heartbeat since then; or, when
/// it is gone from the doorbell's server for a second, for a heartbeat and a second in all.
/// Nothing else counts: not the database's clock, which may jump, nor time in which nobody could
/// look, because then the workers could not beat either. A look after a gap begins the lease anew;
/// only where gap follows gap do two leases of looks, all told, stand for one without a gap, for
/// whoever looks over a bad way must find dead workers too.
///
/// A lock falls when its session ends. A worker that lives notices at once and beats anew over
/// another connection, so one heartbeat without that is enough, if nothing but the worker's own end
/// explains it. The end of a server ends every session, and is told from that by the database
/// (``WorkerSight/lockFell``). What cut this observer off may have cut others off too; workers then
/// come back one by one, some later than others, so for a lease from its own return a fallen lock
/// tells nothing.
///
/// A worker behind a pooler holds no lock, and is seen at the doorbell instead. Nothing brings its beat
/// forward when that connection ends, so what counts besides is how late its beat is.
struct Observation {
    private struct Sighting {
        let sequence: Int64
        /// Since when it is seen so without a gap; nil until the next look.
        var since: ContinuousClock.Instant?
        /// For how long it was seen so before gaps.
        var earlier = Duration.zero
        /// Since when its lock is seen without a gap to have fallen, or its presence to be gone, if
        /// that tells anything.
        var fell: ContinuousClock.Instant?
    }

    /// The least time that a worker whose lock fell has to show that it lives.
    static let shortestWait = Duration.seconds(1)
    /// How long a worker that the doorbell's server lost has to be seen there again.
    static let wayBack = Duration.seconds(1)
    /// How much later a heartbeat may come that nothing brings forward.
    static let lateness = Duration.seconds(1)

    /// Looks further apart than this have a gap between them.
    let longestGap: Duration
    private var sightings: [WorkerID: Sighting] = [:]
    private var lastContact: ContinuousClock.Instant?
    /// Whether the database did not answer when it was last asked.
    private var isCutOff = false
    /// When it answered again after it had not; nil if it always has.
    private var backSince: ContinuousClock.Instant?
    /// Whether a heartbeat stood still between the last two looks, however far apart they were:
    /// whoever looked less often then looks more closely.
    private(set) var hasStillWorker = false
    /// How soon after the last look another one finds a worker dead whose lock has fallen, if it
    /// gives no sign of life: looks once a second would come up to a second later.
    private(set) var nextVerdict: Duration?

    init(longestGap: Duration) {
        self.longestGap = longestGap
    }

    /// Takes one successful look and returns those that are dead; `gone` are those that are seen at
    /// the doorbell no more.
    mutating func look(
        at workers: [WorkerSight], gone: Set<WorkerID> = [], now: ContinuousClock.Instant
    ) -> [WorkerSight] {
        noteContact(now)
        hasStillWorker = false
        nextVerdict = nil
        var seen: [WorkerID: Sighting] = [:]
        var dead: [WorkerSight] = []
        for worker in workers {
            let known = sightings[worker.id].flatMap { $0.sequence == worker.sequence ? $0 : nil }
            hasStillWorker = hasStillWorker || known != nil
            var sighting = known ?? Sighting(sequence: worker.sequence)
            sighting.since = sighting.since ?? now
            let isTelling = backSince.map { now - $0 >= worker.lease } ?? true
            let isGone = worker.lockFell || gone.contains(worker.id)
            sighting.fell = isGone && isTelling ? sighting.fell ?? now : nil
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
        let still = now - (sighting.since ?? now)
        let byLease = min(worker.lease, worker.lease * 2 - sighting.earlier) - still
        guard let fell = sighting.fell else { return byLease }
        let wait = max(worker.heartbeat, Self.shortestWait)
        if worker.lockFell { return min(byLease, wait - (now - fell)) }
        return min(byLease, max(Self.wayBack - (now - fell), wait + Self.lateness - still))
    }

    private mutating func noteContact(_ now: ContinuousClock.Instant) {
        let silence = lastContact.map { now - $0 } ?? .zero
        if silence > longestGap { breakOff() }
        // Twice as long, as whoever holds the term of an idle system looks less often.
        if isCutOff || silence > longestGap * 2 { backSince = now }
        isCutOff = false
        lastContact = now
    }

    /// Counts what was seen until the last answer as seen before a gap.
    private mutating func breakOff() {
        guard let lastContact else { return }
        sightings = sightings.mapValues { sighting in
            guard let since = sighting.since else { return sighting }
            var broken = sighting
            broken.earlier += lastContact - since
            (broken.since, broken.fell) = (nil, nil)
            return broken
        }
    }

    /// The database did not answer: there is a gap.
    mutating func reset() {
        breakOff()
        lastContact = nil
        isCutOff = true
    }
}
