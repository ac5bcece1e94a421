/// Where sweeps go on in queues that hold more than one sweep looks at.
///
/// Each goes on behind the last one, until the end of each queue was seen; then all begin anew. So a
/// job behind any number of others, of kinds that nobody here knows, is found after so many sweeps.
/// One in a few begins at the head all the same, for urgent jobs that have come since; and where there
/// is always work behind a place, all begin anew after a while, for those that have come before it.
struct SweepCursors: Sendable {
    /// One sweep in so many begins at the head.
    static let headEvery = 4
    /// So many sweeps in a row that find all the work they may leave a place where it is.
    static let longestStand = 16

    private var places: [Name: QueuedCursor] = [:]
    private var starts = 0
    private var stands = 0

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
    ///
    /// One that has claimed them all tells of those queues only that it looked at before the last.
    mutating func note(
        _ sweep: Sweep, of queues: [Name], upTo limit: Int, from start: [Name: QueuedCursor]
    ) {
        let isFull = sweep.jobs.count >= limit
        let begins = places.isEmpty
        let before = places
        for queue in queues {
            if let end = sweep.cursors[queue] {
                // A queue whose end was seen waits for the others.
                guard start[queue] == places[queue], start[queue] != nil || begins else { continue }
                places[queue] = end
            } else if !isFull {
                places[queue] = nil
            }
        }
        stands = isFull && places == before ? stands + 1 : 0
        if stands >= Self.longestStand {
            places = [:]
            stands = 0
        }
    }
}
