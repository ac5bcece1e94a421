/// Judges by its own monotonic clock which workers are dead.
///
/// A worker is dead when successful looks, none too far apart, have seen the same heartbeat number
/// for a whole lease; or, when its session lock was seen to fall, for a heartbeat since then.
/// Nothing else counts: not the database's clock, which may jump, nor time in which nobody could
/// look, because then the workers could not beat either. A look after a gap begins the lease anew;
/// only where gap follows gap do two leases of looks, all told, stand for one without a gap, for
/// whoever looks over a bad way must find dead workers too.
///
/// A lock falls when its session ends. A worker that lives notices at once and beats anew over
/// another connection, so one heartbeat without that is enough, if nothing but the worker's own end
/// explains it. The end of the server ends every session, and an interruption may end many; workers
/// then come back one by one, some later than others, and a fallen lock tells nothing of them. So a
/// fall counts only if the same start of the same server answered a moment before, and the lock had
/// not fallen then. Otherwise the worker has its lease.
struct Observation {
    private struct Sighting {
        var sequence: Int64
        /// Since when it is seen so without a gap; nil until the next look.
        var since: ContinuousClock.Instant?
        /// For how long it was seen so before gaps.
        var earlier = Duration.zero
    }

    private struct Fall {
        let sequence: Int64
        /// Since when it is seen without a gap.
        var since: ContinuousClock.Instant
        /// Whether nothing but the worker's own end explains it.
        let isTelling: Bool
    }

    /// The least time that a worker whose lock fell has to show that it lives.
    static let shortestWait = Duration.seconds(1)

    /// Looks further apart than this have a gap between them.
    let longestGap: Duration
    private var sightings: [WorkerID: Sighting] = [:]
    /// The locks that had fallen at the last answer.
    private var falls: [WorkerID: Fall] = [:]
    private var lastContact: ContinuousClock.Instant?
    /// Who gave the last answer; see ``Leadership/server``.
    private var lastServer: String?
    /// Since when that server has answered.
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

    /// Whether to take the maintenance term from a worker whose lock has fallen. That is for those who
    /// know why each lock fell, as they find its worker dead the sooner; whoever does not, because it
    /// has just come, leaves them the time to.
    func mayTakeOver(now: ContinuousClock.Instant) -> Bool {
        guard let inTouchSince else { return false }
        return falls.values.allSatisfy(\.isTelling) || now - inTouchSince >= longestGap
    }

    /// Takes one successful look and returns those that are dead. Whoever does not hold the term sees
    /// only workers whose locks have fallen.
    mutating func look(
        at workers: [WorkerSight], on server: String, now: ContinuousClock.Instant
    ) -> [WorkerSight] {
        noteContact(workers, on: server, now)
        hasStillWorker = false
        nextVerdict = nil
        var seen: [WorkerID: Sighting] = [:]
        var dead: [WorkerSight] = []
        for worker in workers {
            let known = sightings[worker.id].flatMap { $0.sequence == worker.sequence ? $0 : nil }
            hasStillWorker = hasStillWorker || known != nil
            var sighting = known ?? Sighting(sequence: worker.sequence)
            let since = sighting.since ?? now
            let still = now - since
            sighting.since = since
            seen[worker.id] = sighting
            let byLease = min(worker.lease - still, worker.lease * 2 - sighting.earlier - still)
            let byLock = untilVerdict(byLockOf: worker, now: now)
            if min(byLease, byLock ?? byLease) <= .zero {
                dead.append(worker)
            } else if let byLock {
                nextVerdict = min(nextVerdict ?? byLock, byLock, byLease)
            }
        }
        sightings = seen
        return dead
    }

    /// How much longer a worker may be silent whose lock has fallen; nil if that tells nothing.
    private func untilVerdict(
        byLockOf worker: WorkerSight, now: ContinuousClock.Instant
    ) -> Duration? {
        guard let fall = falls[worker.id], fall.isTelling else { return nil }
        return max(worker.heartbeat, Self.shortestWait) - (now - fall.since)
    }

    /// Takes what every answer tells.
    private mutating func noteContact(
        _ workers: [WorkerSight], on server: String, _ now: ContinuousClock.Instant
    ) {
        let silence = lastContact.map { now - $0 }
        let isGap = silence.map { $0 > longestGap } ?? false
        if isGap { breakOff() }
        // Twice as long, as whoever holds the term of an idle system looks less often.
        let isNear = silence.map { $0 <= longestGap * 2 } ?? false
        let isSame = isNear && server == lastServer
        var fallen: [WorkerID: Fall] = [:]
        for worker in workers where worker.lockFell {
            var fall = Fall(sequence: worker.sequence, since: now, isTelling: isSame)
            if isSame, let known = falls[worker.id], known.sequence == worker.sequence {
                fall = known
                if isGap { fall.since = now }
            }
            fallen[worker.id] = fall
        }
        falls = fallen
        if !isSame { inTouchSince = now }
        lastServer = server
        lastContact = now
    }

    /// Counts what was seen until the last answer as seen before a gap.
    private mutating func breakOff() {
        guard let lastContact else { return }
        sightings = sightings.mapValues { sighting in
            guard let since = sighting.since else { return sighting }
            var broken = sighting
            broken.earlier += lastContact - since
            broken.since = nil
            return broken
        }
    }

    /// The database did not answer: there is a gap, and what fell in it tells nothing.
    mutating func reset() {
        breakOff()
        falls = [:]
        lastContact = nil
        lastServer = nil
        inTouchSince = nil
    }
}
