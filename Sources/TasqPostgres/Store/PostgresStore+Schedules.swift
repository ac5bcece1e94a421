public import Tasq

extension PostgresStore {
    /// One page of the table.
    public func schedules(named name: Name?) async throws(StoreError) -> [ScheduleRecord] {
        var parameters = Parameters()
        parameters.append(name?.description)
        return try await pool.run(statements.schedules, parameters).map(scheduleRecord)
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
        parameters.append(schedules.map { $0.queue.description })
        parameters.append(schedules.map { Int64($0.priority.level) })
        parameters.append(schedules.map { Int64($0.maxAttempts) })
        parameters.append(schedules.map(\.key))
        parameters.append(bytesArray: schedules.map(\.payload))
        parameters.append(isConfiguration)
        let bound = parameters
        try await repeatingOnce { () async throws(StoreError) in
            _ = try await self.pool.run(self.statements.schedulePut, bound)
        }
    }

    /// One update.
    public func setPaused(
        _ isPaused: Bool, schedule name: Name
    ) async throws(StoreError) -> Bool {
        var parameters = Parameters()
        parameters.append(name.description)
        parameters.append(isPaused)
        let bound = parameters
        return try await repeatingOnce { () async throws(StoreError) in
            try await self.pool.run(self.statements.schedulePause, bound).count > 0
        }
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
        for row in try await pool.run(statements.schedulesDue, parameters) {
            due.asOf = row.time(21)
            if row.isNull(0) {
                due.nextTick = row.optionalInt(22).map { .microseconds(max(0, $0)) }
            } else {
                due.records.append(scheduleRecord(row))
            }
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
        let bound = parameters
        let rows = try await repeatingOnce { () async throws(StoreError) in
            try await self.pool.run(self.statements.schedulesFire, bound)
        }
        return rows.map { row in
            Fired(announcement: announcement(row, 0, 1, 2), isQueued: row.text(3) == "queued")
        }
    }

    private func scheduleRecord(_ row: Row) -> ScheduleRecord {
        ScheduleRecord(
            entry: ScheduleEntry(
                name: Name(unchecked: row.text(0)), cron: row.text(1), zone: row.text(2),
                clockChange: ClockChange(rawValue: row.text(3)) ?? .once,
                missed: MissedTicks(rawValue: row.text(4)) ?? .latest,
                jitter: .microseconds(row.int(5)), start: row.optionalTime(6),
                end: row.optionalTime(7), kind: Name(unchecked: row.text(8)),
                queue: Name(unchecked: row.text(9)),
                priority: Priority(unchecked: Int(row.int(10))), maxAttempts: Int(row.int(11)),
                key: row.optionalText(12), payload: row.bytes(13)),
            isPaused: row.bool(14), isConfigured: row.bool(15), nextAt: row.optionalTime(16),
            isPlanned: row.bool(17), lastTick: row.optionalTime(18),
            problem: row.optionalText(19), version: row.int(20))
    }
}
