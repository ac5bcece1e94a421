extension Queue {
    /// How often a run by hand is tried while the schedule is changed or fired at the same time.
    private static let runTries = 10

    /// Puts schedules in, or others in their place, all or none.
    ///
    /// - Throws: ``InvalidInput`` for one that makes no sense or will never tick again, ``StoreError``.
    public func schedule(_ entries: [ScheduleEntry]) async throws {
        var names: Set<Name> = []
        for entry in entries {
            guard names.insert(entry.name).inserted else {
                throw InvalidInput(field: "name", "must not be given twice")
            }
            try entry.check()
        }
        try await store.put(entries, isConfiguration: false)
    }

    /// Every schedule by name, at most 10 000.
    public func schedules() async throws(StoreError) -> [ScheduleRecord] {
        try await store.schedules(named: nil)
    }

    /// The schedule of a name; `nil` when there is none.
    public func schedule(named name: Name) async throws(StoreError) -> ScheduleRecord? {
        try await store.schedules(named: name).first
    }

    /// Stops a schedule, or lets it go on from its first tick after now; `false` when there is none.
    public func setPaused(
        _ isPaused: Bool, schedule name: Name
    ) async throws(StoreError) -> Bool {
        try await store.setPaused(isPaused, schedule: name)
    }

    /// Takes a schedule away, not its jobs; `false` when there was none.
    public func delete(schedule name: Name) async throws(StoreError) -> Bool {
        try await store.delete(schedule: name)
    }

    /// Puts the job of a schedule in now, as if it had just ticked, whether it is paused or not; `nil`
    /// when there is none of that name.
    ///
    /// - Throws: ``InvalidInput`` for a schedule no job can be made of, ``StoreError``.
    public func run(schedule name: Name) async throws -> JobID? {
        let (now, id) = (Timestamp.now, JobID())
        var tried: Int64?
        for _ in 0..<Self.runTries {
            guard let record = try await schedule(named: name) else { return nil }
            // Nobody changed it, so a try whose answer got lost has stored the job.
            guard record.version != tried else { return id }
            tried = record.version
            var job = try record.entry.job(at: now)
            job.id = id
            let firing = Firing(
                schedule: record, ticks: [(tick: now, job: job)], next: record.nextAt)
            let fired = try await store.fire([firing], isByHand: true)
            guard let first = fired.first else { continue }
            meters.stored(1, on: [first.announcement.queue])
            if first.isQueued { doorbell.ring([first.announcement]) }
            return id
        }
        throw StoreError.unavailable("the schedule is being changed: try again")
    }
}
