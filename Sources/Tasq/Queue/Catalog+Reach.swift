/// Looks that tell an operator what his words reach, before something is done.
extension Catalog {
    /// Whether a filter matches every job there is, by bounds in time that leave none out; `false`
    /// where there is no job.
    package func takesAll(_ filter: JobFilter) async throws(StoreError) -> Bool {
        guard filter == JobFilter(since: filter.since, until: filter.until) else { return false }
        if let since = filter.since, try await hasJob(JobFilter(until: since)) { return false }
        if let until = filter.until, try await hasJob(JobFilter(since: until)) { return false }
        return try await hasJob(JobFilter())
    }

    /// Whether a filter matches every stored event, likewise.
    package func takesAll(_ filter: EventFilter) async throws(StoreError) -> Bool {
        guard filter.source == nil, filter.status == nil else { return false }
        if let since = filter.since, try await hasEvent(EventFilter(until: since)) { return false }
        if let until = filter.until, try await hasEvent(EventFilter(since: until)) { return false }
        return try await hasEvent(EventFilter())
    }

    /// Whether anything has to do with a queue: a worker serves it, it has unfinished or failed jobs,
    /// or one of the newest jobs was on it; with `orPaused` also that it is paused.
    package func knows(_ queue: Name, orPaused: Bool) async throws(StoreError) -> Bool {
        let workers = try await workers()
        if workers.contains(where: { $0.worker.queues.contains(queue) }) { return true }
        let record = try await queues().first { $0.name == queue }
        if let record {
            let unfinished = record.scheduled + record.queued + record.executing
            if unfinished > 0 || !record.failures.isEmpty { return true }
            if orPaused, record.isPaused { return true }
        }
        let page = try await jobs(matching: JobFilter(queue: queue), after: nil, limit: 1)
        return !page.jobs.isEmpty
    }

    private func hasJob(_ filter: JobFilter) async throws(StoreError) -> Bool {
        var next: JobCursor?
        repeat {
            let page = try await jobs(matching: filter, after: next, limit: 1)
            if !page.jobs.isEmpty { return true }
            next = page.next
        } while next != nil
        return false
    }

    private func hasEvent(_ filter: EventFilter) async throws(StoreError) -> Bool {
        var next: PayloadID?
        repeat {
            let page = try await events(matching: filter, after: next, limit: 1)
            if !page.events.isEmpty { return true }
            next = page.next
        } while next != nil
        return false
    }
}
