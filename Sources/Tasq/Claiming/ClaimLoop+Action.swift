extension ClaimLoop {
    /// What is to be done next.
    enum Action: Sendable, Equatable {
        /// Wait until a place is free, and at least until then: ``Event/round(_:)``.
        case wait(until: Instant?)
        /// Enter the kinds that there are handlers for now: ``Event/done``.
        case declare([String])
        /// Hand back claims that nobody here knows of, once none is on its way: ``Event/done``.
        case audit
        /// Ask the store whose turn it is to make way for a suspect: ``Event/turn(_:asked:)``.
        case askTurn
        /// Run suspects of these queues, one by one, until then at most: ``Event/ranSuspects(_:)``.
        case runSuspects(from: [Name], until: Instant?)
        /// Ask which of these ids are queued after all, those that a claim missed or those at the head
        /// of a list that lags: ``Event/stillQueued(_:foreign:)``.
        case lookAgain([JobID], areMissed: Bool)
        /// Announce these again: ``Event/done``.
        case ring([Announcement])
        /// Take announced ids: ``Event/taken(_:kinds:)``.
        case take(upTo: Int, wait: Duration)
        /// Claim these: ``Event/claimed(_:)``; if it `flies`, beside the loop: ``Event/done`` at once,
        /// and ``Landed`` with a later round.
        case claim([JobID], flies: Bool)
        /// Claim from the table: ``Event/swept(_:free:)``, or beside the loop like a claim.
        case sweep(upTo: Int, behind: [Name: QueuedCursor], flies: Bool)
        /// Pause, after saying what failed if that is new: ``Event/done``.
        case pause(Duration, telling: StoreError?)
        /// End: what the store answers cannot be read, now or later.
        case giveUp(StoreError)
    }

    /// What has happened.
    enum Event: Sendable {
        /// A place is free.
        case round(Round)
        case done
        /// The turn is another's if it is `nil`.
        case turn(SuspectsTurn?, asked: Instant)
        case ranSuspects(SuspectsTime)
        /// Those of kinds that nobody here knows stand apart.
        case stillQueued([QueuedJob], foreign: [Announcement])
        /// `nil` if the doorbell is out. The kinds are those that there are handlers for by now.
        case taken([JobID]?, kinds: [String])
        case claimed([ClaimedJob])
        /// So many places are free by now.
        case swept(SweepAnswer, free: Int)
        /// What was to be done could not be, because of the store.
        case failed(StoreError)
    }

    /// What a round begins with.
    struct Round: Sendable {
        /// Jobs that can be started now, or soon enough.
        var free: Int
        /// The kinds that there are handlers for.
        var kinds: [String] = []
        /// Somebody else asks the doorbell until it answers.
        var isDoorbellOut = false
        var landed = Landed()
    }

    /// What has come back of claims and of the sweep beside the loop since it was last told.
    struct Landed: Sendable {
        var claims: [ClaimAnswer] = []
        var sweep: SweepAnswer?
    }

    struct ClaimAnswer: Sendable {
        let ids: [JobID]
        let result: Result<[ClaimedJob], StoreError>
    }

    struct SweepAnswer: Sendable {
        let result: Result<Sweep, StoreError>
        let asked: Instant
        let answered: Instant
    }

    /// What became of a turn to run suspects.
    struct SuspectsTime: Sendable {
        /// Suspects were looked for: what else there is to do comes after a wait.
        var isOver = false
        var claimed = 0
        /// None is left.
        var isLast = false
    }
}
