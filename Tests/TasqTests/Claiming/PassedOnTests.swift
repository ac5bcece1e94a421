import Testing

@testable import Tasq

@Suite struct PassedOnTests {
    @Test func `An id is passed on once, as long as it is remembered`() {
        var passedOn = PassedOn(limit: 3)
        let ids = (0..<7).map { _ in JobID() }
        var answers: [Bool] = []
        for id in ids.prefix(4) + ids.prefix(4) + ids.suffix(3) {
            answers.append(passedOn.insert(id))
        }
        #expect(
            answers == [true, true, true, true, false, false, false, false, true, true, true])
        // Six are remembered at most.
        let isNewAgain = passedOn.insert(ids[0])
        let isNew = passedOn.insert(ids[6])
        #expect(isNewAgain && !isNew)
    }
}
