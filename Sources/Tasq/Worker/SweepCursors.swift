/// Where sweeps go on in queues that hold more than one sweep looks at.
///
/// Each goes on behind the last one, and begins at the head again once the end was seen; so a job behind
/// any number of others, of kinds that nobody here knows, is found after so many sweeps. One in a few
/// begins at the head all the same: urgent jobs do not wait until the others were looked at.
struct SweepCursors: Sendable {
    /// One sweep in so many begins at the head.
    static let headEvery = 4

    private var places: [Name: QueuedCursor] = [:]
    private var starts = 0

    /// Some queue may hold more than the last sweeps have looked at.
    var goOn: Bool { !places.isEmpty }

    /// Where the next sweep begins; queues that are not named, at the head.
    mutating func start() -> [Name: QueuedCursor] {
        guard goOn else { return [:] }
        starts += 1
        guard starts < Self.headEvery else {
            starts = 0
            return [:]
        }
        return places
    }

    /// A sweep of `queues` that was to claim up to `limit` jobs and began at `start` has found this.
    /// One that has claimed them all begins at the same place the next time: there may be more.
    mutating func note(
        _ sweep: Sweep, of queues: [Name], upTo limit: Int, from start: [Name: QueuedCursor]
    ) {
        guard sweep.jobs.count < limit else { return }
        for queue in queues {
            let end = sweep.cursors[queue]
            if end == nil || start[queue] == places[queue] { places[queue] = end }
        }
    }
}
