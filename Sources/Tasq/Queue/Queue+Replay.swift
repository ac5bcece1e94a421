extension Queue {
    /// Makes new jobs of a stored event, like those it made first, and announces them once they
    /// are committed; they start at once, whatever delay the first ones had. A job whose unique key an
    /// unfinished one holds is not made: the answer has the holder's id. Empty when the event has no
    /// job left to copy; `nil` when it is gone.
    ///
    /// What a bulk action makes it makes once, however often it comes to the event.
    package func replay(
        _ event: PayloadID, from catalog: any Catalog, by bulk: BulkID? = nil
    ) async throws(StoreError) -> [Enqueued]? {
        var jobs: [NewJob] = []
        for (place, first) in try await catalog.jobs(of: event).oneOfEach.enumerated() {
            var options = first.options
            options.maxAttempts -= first.attemptsBefore
            guard
                var job = try? NewJob(
                    kind: first.kind, options: options, uniqueKey: first.uniqueKey,
                    payload: Payload([]))
            else { continue }
            if let bulk { job.id = JobID(of: event, at: place, by: bulk) }
            jobs.append(job)
        }
        guard !jobs.isEmpty else { return [] }
        return try await replay(event, as: jobs, unlessUnfinished: false)
    }

    /// Runs a stored event again that its provider has sent once more: makes the jobs of the
    /// repetition, unless a job of the event has not ended. Empty when nothing was made for that
    /// reason; `nil` when the event is gone.
    package func redeliver(
        _ repetition: NewEvent, of event: PayloadID
    ) async throws(StoreError) -> [Enqueued]? {
        let jobs = repetition.jobs.enumerated().map { place, job in
            var job = job
            // Of several that come at the same moment one makes the jobs, the others find them.
            job.uniqueKey = "tasq:redelivery:\(event):\(place)"
            return job
        }
        return try await replay(event, as: jobs, unlessUnfinished: true)
    }

    private func replay(
        _ event: PayloadID, as jobs: [NewJob], unlessUnfinished: Bool
    ) async throws(StoreError) -> [Enqueued]? {
        let answers = try await store.replay(event, as: jobs, unlessUnfinished: unlessUnfinished)
        let stored = zip(jobs, answers ?? []).filter { $1 == .stored($0.id) }.map(\.0)
        doorbell.ring(stored.filter(\.start.isDue).map(\.announcement))
        meters.stored(stored.count, on: stored.map(\.options.queue))
        return answers
    }
}

extension JobID {
    /// The id of the job that a bulk action makes of an event: a UUIDv8 (RFC 9562, section 5.8) with the
    /// event's time, in no year that an ordinary id tells, and 62 bits that follow from all three. They
    /// are mixed, as whoever asks may number bulk actions by hand.
    init(of event: PayloadID, at place: Int, by bulk: BulkID) {
        var mixed: UInt64 = 0
        for word in [bulk.high, bulk.low, event.low, UInt64(place)] {
            mixed = (mixed ^ word) &* 0x9E37_79B9_7F4A_7C15
            mixed ^= mixed >> 32
        }
        let stamped: UInt64 = event.high & ~0xF000 | 0x8000
        self.init(high: stamped | 1 << 63, low: mixed >> 2 | 0x8000_0000_0000_0000)
    }
}

extension [JobRecord] {
    /// Of an event's jobs, the newest first, those that it made first: all of the oldest moment, and
    /// of each later one those of a kind and queue that were not there before. Whoever runs an event
    /// again makes its jobs together, and so of one moment; the first moment of as many as are listed
    /// at most may not be there as a whole.
    var oneOfEach: [JobRecord] {
        let whole = count < 1000 ? self : filter { $0.enqueuedAt != last?.enqueuedAt }
        var chosen: [JobRecord] = []
        var before: [JobRecord] = []
        for job in whole.reversed() {
            if job.enqueuedAt != chosen.last?.enqueuedAt { before = chosen }
            let isThere = before.contains { $0.kind == job.kind && $0.queue == job.queue }
            if !isThere { chosen.append(job) }
        }
        return chosen
    }
}
