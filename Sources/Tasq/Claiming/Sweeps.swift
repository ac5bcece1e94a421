/// The sweeps of a loop: what they are for, where they go on, and how long they rest.
///
/// A sweep is a safety net, and has a twentieth of the time: while somebody's long transaction keeps
/// the rows of finished jobs from being removed, each sweep walks over all of them. A long one has a
/// fiftieth, because it takes that from PostgreSQL and so from everybody. One that finds what the
/// list has lost has half of it.
struct Sweeps: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// A sweep that takes so long is in the way of the takes, and the next one is not waited for.
    static let long = Duration.milliseconds(10)
    /// Jobs that a sweep finds are taken to be lost from the list when they have waited this much
    /// longer, in microseconds, than those that the list gives.
    static let lostAfter: Int64 = 1_000_000
    /// The same where the list gives none: their announcements would be there. A doorbell that
    /// answers and takes no announcement, as a Redis without memory, is told by nothing else.
    static let lostAfterNone: Int64 = 100_000

    enum Purpose: Sendable {
        /// Nothing else gives work.
        case only
        /// What got lost, for one who goes by the list alone.
        case net
        /// Before a take.
        case turn
        /// The list gave nothing.
        case idle
    }

    /// One that is under way.
    struct Asked: Sendable {
        let purpose: Purpose
        let limit: Int
        fileprivate let start: [Name: QueuedCursor]
    }

    /// The one that the loop waits for, and the one beside it.
    private var awaited: Asked?
    private var flown: Asked?
    private var cursors = SweepCursors()
    /// When the last one ended; `nil` when one is to come as soon as it may.
    private(set) var last: Instant?
    /// It found jobs whose announcement got lost, and there may be more.
    private(set) var findLost = false
    /// It took so long that the next one goes on beside the takes.
    private(set) var areLong = false
    /// Until then the list alone gives work.
    private var next: Instant?
    /// How long the last announced jobs had waited, in microseconds; unknown before the first.
    private var announcedWait: Int64?

    /// The last one has not seen all there is.
    var goOn: Bool { cursors.goOn }
    /// One goes on beside the loop.
    var areFlying: Bool { flown != nil }

    /// How much longer only the list gives work; never negative.
    func rest(at now: Instant) -> Duration { next.map { max($0 - now, .zero) } ?? .zero }

    /// The next one is to come as soon as it may.
    mutating func hurry() { last = nil }

    /// Begins anew at the head of each queue.
    mutating func beginAnew() {
        last = nil
        cursors = SweepCursors()
    }

    mutating func start(
        _ purpose: Purpose, upTo limit: Int, flies: Bool
    ) -> ClaimLoop.Action {
        let asked = Asked(purpose: purpose, limit: limit, start: cursors.start())
        if flies { flown = asked } else { awaited = asked }
        return .sweep(upTo: limit, behind: asked.start, flies: flies)
    }

    /// Takes in the answer to one of these queues and returns what that was.
    ///
    /// - Parameter listIsEmpty: The last take brought nothing.
    mutating func end(
        flown flew: Bool, _ answer: ClaimLoop.SweepAnswer, of queues: [Name], listIsEmpty: Bool
    ) -> Asked? {
        guard let asked = flew ? flown.take() : awaited.take() else { return nil }
        let time = answer.answered - answer.asked
        last = answer.answered
        areLong = time >= Self.long
        switch answer.result {
        case .success(let sweep):
            cursors.note(sweep, of: queues, upTo: asked.limit, from: asked.start)
            // Lost ones are many or none: a sweep and a take go by turns until they are found.
            let longestWait = sweep.jobs.map(\.waitedMicroseconds).max() ?? 0
            let late =
                listIsEmpty ? Self.lostAfterNone : (announcedWait ?? 0) + Self.lostAfter
            // Urgent ones that have just come may be in front of those that wait.
            let mayBeMore = findLost && listIsEmpty && sweep.jobs.count >= asked.limit
            findLost = longestWait > late || mayBeMore
            let rests = findLost ? 1 : areLong ? 49 : 19
            next = answer.answered + time * rests
        case .failure:
            // It rests like any other, but not for long.
            findLost = false
            next = answer.answered + min(max(time * 19, .milliseconds(100)), .seconds(2))
        }
        return asked
    }

    /// These jobs came by the list.
    mutating func note(announced jobs: [ClaimedJob]) {
        announcedWait = jobs.map(\.waitedMicroseconds).max() ?? announcedWait
    }
}
