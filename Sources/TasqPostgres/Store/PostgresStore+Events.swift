public import Tasq

extension PostgresStore {
    /// Events whose jobs one list by their status looks at, at most.
    package static let outcomeLimit = 1000

    /// Walks a partial index backwards: ids grow with time, so newest first needs no sort. What their jobs
    /// came to is looked up for a thousand of them at once.
    public func events(
        matching filter: EventFilter, after cursor: PayloadID?, limit: Int
    ) async throws(StoreError) -> EventPage {
        let limit = min(max(1, limit), 1000)
        guard let status = filter.status else {
            return try await self.page(of: filter, after: cursor, limit: limit)
        }
        var found = try await self.page(of: filter, after: cursor, limit: Self.outcomeLimit)
        let statuses = try await outcomes(of: found.events.map(\.id))
        found.events = Array(
            found.events.filter { statuses[$0.id]?[status] != nil }.prefix(limit))
        if found.events.count == limit { found.next = found.events.last?.id }
        return found
    }

    private func page(
        of filter: EventFilter, after cursor: PayloadID?, limit: Int
    ) async throws(StoreError) -> EventPage {
        var parameters = Parameters()
        parameters.append(cursor)
        parameters.append(Int64(limit))
        parameters.append(filter.source?.description)
        parameters.append(filter.since.map { PayloadID(firstAt: $0) })
        parameters.append(filter.until.map { PayloadID(firstAt: $0) })
        parameters.append(Int64(Self.walkLimit))
        var page = EventPage(events: [], next: nil)
        try await pool.run(statements.events, parameters).read { row throws(StoreError) in
            let event = try eventRecord(&row)
            let isStop: Bool = try row.next()
            if isStop { page.next = event.id } else { page.events.append(event) }
        }
        if page.events.count == limit { page.next = page.events.last?.id }
        return page
    }

    /// One page of the index of events, oldest first.
    public func matching(
        _ request: ReplayRequest, after cursor: PayloadID?, until: Timestamp,
        lookingAt reach: Int, limit: Int
    ) async throws(StoreError) -> MatchPage<Payload> {
        let filter = request.filter
        var parameters = Parameters()
        parameters.append(cursor)
        parameters.append(Int64(reach))
        parameters.append(Int64(limit))
        parameters.append(filter.source?.description)
        parameters.append(filter.status?.rawValue)
        parameters.append(filter.since.map { PayloadID(firstAt: $0) })
        parameters.append(filter.until.map { PayloadID(firstAt: $0) })
        parameters.append(until)
        var page = MatchPage<Payload>(ids: [], last: nil, examined: 0, until: until, estimate: 0)
        let rows = try await pool.run(statements.matchingEvents, parameters)
        try rows.read { row throws(StoreError) in
            if let id = try row.next(PayloadID?.self) {
                row.skipRest()
                return page.ids.append(id)
            }
            page.last = try row.next()
            page.examined = try row.next()
        }
        page.ids.sort()
        return page
    }

    /// The event's row; `nil` also for the body of a job that no webhook brought.
    public func event(_ id: PayloadID) async throws(StoreError) -> EventRecord? {
        var parameters = Parameters()
        parameters.append(id)
        return try await pool.run(statements.event, parameters).read(eventRecord).first
    }

    /// The event's jobs with the workers that hold them, newest first, at most 1000.
    public func jobs(of event: PayloadID) async throws(StoreError) -> [JobRecord] {
        var parameters = Parameters()
        parameters.append(event)
        return try await pool.run(statements.eventJobs, parameters).read(jobRecord)
    }

    /// One look into the index of the jobs of each event.
    public func outcomes(
        of events: [PayloadID]
    ) async throws(StoreError) -> [PayloadID: [JobStatus: Int]] {
        guard !events.isEmpty else { return [:] }
        var parameters = Parameters()
        parameters.append(events)
        parameters.append(100 as Int64)
        var outcomes: [PayloadID: [JobStatus: Int]] = [:]
        try await pool.run(statements.eventOutcomes, parameters).read { row throws(StoreError) in
            let (event, word): (PayloadID, String) = try (row.next(), row.next())
            let count: Int = try row.next()
            guard let status = JobStatus(rawValue: word) else { return }
            outcomes[event, default: [:]][status] = count
        }
        return outcomes
    }

    /// One statement by primary key that answers these bytes and no others.
    public func piece(
        of body: PayloadID, from offset: Int, count: Int
    ) async throws(StoreError) -> [UInt8]? {
        var parameters = Parameters()
        parameters.append(body)
        parameters.append(Int64(offset))
        parameters.append(Int64(count))
        return try await pool.run(statements.piece, parameters).column(of: [UInt8].self).first
    }

    /// One commit a round; a holder of a unique key that is gone when it is looked for makes room
    /// for another round.
    public func replay(
        _ event: PayloadID, as jobs: [NewJob], unlessUnfinished: Bool
    ) async throws(StoreError) -> [Enqueued]? {
        var answers: [JobID: Enqueued] = [:]
        for _ in 0..<10 {
            let open = jobs.filter { answers[$0.id] == nil }
            guard !open.isEmpty else { break }
            var parameters = Parameters()
            parameters.append(event)
            parameters.append(open.map(\.id))
            parameters.append(open.map { $0.kind.description })
            parameters.append(open.map(\.uniqueKey))
            parameters.append(unlessUnfinished)
            parameters.append(open.map { $0.start.delayMicroseconds })
            parameters.append(lockWait(nil))
            parameters.append(optionsOf: open, isSpelledOut: true) { $0.options }
            let rows = try await write(statements.replay, parameters)
            var mayRun: Bool?
            try rows.read { row throws(StoreError) in
                let (id, says): (JobID?, Bool) = try (row.next(), row.next())
                if let id { answers[id] = .stored(id) } else { mayRun = says }
            }
            guard let mayRun else { return nil }
            guard mayRun else { return [] }
            try await askForHolders(of: open, nil, answers: &answers)
        }
        guard answers.count == jobs.count else {
            throw .unavailable("unique key under heavy contention: try again")
        }
        return jobs.compactMap { answers[$0.id] }
    }

    private func eventRecord(_ row: inout Row) throws(StoreError) -> EventRecord {
        try EventRecord(
            id: row.next(), source: row.next(), providerID: row.next(), contentType: row.next(),
            headers: HeaderBlock.decode(row.next()).filter { $0.name != Payload.formHeader },
            bytes: row.next(), receivedAt: row.next())
    }
}
