/// What one run does.
struct Plan: Sendable {
    var fault: Fault
    var seed: UInt64
    /// Jobs to be acknowledged at least.
    var jobs: Int
    private var givenWorkers: Int
    var profile: Profile
    /// A mistake put back into the statements; workers are then all of this program.
    var mistake: Mistake?
    /// With a mistake's stage and limits, and without the mistake: what it must not find.
    var isUnedited: Bool
    /// Whether every worker holds the maintenance term at once.
    private var sharesTerm: Bool
    /// Where to keep what the run leaves behind; without it only a run that finds something does.
    var keep: String?
    /// Whether other runs go on beside it.
    var isBeside = false

    /// Whether all lead: where it is asked for, or is the fault.
    var allLead: Bool { sharesTerm || fault.setup.allLead }
    /// Which programs the workers are. Statements can be changed in this one's alone; a version
    /// that is to be replaced is itself all the same.
    var programs: [Fault.WorkerProgram] {
        let isOwn = (mistake != nil || allLead) && !fault.setup.startsOld
        return isOwn ? [.chaos] : fault.setup.programs
    }

    /// Jobs one worker runs at once.
    var slots: Int { fault.setup.slots }

    /// Jobs asked for a second, where that is another number than the fault's own.
    var rate: Double?
    /// The same, whoever said it.
    var askedRate: Double { rate ?? fault.setup.rate }
    /// Jobs asked for a second once all must go on as before. A fault that wants few of them has no
    /// reason to go on so; an order can be asked for only while no more come.
    var restRate: Double {
        guard rate == nil, recovery != nil else { return askedRate }
        return max(askedRate, Fault.Setup().rate)
    }

    /// Jobs done a second that count as no recovery, whatever the rate was before: of those asked
    /// for, some are meant to fail. Alone, a run is measured by itself; others beside it may have
    /// slowed it before its fault, and then it would be measured by too little.
    var steadyRate: Double {
        guard isBeside, recovery != nil, fault.setup.backlog == 0 else { return 0 }
        return 0.97 * askedRate
    }

    /// Whether no other run may go on meanwhile, for it fills the machine. A small run does not.
    var isApart: Bool { fault.setup.fillsMachine && !isBrief }

    /// A small run is over too soon to tell how fast anything was.
    var isBrief: Bool { jobs < 1000 }
    /// How long the load runs before the fault, and after it at least.
    ///
    /// More than the usual is for percentiles, which are asked for at the defaults alone.
    var calm: Duration {
        if isBrief { return .seconds(1) }
        return profile == .test ? min(fault.setup.calm, Fault.Setup().calm) : fault.setup.calm
    }
    var convalescence: Duration {
        if isBrief { return .seconds(2) }
        return recovery.map { Duration.milliseconds($0) + .seconds(4) } ?? .seconds(5)
    }

    /// How many milliseconds after its fault it must go on for good as before; nil if nobody asks.
    private var recovery: Double? {
        guard fault.hasNoRecovery == nil, !isBrief else { return nil }
        let own = fault.limits.first { $0.figure == "healed" && $0.isFor(profile) }?.most
        return own ?? profile.healLimit / .milliseconds(1)
    }

    /// The pass figures: the fault's own, that it recovers without help, and that nobody is told
    /// that what is asked for is wrong, for it never is.
    var limits: [Limit] {
        let own = fault.limits.filter { $0.figure != "healed" && $0.isFor(profile) }
        return own + [.atMost(0, "requests refused")]
            + (recovery.map { [Limit.atMost($0, "healed")] } ?? [])
    }

    var workers: Int { fault.setup.workers ?? givenWorkers }

    init(
        fault: Fault, seed: UInt64, jobs: Int, workers: Int, profile: Profile,
        rate: Double? = nil, mistake: Mistake? = nil, isUnedited: Bool = false,
        allLead: Bool = false, keep: String? = nil
    ) {
        self.fault = fault
        self.seed = seed
        self.jobs = jobs
        givenWorkers = workers
        self.profile = profile
        self.rate = rate
        self.mistake = mistake
        self.isUnedited = isUnedited
        sharesTerm = allLead
        self.keep = keep
    }
}
