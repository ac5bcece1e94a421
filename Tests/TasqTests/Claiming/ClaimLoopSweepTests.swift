import Testing

@testable import Tasq

/// When a loop looks at the table, and from where.
@Suite struct ClaimLoopSweepTests {
    private let queue = Name.defaultQueue
    private let ids = (1...20).map { JobID(high: 0, low: $0) }

    @Test func `After a sweep that fills all slots it is the list's turn, however late it is`()
        throws
    {
        var talk = try Talk()
        _ = talk.round()
        #expect(talk.swept(8, free: 0) == .wait(until: nil))
        talk.now += .seconds(2)
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(1)))
        _ = talk.takenAndClaimed([ids[0]])
        #expect(talk.round() == .sweep(upTo: 8, behind: [:], flies: false))
    }

    @Test func `After a sweep beside the loop that had all room it is the list's turn, too`()
        throws
    {
        var talk = try Talk(slots: 16)
        _ = talk.round(free: 16)
        _ = talk.swept(0, free: 16, took: .milliseconds(20))
        _ = talk.takenAndClaimed([ids[0]])
        talk.now += .seconds(2)
        #expect(talk.round(free: 2) == .sweep(upTo: 2, behind: [:], flies: true))
        #expect(talk.after(.done) == .wait(until: nil))
        let landed = ClaimLoop.Landed(sweep: talk.answer(2))
        talk.now += .seconds(2)
        #expect(talk.round(free: 2, landed: landed) == .take(upTo: 2, wait: .seconds(1)))
    }

    @Test func `A sweep with an end is followed by one behind it, and no take waits before`()
        throws
    {
        var talk = try Talk()
        let end = QueuedCursor.sample(ids[9])
        _ = talk.round()
        #expect(talk.swept(0, end: end) == .take(upTo: 8, wait: .zero))
        var busy = talk
        #expect(busy.takenAndClaimed([ids[0]]) == .wait(until: nil))
        #expect(busy.round() == .sweep(upTo: 8, behind: [queue: end], flies: false))
        #expect(talk.taken([]) == .sweep(upTo: 8, behind: [queue: end], flies: false))
        #expect(talk.swept(0) == .wait(until: nil))
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(2)))
    }

    @Test func `One batch in sixteen is the table's, however fast the list gives work`() throws {
        var talk = try Talk()
        // Time stands still, and the first batch was a sweep.
        var next = talk.goToTake()
        for _ in 0..<14 {
            #expect(next == .take(upTo: 8, wait: .seconds(1)))
            _ = talk.takenAndClaimed([ids[0]])
            next = talk.round()
        }
        #expect(next == .sweep(upTo: 8, behind: [:], flies: false))
    }

    @Test func `While announcements get lost, sweeps and takes go by turns without other waits`()
        throws
    {
        var talk = try Talk()
        _ = talk.round()
        let next = talk.swept(1, waited: 2_000_000, free: 7, took: .milliseconds(20))
        #expect(next == .take(upTo: 7, wait: .milliseconds(20)))
        #expect(talk.takenAndClaimed([ids[0]]) == .wait(until: nil))
        talk.now += .milliseconds(20)
        // It is waited for, though the last one was long.
        #expect(talk.round() == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.swept(0) == .take(upTo: 8, wait: .seconds(1)))
    }

    @Test func `A list that gives nothing beside jobs in the table is not waited for`() throws {
        var talk = try Talk()
        #expect(talk.goToTake() == .take(upTo: 8, wait: .seconds(1)))
        #expect(talk.taken([]) == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.swept(8, waited: 900_000, free: 0) == .wait(until: nil))
        // As soon as one is free, the next are looked for there.
        var empty = talk
        #expect(talk.round(free: 1) == .sweep(upTo: 1, behind: [:], flies: false))
        #expect(talk.swept(1, waited: 800_000, free: 0) == .wait(until: nil))
        #expect(talk.round(free: 1) == .take(upTo: 1, wait: .zero))
        #expect(talk.taken([]) == .sweep(upTo: 1, behind: [:], flies: false))
        // Until one of them finds none that is late.
        #expect(empty.round() == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(empty.swept(1, waited: 1000, free: 7) == .take(upTo: 7, wait: .seconds(1)))
    }

    @Test func `A suspect among missed ids makes the next sweep come at once`() throws {
        var talk = try Talk()
        talk.goToTake()
        _ = talk.taken([ids[0]])
        #expect(talk.after(.claimed([])) == .wait(until: nil))
        talk.now += TakenIDs.missedDelay
        #expect(talk.round() == .lookAgain([ids[0]], areMissed: true))
        let suspect = QueuedJob.sample(ids[0], isSuspect: true)
        #expect(
            talk.after(.stillQueued([suspect], foreign: []))
                == .sweep(upTo: 8, behind: [:], flies: false))
    }

    @Test func `Jobs of other kinds are looked for from the head on`() throws {
        var talk = try Talk()
        _ = talk.round()
        _ = talk.swept(0, end: QueuedCursor.sample(ids[9]))
        #expect(talk.taken([], kinds: ["b"]) == .wait(until: nil))
        #expect(talk.round(kinds: ["b"]) == .declare(["b"]))
        #expect(talk.after(.done) == .sweep(upTo: 8, behind: [:], flies: false))
    }

    @Test func `Who goes by the list alone looks at the table once more for other kinds`() throws {
        var talk = try Talk(.push)
        _ = talk.round()
        #expect(talk.swept(0) == .wait(until: nil))
        #expect(talk.round(kinds: ["b"]) == .declare(["b"]))
        #expect(talk.after(.done) == .sweep(upTo: 8, behind: [:], flies: false))
        #expect(talk.swept(0) == .wait(until: nil))
        #expect(talk.round(kinds: ["b"]) == .take(upTo: 8, wait: .seconds(4)))
    }
}
