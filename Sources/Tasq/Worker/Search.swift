/// What a worker's loop remembers from one round to the next.
struct Search {
    let clock = ContinuousClock()
    var batches = 0
    private(set) var lastSweep: ContinuousClock.Instant?
    var pollPause = Backoff(from: .milliseconds(20), to: .seconds(1))
    var outage = Backoff(from: .milliseconds(100), to: .seconds(2))
    /// The last take failed, and that was said.
    var doorbellIsOut = false
    var isFilled = false
    /// The last take brought nothing.
    var listIsEmpty = false
    /// How long the next take waits for an announcement.
    var idleWait = Duration.zero
    /// The next take waits until then, so that it brings more.
    var restsUntil: ContinuousClock.Instant?
    /// Taken, but the store could not be asked.
    var unclaimed: [JobID] = []
    /// Offered to a claim that did not return them.
    var missed: Set<JobID> = []
    var missedSince: ContinuousClock.Instant?
    /// The kinds that the worker's row says it has handlers for.
    var kinds: [String] = []
    /// Ids of kinds that are none of them, which were announced again for others.
    var passedOn = PassedOn()
    /// A sweep has told of a suspect, and the store is to be asked whose turn it is.
    private(set) var asksTurn = false
    /// A suspect waits, and it is this worker's turn to make way for it.
    private(set) var isSuspectsTurn = false
    /// The suspect's queue; `nil` is any.
    private(set) var suspectsQueue: Name?
    /// When the turn is another's; `nil` is never.
    private(set) var suspectsTurnEnd: ContinuousClock.Instant?
    /// Until then the others run, though it is the suspects' turn.
    private(set) var suspectsRest: ContinuousClock.Instant?
    /// Nothing tells whose turn it is, so it is that of a worker that hears of a suspect.
    var takesEveryTurn = false
    /// How long the last announced jobs had waited, in microseconds; unknown before the first.
    var announcedWait: Int64?
    /// The last sweep found jobs whose announcement got lost, and there may be more.
    private(set) var sweepsAgain = false
    /// Until then the list alone gives work.
    private var nextSweep: ContinuousClock.Instant?
    /// The last sweep took so long that the next one goes on beside the takes.
    private(set) var sweepIsLong = false
    /// Ids in a row that were taken and could not be claimed.
    private(set) var stale = 0
    /// The last sweep left no room for a take, so the next turn is the list's.
    var owesTake = false
    /// Jobs may be claimed that this worker does not know of: look for them from this moment on.
    private(set) var auditAt: ContinuousClock.Instant?
    /// How many looks are still to come.
    private var audits = 0
    /// Where the next sweep goes on.
    var cursors = SweepCursors()
    let flights = ClaimFlights()

    /// A sweep took its time. It is a safety net, and has a twentieth of the worker's time: while
    /// somebody's long transaction keeps the rows of finished jobs from being removed, each sweep
    /// walks over all of them. A long one has a fiftieth, because it takes that from PostgreSQL and
    /// so from everybody. One that finds what the list has lost has half of it.
    mutating func noteSweep(
        of jobs: [ClaimedJob], from asked: ContinuousClock.Instant,
        to answered: ContinuousClock.Instant
    ) {
        lastSweep = answered
        sweepIsLong = answered - asked >= Worker.longSweep
        // Lost ones are many or none: a sweep and a take go by turns until they are found.
        let longestWait = jobs.map(\.waitedMicroseconds).max() ?? 0
        sweepsAgain = longestWait - (announcedWait ?? 0) > Worker.lostAfter
        let rests = sweepsAgain ? 1 : sweepIsLong ? 49 : 19
        nextSweep = answered + (answered - asked) * rests
    }

    /// One that failed rests like any other, but not for long; one that took its time to fail goes on
    /// beside the takes the next time.
    mutating func noteFailedSweep(
        from asked: ContinuousClock.Instant, to answered: ContinuousClock.Instant
    ) {
        lastSweep = answered
        sweepIsLong = answered - asked >= Worker.longSweep
        sweepsAgain = false
        nextSweep = answered + min(max((answered - asked) * 19, .milliseconds(100)), .seconds(2))
    }

    /// The worker's row says that it has handlers for these from now on: what waits of them is looked
    /// for in the table, for their ids may have been passed on.
    mutating func noteKinds(_ kinds: [String]) {
        self.kinds = kinds
        passedOn = PassedOn()
        isFilled = false
        lastSweep = nil
        cursors = SweepCursors()
    }

    /// How much longer only the list gives work; never negative.
    var sweepRest: Duration { nextSweep.map { max($0 - clock.now, .zero) } ?? .zero }

    var restsFromSweep: Bool { sweepRest > .zero || flights.isSweeping }

    /// Claims that nobody here knows of are due to be looked for.
    var owesAudit: Bool { auditAt.map { clock.now >= $0 } ?? false }

    /// The next sweep goes on beside the takes, which find work meanwhile. Lost jobs are not left to
    /// it, nor is all work while the doorbell is out; and an audit waits for whatever claims.
    var sweepFlies: Bool { sweepIsLong && !sweepsAgain && !doorbellIsOut }

    /// Returns those that anybody may claim by their ids. Suspects have their own turn, and a sweep
    /// says whose it is: one that waits lets the next sweep be soon. Without sweeps it is this
    /// worker's, and their ids, which stand on no list now, are looked at again until they have run.
    mutating func noteSuspects(among jobs: [QueuedJob]) -> [Announcement] {
        let suspects = jobs.filter(\.isSuspect).map(\.announcement.id)
        if !suspects.isEmpty, takesEveryTurn {
            isSuspectsTurn = true
            missed.formUnion(suspects.prefix(max(0, Worker.maxMissed - missed.count)))
            missedSince = missedSince ?? clock.now + Worker.suspectAlone
        } else if !suspects.isEmpty {
            lastSweep = nil
        }
        return jobs.filter { !$0.isSuspect }.map(\.announcement)
    }

    /// A sweep has told of a suspect.
    mutating func noteSuspect() {
        if takesEveryTurn { isSuspectsTurn = true } else { asksTurn = true }
    }

    /// The store is being asked; if it fails, the next sweep tells of the suspect again.
    mutating func noteQuestion() {
        asksTurn = false
    }

    /// It is this worker's turn.
    mutating func noteTurn(_ turn: SuspectsTurn, from asked: ContinuousClock.Instant) {
        isSuspectsTurn = true
        suspectsQueue = turn.queue
        suspectsTurnEnd = asked + turn.left
    }

    /// Suspects may run now.
    var owesSuspects: Bool {
        isSuspectsTurn && suspectsRest.map { clock.now >= $0 } ?? true
    }

    /// The suspects have had their time. Where nothing will tell that more of them wait, it is their
    /// turn again when the others have had as long.
    mutating func noteSuspectsTime(isLast: Bool) {
        isSuspectsTurn = takesEveryTurn && !isLast
        suspectsRest = takesEveryTurn ? clock.now + Worker.suspectAlone : nil
    }

    /// So many of the ids that the list gave last are of jobs that cannot be claimed.
    mutating func noteStale(_ count: Int, of all: Int) {
        stale = count > all / 2 ? min(stale + count, Worker.claimLimit) : 0
    }

    /// Claims stand, or have ended: whichever a primary that is lost has not passed on comes back
    /// with the standby that takes over, and nobody knows of it.
    mutating func noteClaims() {
        owe(2, from: auditAt ?? clock.now + Worker.auditEvery)
    }

    /// PostgreSQL failed, and may be another one when it answers again. A statement whose answer
    /// got lost may be committed late.
    mutating func noteFailure(_ error: StoreError) {
        if case .unknown = error { owe(20, from: clock.now) } else { owe(2, from: clock.now) }
    }

    mutating func noteAudit() {
        audits -= 1
        auditAt = audits > 0 ? clock.now + Worker.auditEvery : nil
    }

    private mutating func owe(_ count: Int, from time: ContinuousClock.Instant) {
        audits = max(audits, count)
        auditAt = time
    }
}
