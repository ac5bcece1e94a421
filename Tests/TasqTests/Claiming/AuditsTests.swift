import Testing

@testable import Tasq

@Suite struct AuditsTests {
    private let now = ContinuousClock.now

    @Test func `After claims there are two looks, each after a while`() {
        var audits = Audits()
        #expect(!audits.areOwed)
        audits.noteClaims(at: now)
        #expect(!audits.areDue(at: now) && audits.areDue(at: now + Audits.pause))
        audits.noteClaims(at: now + .seconds(29))
        #expect(audits.areDue(at: now + Audits.pause), "it is not put off by more of them")
        audits.noteLook(at: now)
        #expect(audits.areOwed)
        audits.noteLook(at: now)
        #expect(!audits.areOwed)
    }

    @Test(arguments: [
        (StoreError.unavailable("away"), 2), (StoreError.unknown("away"), 20),
    ])
    func `After a failure there is one at once, and more where a write may come late`(
        failure: StoreError, looks: Int
    ) {
        var audits = Audits()
        audits.noteClaims(at: now)
        audits.note(failure, at: now)
        #expect(audits.areDue(at: now))
        var count = 0
        while audits.areOwed, count < 100 {
            audits.noteLook(at: now)
            #expect(!audits.areDue(at: now))
            count += 1
        }
        #expect(count == looks)
    }
}
