import Testing

@testable import Tasq

@Suite struct PassedOnTests {
    private let now = ContinuousClock.now
    private let ids = (0..<7).map { _ in JobID() }

    @Test func `An id is passed on once, as long as it is remembered`() {
        var passedOn = PassedOn(limit: 3)
        var answers: [Bool] = []
        for (place, id) in (ids.prefix(4) + ids.prefix(4) + ids.suffix(3)).enumerated() {
            answers.append(passedOn.insert(id, at: now + .seconds(place * 60)))
        }
        #expect(
            answers == [true, true, true, true, false, false, false, false, true, true, true])
        // Six are remembered at most.
        let isNewAgain = passedOn.insert(ids[0], at: now + .seconds(3600))
        let isNew = passedOn.insert(ids[6], at: now + .seconds(3600))
        #expect(isNewAgain && !isNew)
    }

    @Test func `Those that come faster than are remembered are passed on no more for a while`() {
        var passedOn = PassedOn(limit: 3)
        var answers: [Bool] = []
        for (id, second) in zip(ids, [0, 10, 20, 30, 59, 60, 61]) {
            answers.append(passedOn.insert(id, at: now + .seconds(second)))
        }
        #expect(answers == [true, true, true, false, false, true, true])
        // Nor is what was refused remembered.
        let isNew = passedOn.insert(ids[3], at: now + .seconds(61))
        #expect(isNew)
    }
}
