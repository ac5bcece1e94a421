import Testing

@testable import Tasq

@Suite struct TakenIDsTests {
    private let now = ContinuousClock.now

    private func ids(_ count: UInt64) -> [JobID] {
        (0..<count).map { JobID(high: 0, low: $0) }
    }

    @Test func `Ids that lead nowhere are counted until the list is ahead again`() {
        var taken = TakenIDs()
        taken.note(claimed: [], of: ids(8), at: now)
        taken.note(claimed: [.sample()], of: ids(16), at: now)
        #expect(taken.stale == 23)
        taken.note(claimed: [], of: ids(5000), at: now)
        #expect(taken.stale == ClaimPlan.claimLimit)
        taken.note(claimed: (0..<4).map { _ in .sample() }, of: ids(8), at: now)
        #expect(taken.stale == 0)
        taken.note(claimed: [], of: ids(8), at: now)
        taken.note(taken: [])
        #expect(taken.stale == 0)
    }

    @Test func `Missed ones are due once the first has waited, and only so many are kept`() {
        var taken = TakenIDs()
        taken.note(missed: [], at: now - .seconds(1))
        #expect(!taken.missedAreDue(at: now))
        taken.note(missed: [JobID()], at: now)
        taken.note(missed: ids(20_000), at: now + .seconds(1))
        #expect(taken.missed.count == TakenIDs.missedLimit)
        #expect(!taken.missedAreDue(at: now + .milliseconds(99)))
        #expect(taken.missedAreDue(at: now + .milliseconds(100)))
        let first = taken.lookAtMissed(at: now + .milliseconds(100), all: false)
        taken.forgetMissed()
        #expect(first.count == 1 && !taken.missed.contains(first[0]))
        #expect(taken.missed.count == TakenIDs.missedLimit - 1)
        #expect(!taken.missedAreDue(at: now + .milliseconds(1099)))
        #expect(taken.missedAreDue(at: now + .milliseconds(1100)))
        let others = taken.lookAtMissed(at: now, all: true)
        taken.forgetMissed()
        #expect(others.count == TakenIDs.missedLimit - 1)
        #expect(taken.missed.isEmpty && !taken.missedAreDue(at: now + .seconds(60)))
    }

    @Test func `Those that came within a moment are looked at together`() {
        var taken = TakenIDs()
        let ids = ids(3)
        for (place, id) in ids.enumerated() {
            taken.note(missed: [id], at: now + .milliseconds(place * 50))
        }
        #expect(Set(taken.lookAtMissed(at: now + .milliseconds(100), all: false)) == Set(ids))
    }

    @Test func `One that is missed again and again holds up no other, and is soon as new`() {
        var taken = TakenIDs()
        let ids = ids(2)
        let job = Announcement(id: ids[0], queue: .defaultQueue, priority: .default)
        for _ in 0..<3 { taken.note(announcedAgain: [job]) }
        taken.note(missed: ids, at: now)
        let soon = now + .milliseconds(100)
        #expect(taken.missedAreDue(at: soon))
        #expect(taken.lookAtMissed(at: soon, all: false) == [ids[1]])
        taken.forgetMissed()
        #expect(Array(taken.missed) == [ids[0]])
        #expect(!taken.missedAreDue(at: now + .milliseconds(799)))
        #expect(taken.missedAreDue(at: now + .milliseconds(800)))
        _ = taken.lookAtMissed(at: now, all: true)
        taken.forgetMissed()
        taken.note(claimed: [.sample(ids[0])], of: [ids[0]], at: now)
        taken.note(missed: [ids[0]], at: now)
        #expect(taken.missedAreDue(at: soon))
    }

    @Test func `Those that can be claimed are kept in the list's order, and only so many`() {
        var taken = TakenIDs()
        let ids = ids(10)
        taken.note(taken: ids + [ids[1]])
        let claimable = [7, 1, 4].map {
            Announcement(id: ids[$0], queue: .defaultQueue, priority: .default)
        }
        let others = taken.keep(2, of: claimable, amongQueued: 3)
        #expect(taken.unclaimed == [ids[1], ids[4]])
        #expect(others.map(\.id) == [ids[7]])
        #expect(taken.stale == 8)
    }

    @Test func `A foreign id is passed on again once other kinds are known`() {
        var taken = TakenIDs()
        let foreign = [Announcement(id: JobID(), queue: .defaultQueue, priority: .default)]
        #expect(taken.passOn(foreign, at: now) == foreign)
        #expect(taken.passOn(foreign, at: now).isEmpty)
        taken.forgetPassedOn()
        #expect(taken.passOn(foreign, at: now) == foreign)
    }

    @Test func `A list of many foreign ids does not go round for ever`() {
        var taken = TakenIDs()
        var list = ids(60_000).map {
            Announcement(id: $0, queue: .defaultQueue, priority: .default)
        }
        var time = now
        var takes = 0
        while !list.isEmpty, takes < 1000 {
            let part = Array(list.prefix(500))
            list.removeFirst(part.count)
            list += taken.passOn(part, at: time)
            time += .milliseconds(20)
            takes += 1
        }
        // All come twice, and a few once more until it shows.
        #expect(takes == 241)
    }
}
