import Testing

@testable import Tasq

@Suite struct PassedOnTests {
    private let now = ContinuousClock.now

    @Test func `An id is passed on once, as long as it is remembered`() {
        let ids = (0..<7).map { JobID(high: 0, low: $0 * PassedOn.sampleStep + 1) }
        var passedOn = PassedOn(limit: 3)
        var answers: [Bool] = []
        for id in ids.prefix(4) + ids.prefix(4) + ids.suffix(3) {
            answers.append(passedOn.insert(id, at: now))
        }
        #expect(
            answers == [true, true, true, true, false, false, false, false, true, true, true])
        // Six are remembered at most.
        let isNewAgain = passedOn.insert(ids[0], at: now)
        let isNew = passedOn.insert(ids[6], at: now)
        #expect(isNewAgain && !isNew)
    }

    @Test func `However fast they come, each is passed on where none comes back`() {
        var passedOn = PassedOn()
        let count = (0..<30_000).count { place in
            passedOn.insert(
                JobID(high: 0, low: UInt64(place)), at: now + .microseconds(place * 333))
        }
        #expect(count == 30_000)
    }

    @Test func `Where forgotten ones come back, none is passed on for a minute`() {
        var passedOn = PassedOn()
        let ids = (UInt64(0)..<30_000).map { JobID(high: 0, low: $0) }
        for id in ids { _ = passedOn.insert(id, at: now) }
        let count = ids.count { passedOn.insert($0, at: now) }
        // Those between the first that is remembered for longer and the eighth.
        #expect(count == 7 * 63)
        let id = JobID(high: 1, low: 1)
        let isEarly = passedOn.insert(id, at: now + .milliseconds(59_999))
        let isLate = passedOn.insert(id, at: now + PassedOn.span)
        #expect(!isEarly && isLate)
    }

    @Test func `A few that come back among new ones hold up no others`() {
        var passedOn = PassedOn(limit: 100)
        var answers: [Bool] = []
        for place in UInt64(0)..<50 {
            let (old, new) = (place * 64, (place + 1000) * 64)
            for low in [old, new] { _ = passedOn.insert(JobID(high: 0, low: low), at: now) }
            // Only what is remembered for longer is left of the old one.
            for other in UInt64(1)...200 {
                _ = passedOn.insert(JobID(high: place + 1, low: other * 64 + 1), at: now)
            }
            answers.append(passedOn.insert(JobID(high: 0, low: old), at: now))
            answers.append(passedOn.insert(JobID(high: 1000, low: new), at: now))
        }
        #expect(answers == (0..<50).flatMap { _ in [false, true] })
    }
}
