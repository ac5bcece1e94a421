import Testing

@testable import Tasq

/// What a loop remembers, and what makes it forget.
@Suite struct ClaimLoopMemoryTests {
    private let ids = (1...20).map { JobID(high: 0, low: $0) }

    @Test func `After claims by the list, by a sweep or of suspects, unknown ones are looked for`()
        throws
    {
        var byList = try Talk()
        byList.goToTake()
        _ = byList.takenAndClaimed([ids[0]])
        #expect(audits(after: byList))

        var bySweep = try Talk()
        _ = bySweep.round()
        _ = bySweep.swept(1, free: 7)
        _ = bySweep.taken([])
        #expect(bySweep.swept(0) == .wait(until: nil))
        #expect(audits(after: bySweep))

        var ofSuspects = try Talk()
        _ = ofSuspects.round()
        _ = ofSuspects.swept(0, suspects: .defaultQueue)
        _ = ofSuspects.taken([])
        _ = ofSuspects.swept(0)
        #expect(ofSuspects.round() == .askTurn)
        let turn = SuspectsTurn(queue: .defaultQueue, left: .seconds(1))
        _ = ofSuspects.after(.turn(turn, asked: ofSuspects.now))
        let time = ClaimLoop.SuspectsTime(isOver: true, claimed: 1)
        #expect(ofSuspects.after(.ranSuspects(time)) == .wait(until: nil))
        #expect(audits(after: ofSuspects))
    }

    /// The next round after a while begins with a look at what is claimed.
    private func audits(after talk: Talk) -> Bool {
        var talk = talk
        talk.now += Audits.pause
        return talk.round() == .audit
    }

    @Test func `A failure after better times is told again, and the pause is short again`() throws {
        var talk = try Talk()
        let failure = StoreError.unavailable("away")
        _ = talk.round()
        var pauses: [Duration] = []
        for _ in 0..<4 {
            let pause = talk.after(.failed(failure))
            pauses.append(try #require(pause.pauseTime))
            #expect(talk.after(.done) == .wait(until: nil))
            #expect(talk.round() == .audit)
        }
        #expect(pauses[3] > .milliseconds(500))
        #expect(talk.after(.done) == .sweep(upTo: 8, behind: [:], flies: false))
        _ = talk.swept(0)
        _ = talk.taken([])
        #expect(talk.swept(0) == .wait(until: nil))
        _ = talk.round()
        _ = talk.taken([ids[0]])
        let later = talk.after(.failed(failure))
        #expect(later.told == failure)
        let pause = try #require(later.pauseTime)
        #expect(pause < .milliseconds(150))
    }

    @Test func `A foreign id is announced again anew once other kinds are known`() throws {
        var talk = try Talk()
        talk.goToTake()
        let foreign = QueuedJob.sample(ids[0]).announcement
        let first = talk.missed(foreign, knowing: ["a"])
        #expect(first == .ring([foreign]))
        _ = talk.after(.done)
        _ = talk.taken([], kinds: ["b"])
        #expect(talk.round(kinds: ["b"]) == .declare(["b"]))
        _ = talk.after(.done)
        _ = talk.swept(0)
        let second = talk.missed(foreign, knowing: ["b"])
        #expect(second == .ring([foreign]))
    }

    @Test func `An idle worker that finds something waits for one poll interval again`() throws {
        var talk = try Talk()
        talk.goToTake()
        _ = talk.taken([])
        _ = talk.swept(0)
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(2)))
        var byList = talk
        _ = byList.takenAndClaimed([ids[0]])
        #expect(byList.round() == .take(upTo: 8, wait: .seconds(1)))
        _ = talk.taken([])
        #expect(talk.swept(1) == .wait(until: nil))
        #expect(talk.round() == .take(upTo: 8, wait: .seconds(1)))
    }

    @Test func `The pauses without a doorbell are short again behind jobs`() throws {
        var talk = try Talk(rings: false)
        var pauses: [Duration] = []
        for found in [0, 0, 0, 1, 0] {
            _ = talk.round()
            guard let pause = talk.swept(found).pauseTime else { continue }
            pauses.append(pause)
            _ = talk.after(.done)
        }
        try #require(pauses.count == 4)
        #expect(pauses[2] > .milliseconds(50) && pauses[3] < .milliseconds(30))
    }

    @Test func `The pauses of a desk without a doorbell are short again behind a take`() throws {
        var talk = Talk.atDesk()
        var pauses: [Duration] = []
        let takes: [[JobID]?] = [nil, nil, nil, [], nil]
        for taken in takes {
            _ = talk.round(free: 3, kinds: [])
            guard let pause = talk.taken(taken, kinds: []).pauseTime else { continue }
            pauses.append(pause)
            _ = talk.after(.done)
        }
        try #require(pauses.count == 4)
        #expect(pauses[2] > .milliseconds(250) && pauses[3] < .milliseconds(150))
    }

    @Test func `A sweep that goes on beside an idle worker makes the pauses short again`() throws {
        var talk = try Talk(slots: 16)
        var pauses: [Duration] = []
        for _ in 0..<3 {
            _ = talk.round(free: 16, isDoorbellOut: true)
            let pause = talk.swept(0, free: 16, took: .milliseconds(20))
            pauses.append(try #require(pause.pauseTime))
            _ = talk.after(.done)
        }
        #expect(pauses[2] > .milliseconds(50))
        // It has rested, and the poll interval is not over.
        talk.now += .milliseconds(990)
        #expect(talk.round(free: 16) == .take(upTo: 16, wait: .seconds(1)))
        #expect(talk.taken([]) == .sweep(upTo: 14, behind: [:], flies: true))
        #expect(talk.after(.done) == .wait(until: nil))
        let landed = ClaimLoop.Landed(sweep: talk.answer(0))
        _ = talk.round(free: 16, isDoorbellOut: true, landed: landed)
        let last = talk.swept(0, free: 16)
        let pause = try #require(last.pauseTime)
        #expect(pause < .milliseconds(30))
    }

    @Test func `With one slot claims come one after the other, and so do their jobs`() throws {
        for (slots, flies) in [(1, false), (2, true)] {
            var talk = try Talk(slots: slots)
            _ = talk.round(free: 200)
            _ = talk.swept(0, free: 200)
            let some = Array(ids.prefix(5))
            #expect(talk.taken(some) == .claim(some, flies: flies))
        }
    }

    @Test func `A round waits for the pace once`() throws {
        var talk = try Talk(slots: 20)
        _ = talk.round(free: 20)
        _ = talk.swept(0, free: 20)
        let few = Array(ids.prefix(5))
        #expect(talk.taken(few) == .claim(few, flies: true))
        let end = talk.now + ClaimPlan.pace
        #expect(talk.after(.done) == .wait(until: end))
        _ = talk.round(free: 15)
        #expect(talk.taken([]) == .sweep(upTo: 15, behind: [:], flies: false))
        #expect(talk.swept(0, free: 15) == .wait(until: nil))
    }
}

extension Talk {
    /// A claim misses this id, which is of a foreign kind; what is done about it after a while.
    fileprivate mutating func missed(
        _ foreign: Announcement, knowing kinds: [String]
    ) -> ClaimLoop.Action {
        _ = taken([foreign.id], kinds: kinds)
        _ = after(.claimed([]))
        now += TakenIDs.missedDelay
        _ = round(kinds: kinds)
        return after(.stillQueued([], foreign: [foreign]))
    }
}
