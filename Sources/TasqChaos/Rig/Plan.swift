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
    /// Where to keep what the run leaves behind; without it only a run that finds something does.
    var keep: String?

    /// Jobs one worker runs at once.
    var slots: Int { fault.setup.slots }

    /// Jobs asked for a second, where that is another number than the fault's own.
    var rate: Double?
    /// How long the load runs before the fault, and after it at least. Small runs are brief.
    var calm: Duration { .seconds(jobs < 1000 ? 1 : 3) }
    var convalescence: Duration { .seconds(jobs < 1000 ? 2 : 5) }

    var workers: Int { fault.setup.workers ?? givenWorkers }

    init(
        fault: Fault, seed: UInt64, jobs: Int, workers: Int, profile: Profile,
        rate: Double? = nil, mistake: Mistake? = nil, isUnedited: Bool = false, keep: String? = nil
    ) {
        self.fault = fault
        self.seed = seed
        self.jobs = jobs
        givenWorkers = workers
        self.profile = profile
        self.rate = rate
        self.mistake = mistake
        self.isUnedited = isUnedited
        self.keep = keep
    }
}
