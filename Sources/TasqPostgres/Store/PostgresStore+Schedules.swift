public import Tasq

extension PostgresStore {
    /// One page of the table.
    public func schedules(named name: Name?) async throws(StoreError) -> [ScheduleRecord] {
        var parameters = Parameters()
        parameters.append(name?.description)
        return try await pool.run(statements.schedules, parameters).read(scheduleRecord)
    }

    /// One statement; repeating it changes nothing.
    public func put(
        _ schedules: [ScheduleEntry], isConfiguration: Bool
    ) async throws(StoreError) {
        var parameters = Parameters()
        parameters.append(schedules.map { $0.name.description })
        parameters.append(schedules.map(\.cron))
        parameters.append(schedules.map(\.zone))
        parameters.append(schedules.map(\.clockChange.rawValue))
        parameters.append(schedules.map(\.missed.rawValue))
        parameters.append(schedules.map { $0.jitter.inMicroseconds })
        parameters.append(schedules.map(\.start))
        parameters.append(schedules.map(\.end))
        parameters.append(schedules.map { $0.kind.description })
        parameters.append(bytesArray: schedules.map(\.payload))
        parameters.append(isConfiguration)
        parameters.append(optionsOf: schedules, isSpelledOut: true) { $0.options }
        try await write(statements.schedulePut, parameters)
    }

    /// One update.
    public func setPaused(
        _ isPaused: Bool, schedule name: Name
    ) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(name.description)
        parameters.append(isPaused)
        return try await write(statements.schedulePause, parameters).count > 0
    }

    /// One delete. After a first try whose answer got lost there may be nothing left to delete.
    public func delete(schedule name: Name) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(name.description)
        return try await pool.run(statements.scheduleDelete, parameters).count > 0
    }

    /// One statement that locks nothing.
    public func dueSchedules(upTo limit: Int) async throws(StoreError) -> DueSchedules {
        var parameters = Parameters()
        parameters.append(Int64(limit))
        var due = DueSchedules(records: [], asOf: Timestamp(microseconds: 0), nextTick: nil)
        try await pool.run(statements.schedulesDue, parameters).read { row throws(StoreError) in
            let isSchedule = try !row.isNextNull()
            if isSchedule {
                due.records.append(try scheduleRecord(&row))
            } else {
                row.skip(17 + JobOption.all.count)
            }
            due.asOf = try row.next()
            let next = try row.next(Duration?.self)
            if !isSchedule { due.nextTick = next.map { max(.zero, $0) } }
        }
        return due
    }

    /// One statement. Its repetition after a lost answer finds other versions and stores nothing, so
    /// what the first try stored is not announced: a sweep finds it.
    public func fire(
        _ firings: [Firing], isByHand: Bool
    ) async throws(StoreError) -> [Fired] {
        guard !firings.isEmpty else { return [] }
        let ticks = firings.flatMap { firing in
            firing.ticks.map { (entry: firing.schedule.entry, tick: $0.tick, job: $0.job) }
        }.sorted { $0.job.id < $1.job.id }
        var parameters = Parameters()
        parameters.append(firings.map { $0.schedule.entry.name.description })
        parameters.append(firings.map { $0.schedule.version })
        parameters.append(firings.map(\.next))
        parameters.append(firings.map { $0.problem.map(storable) })
        parameters.append(ticks.map { $0.entry.name.description })
        parameters.append(ticks.map { $0.tick })
        parameters.append(ticks.map { $0.job.id })
        parameters.append(
            ticks.map { ticked -> Timestamp? in
                guard !isByHand else { return nil }
                let delay = ticked.entry.delay(of: ticked.tick).inMicroseconds
                return Timestamp(microseconds: ticked.tick.microseconds &+ delay)
            })
        parameters.append(bytesArray: ticks.map { $0.job.payload.body })
        parameters.append(ticks.map { $0.job.payload.contentType })
        parameters.append(!isByHand)
        let rows = try await write(statements.schedulesFire, parameters)
        return try rows.read { row throws(StoreError) in
            try Fired(announcement: row.announcement(), isQueued: row.next(String.self) == "queued")
        }
    }

    private func scheduleRecord(_ row: inout Row) throws(StoreError) -> ScheduleRecord {
        var entry = try ScheduleEntry(
            name: row.next(), cron: row.next(), zone: row.next(),
            clockChange: ClockChange(rawValue: row.next()) ?? .once,
            missed: MissedTicks(rawValue: row.next()) ?? .latest,
            jitter: row.next(), start: row.next(), end: row.next(), kind: row.next(),
            payload: row.next())
        entry.options = try row.options()
        return try ScheduleRecord(
            entry: entry, isPaused: row.next(), isConfigured: row.next(), nextAt: row.next(),
            isPlanned: row.next(), lastTick: row.next(), problem: row.next(),
            version: row.next())
    }
}
